package preview

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func deleter(t testing.TB, o DeleteOptions) previewer {
	t.Helper()
	o.Path = "path"
	f, err := Delete(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func at(path string) map[string]any { return map[string]any{"path": path} }

func TestDeleteShowsWhatGoes(t *testing.T) {
	dir := t.TempDir()
	file(t, dir, "keep.txt", "keep")
	file(t, dir, "d/a.txt", "12345")
	file(t, dir, "d/sub/b.txt", "1")
	file(t, dir, "d/evil\n\x1b[2J\u202e", "")
	if err := os.Symlink("../keep.txt", filepath.Join(dir, "d/link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "d/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := deleter(t, DeleteOptions{Root: dir})
	p := made(t, f, at("d"))
	holds(t, p.Text, `"d": a directory; in all 3 files and 2 directories with 6 bytes, 2 links or special files`,
		`"d/a.txt"  file, 5 bytes`, `"d/sub/b.txt"  file, 1 byte`, `"d/link"  symbolic link to "../keep.txt"`, `"d/fifo"  special file`, `"d/evil\n\x1b[2J\u202e"`)
	if p.Kind != "delete" || strings.ContainsAny(p.Text, "\x1b\u202e") {
		t.Errorf("%q", p.Text)
	}
	holds(t, made(t, f, at("keep.txt")).Text, `"keep.txt": a file; in all 1 file and 0 directories with 4 bytes`)
	holds(t, made(t, f, at("d/link")).Text, `a symbolic link; in all 0 files`)
	refused(t, "nothing there", f, at("missing"))
	refused(t, "outside", f, at("../x"))
	refused(t, "through a link", deleter(t, DeleteOptions{Root: filepath.Join(dir, "d")}), at("link/x"))
}

func TestDeleteTargetFollowsTheEntries(t *testing.T) {
	dir := t.TempDir()
	f := deleter(t, DeleteOptions{Root: dir})
	when := time.Unix(1_700_000_000, 0)
	fresh := func() ostiary.Digest {
		os.RemoveAll(filepath.Join(dir, "d"))
		file(t, dir, "d/a", "a")
		file(t, dir, "d/sub/b", "b")
		for _, n := range []string{"d/a", "d/sub/b", "d/sub", "d"} {
			if err := os.Chtimes(filepath.Join(dir, n), when, when); err != nil {
				t.Fatal(err)
			}
		}
		return made(t, f, at("d")).Target
	}
	first := fresh()
	if fresh() != first {
		t.Fatal("the same entries have two targets")
	}
	for what, change := range map[string]func() error{
		"a new file below": func() error { file(t, dir, "d/sub/new", ""); return nil },
		"a size":           func() error { file(t, dir, "d/sub/b", "bb"); return nil },
		"a time":           func() error { return os.Chtimes(filepath.Join(dir, "d/sub/b"), when, when.Add(time.Nanosecond)) },
		"a mode":           func() error { return os.Chmod(filepath.Join(dir, "d/a"), 0o600) },
		"a file less":      func() error { return os.Remove(filepath.Join(dir, "d/a")) },
	} {
		fresh()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if made(t, f, at("d")).Target == first {
			t.Errorf("%s does not change the target", what)
		}
	}
}

func TestDeleteIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "many"), 0o755); err != nil {
		t.Fatal(err)
	}
	entries := 100_000
	if testing.Short() {
		entries = 20_000
	}
	first := filepath.Join(dir, "many", "0")
	file(t, dir, "many/0", "")
	for i := 1; i < entries; i++ { // links are cheaper than files
		if err := os.Symlink("x", filepath.Join(dir, "many", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	p := made(t, deleter(t, DeleteOptions{Root: dir, Timeout: time.Minute}), at("many"))
	holds(t, p.Text, "at least ", "not everything was counted: there are too many", "more lines are not shown")
	t.Logf("%d entries, %v", entries, time.Since(begun))
	if made(t, deleter(t, DeleteOptions{Root: dir, Timeout: time.Minute}), at("many")).Target != p.Target {
		t.Error("the same entries have two targets")
	}
	holds(t, made(t, deleter(t, DeleteOptions{Root: dir, MaxEntries: 1}), at("many")).Text, "at least 0 files and 1 directory")
	holds(t, made(t, deleter(t, DeleteOptions{Root: dir, Timeout: 1}), at("many")).Text, "it took too long")
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	deep := dir
	for range 80 {
		deep = filepath.Join(deep, "d")
	}
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	holds(t, made(t, deleter(t, DeleteOptions{Root: dir}), at("d")).Text, "at least 0 files and 65 directories", "it is too deep")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := deleter(t, DeleteOptions{Root: dir})(ctx, call(at("d"))); ostiary.AsError(err).Code != ostiary.CodePreviewFailed {
		t.Errorf("withdrawn: %v", err)
	}
}
