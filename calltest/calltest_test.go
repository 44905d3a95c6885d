package calltest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/ostiary/ostiary/validate/sqlhelper"
)

// program is the executable that parses SQL for the cases. That is this one, but
// for the race detector, under which the grammar takes minutes to load; then the
// command is built without it.
var program = os.Args[0]

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "sql-helper" {
		if err := sqlhelper.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	info, ok := debug.ReadBuildInfo()
	if !ok || !slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "ostiary-calltest-")
	if err == nil {
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "ostiary")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", program, "../cmd/ostiary").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func options() Options { return Options{Program: program} }
