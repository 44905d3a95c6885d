package validate

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ostiary/ostiary/internal/nonblock"
)

// What may let a name be looked up elsewhere, or by another program, is not near: whoever
// waits there keeps a processor of Go's.
func TestNearby(t *testing.T) {
	dir := t.TempDir()
	if !nonblock.Disk(fileSystem(dir)) {
		t.Skip("this directory is not near")
	}
	for at, want := range map[string]bool{
		dir:                           true,
		"/proc/self/root" + dir:       false, // through another file system
		filepath.Join(dir, "missing"): false,
		".":                           false,
		"/proc":                       false,
	} {
		if nearby(at) != want {
			t.Errorf("%s: %t", at, !want)
		}
	}
}

// The answer is the same whether the scheduler is told or not.
func TestIsLink(t *testing.T) {
	dir := t.TempDir()
	link, file := filepath.Join(dir, "link"), filepath.Join(dir, "file")
	must(t, os.Symlink("nowhere at all", link))
	must(t, os.WriteFile(file, nil, 0o600))
	for _, near := range []bool{true, false} {
		for name, want := range map[string]bool{
			link: true, file: false, dir: false, filepath.Join(dir, "missing"): false, filepath.Join(file, "x"): false, link + "\x00": false,
		} {
			if isLink(name, near) != want {
				t.Errorf("%q, near %t: %t", name, near, !want)
			}
		}
	}
}
