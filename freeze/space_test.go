package freeze

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// blocks is how much of the disk the file has; -1 if it is not there.
func blocks(t *testing.T, dir string) int64 {
	t.Helper()
	var st unix.Stat_t
	switch err := unix.Lstat(filepath.Join(dir, spaceName), &st); {
	case errors.Is(err, unix.ENOENT):
		return -1
	case err != nil:
		t.Fatal(err)
	}
	return st.Blocks * 512
}

func TestSpaceIsReallyTaken(t *testing.T) {
	dir := t.TempDir()
	if had, err := ReleaseSpace(dir); had || err != nil {
		t.Fatal(had, err)
	}
	path := filepath.Join(dir, spaceName)
	for _, c := range []struct {
		name string
		was  func() error
	}{
		{"missing", func() error { return nil }},
		{"there", func() error { return nil }},
		{"left of a crash", func() error { return os.Truncate(path, 4096) }},
		{"copied with a hole", func() error { return errors.Join(os.Truncate(path, 0), os.Truncate(path, spaceBytes)) }},
	} {
		if err := errors.Join(c.was(), KeepSpace(dir)); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if n := blocks(t, dir); n < spaceBytes {
			t.Errorf("%s: %d bytes are taken", c.name, n)
		}
	}
	if had, err := ReleaseSpace(dir); !had || err != nil || blocks(t, dir) != -1 {
		t.Error(had, err)
	}
}

// What lies under the name and is no file of ours is not written.
func TestSpaceIsNotTakenThroughALink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, spaceName)
	if err := errors.Join(os.WriteFile(target, []byte("x"), 0o600), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	if err := KeepSpace(dir); err == nil {
		t.Error("a link was followed")
	}
	if b, err := os.ReadFile(target); err != nil || string(b) != "x" {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if err := errors.Join(os.Remove(link), unix.Mkfifo(link, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := KeepSpace(dir); err == nil {
		t.Error("a pipe was taken for space")
	}
}

// A door that starts while a freeze is under way does not take what it needs; the
// control is the same disk with more space.
func TestSpaceIsNotTakenFromAFreeze(t *testing.T) {
	for size, want := range map[string]bool{"size=15m": false, "size=20m": true} {
		dir := t.TempDir()
		if err := unix.Mount("none", dir, "tmpfs", 0, size); err != nil {
			t.Skipf("SKIPPED, no small file system was tested: cannot mount a tmpfs: %v", err)
		}
		defer unix.Unmount(dir, unix.MNT_DETACH)
		err := KeepSpace(dir)
		if n := blocks(t, dir); (err == nil) != want || (n == -1) == want {
			t.Errorf("%s: %d bytes, %v", size, n, err)
		}
	}
}
