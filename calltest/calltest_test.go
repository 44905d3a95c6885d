package calltest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/ostiary/ostiary/validate/sqlhelper"
)

// The test binary parses SQL for the cases.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "sql-helper" {
		if err := sqlhelper.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func options(t testing.TB) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Program: self}
}

// TestCalls runs the cases of the house.
func TestCalls(t *testing.T) {
	files, err := filepath.Glob("../testdata/calls/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases (%v)", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			r, err := Run(t.Context(), file, options(t))
			if err != nil {
				t.Fatal(err)
			}
			if !r.OK() {
				t.Error(r)
			}
		})
	}
}
