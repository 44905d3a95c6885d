package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ostiary/ostiary/internal/peers/echo"
)

// TestMain lets the scripts run this program as the command ostiary, and a server
// with the tools echo and put as the command echo-server, and a call that asks a
// person as the command ask-person, and calls whose results hold what filters find as
// the command leave-findings.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"ostiary": main,
		"ask-person": func() {
			if err := askPerson(os.Args[1:], os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		},
		"leave-findings": func() {
			if err := leaveFindings(os.Stdin); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		},
		"files-server": func() {
			if err := serveFiles(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		},
		"echo-server": func() {
			if err := echo.Serve(os.Stdin, os.Stdout, echo.Options{}); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		},
	})
}

// TestScripts runs the examples of the command line in testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_STATE_HOME", e.WorkDir+"/state")
			return nil
		},
		// Loading the SQL grammar takes minutes under the race detector.
		Condition: func(cond string) (bool, error) {
			if cond != "race" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			info, ok := debug.ReadBuildInfo()
			return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}), nil
		},
	})
}
