package validate

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

// TestForbidsWhenADirectoryCannotBeDecided: where a denied directory lies may be
// unknown, and then every name may lie below it.
func TestForbidsWhenADirectoryCannotBeDecided(t *testing.T) {
	dir, ws := tree(t)
	keys := filepath.Join(dir, "keys")
	args := map[string]Argument{"path": {Path: &Path{Under: []string{keys}}}}
	cond, err := Forbids(args, toolWith(""), Options{WorkingDir: ws})
	if err != nil {
		t.Fatal(err)
	}
	holds := func() bool {
		got, err := cond.Holds(context.Background(), callWith(t, ostiary.EffectRead, `{"path":"file.txt"}`))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if holds() {
		t.Fatal("control: a directory that is not there denies another file")
	}
	must(t, os.Symlink("keys", keys))
	if !holds() {
		t.Error("a directory that leads round is passed over")
	}
}
