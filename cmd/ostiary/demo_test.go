package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/demo"
	"github.com/ostiary/ostiary/internal/peers"
)

// TestDemo runs the whole of it, as a user does. Loading the SQL grammar takes
// minutes under the race detector, so there the program is built without; the
// other tests of this file run with it.
func TestDemo(t *testing.T) {
	first := withoutRace(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/demo",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", first+e.Getenv("PATH"))
			return nil
		},
	})
}

// withoutRace returns what to put before PATH so that the command ostiary is one
// built without the race detector; nothing where the test itself is.
func withoutRace(t *testing.T) string {
	t.Helper()
	race := debug.BuildSetting{Key: "-race", Value: "true"}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, race) {
		return filepath.Dir(peers.Build(t, "./cmd/ostiary")) + string(os.PathListSeparator)
	}
	return ""
}

// demonstrate runs calls of the demonstration with the real program.
func demonstrate(t *testing.T, change func(*demo.Options)) (string, error) {
	t.Helper()
	self, err := exec.LookPath("ostiary") // TestMain put it there
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	o := demo.Options{Program: self, Verify: verifyDemo, Out: &out, Calls: quickCalls()}
	change(&o)
	err = demo.Run(t.Context(), o)
	return out.String(), err
}

// quickCalls are those that need neither the SQL parser nor time.
func quickCalls() []demo.Call {
	return slices.DeleteFunc(demo.Calls(), func(c demo.Call) bool {
		return c.Tool == "query" || c.Hangs || c.Times > 0
	})
}

func TestDemoColours(t *testing.T) {
	out, err := demonstrate(t, func(o *demo.Options) { o.Color = true })
	if err != nil || !strings.Contains(out, "\x1b[31mdenied \x1b[0m") {
		t.Errorf("got %v\n%s", err, out)
	}
}

// TestDemoAsserts breaks every expectation in turn: a demonstration that cannot
// fail shows nothing.
func TestDemoAsserts(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*demo.Options)
		says   string
	}{
		"a code":            {func(o *demo.Options) { o.Calls[1].Want = ostiary.CodeValidateURL }, `call 2 (traversal): the code must be "validate_url" and is "validate_path"`},
		"a pass":            {func(o *demo.Options) { o.Calls[1].Want = "" }, "call 2 (traversal): it must pass"},
		"a refusal":         {func(o *demo.Options) { o.Calls[0].Want = ostiary.CodeValidatePath }, "call 1 (a read inside the workspace): it passed"},
		"what is read":      {func(o *demo.Options) { o.Calls[0].Shows = "feed the cat" }, "feed the cat"},
		"the control":       {func(o *demo.Options) { o.Calls[1].Shows = "another secret" }, "without the door call 2 (traversal) succeeds: false"},
		"whole evidence":    {func(o *demo.Options) { o.Verify = always(demo.Verified{Broken: "it is not whole"}) }, "it is not whole"},
		"a change is found": {func(o *demo.Options) { o.Verify = always(demo.Verified{Records: 1}) }, "verification of the changed copy"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := demonstrate(t, c.change)
			if !errors.Is(err, ostiary.CodeInternal) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q\n%s", err, c.says, out)
			}
			if strings.Contains(out, "as they must be") {
				t.Errorf("it claims success:\n%s", out)
			}
		})
	}
}

func always(v demo.Verified) func(context.Context, string) (demo.Verified, error) {
	return func(context.Context, string) (demo.Verified, error) { return v, nil }
}

// TestDemoInterrupted checks that a demonstration that is told to end leaves
// neither its folder nor a process.
func TestDemoInterrupted(t *testing.T) {
	tmp := t.TempDir()
	cmd := exec.Command("ostiary", "demo", "--json")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	for !strings.Contains(seen.String(), `"event":"call"`) { // the door is open
		if _, err := io.CopyN(&seen, out, 1); err != nil {
			t.Fatalf("%v after %s", err, seen.String())
		}
	}
	if len(processes(t, tmp)) == 0 {
		t.Error("there is no process to look for; the test proves nothing")
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != failed {
		t.Errorf("it ended with %v", err)
	}
	if left := processes(t, tmp); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	if entries, err := os.ReadDir(tmp); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// processes are the command lines that name a folder.
func processes(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Skip("this system does not show its processes in /proc")
	}
	var found []string
	for _, file := range files {
		// One that has just ended has no command line any more.
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(folder)) {
			found = append(found, string(line))
		}
	}
	return found
}
