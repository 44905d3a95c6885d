package preview

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ostiary/ostiary"
)

func writer(t testing.TB, root string) previewer {
	t.Helper()
	f, err := Write(WriteOptions{Path: "path", Content: "content", Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(path, content string) map[string]any {
	return map[string]any{"path": path, "content": content}
}

func TestWriteShowsTheDifference(t *testing.T) {
	dir := t.TempDir()
	full := file(t, dir, "a.txt", "one\ntwo\n-- three\nfour\n")
	for _, name := range []string{"a.txt", "./a.txt", full} {
		p := made(t, writer(t, dir), write(name, "one\n2\n++ three\nfour\n"))
		holds(t, p.Text, "2 lines added, 2 removed", "\n-two\n", "\n+2\n", "\n one\n", "mode -rw-r--r--", "--- three", "+++ three")
		if p.Kind != "diff" {
			t.Error(p.Kind)
		}
	}
	holds(t, made(t, writer(t, dir), write("new/b.txt", "x\ny")).Text, "a new file of 3 bytes", "2 lines added, 0 removed", "\n+x\n", "\n+y\n", "No newline")
	holds(t, made(t, writer(t, dir), write("a.txt", "one\ntwo\n-- three\nfour\n")).Text, "nothing changes")
	holds(t, made(t, writer(t, dir), write("a.txt", "a\x00b")).Text, "binary", "old: 22 bytes, SHA-256 ", "new: 3 bytes")
	file(t, dir, "sub/c", "")
	sub, err := Write(WriteOptions{Path: "path", Content: "content", Root: dir, WorkingDir: filepath.Join(dir, "sub")})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, made(t, sub, write("c", "x")).Text, "a file of 0 bytes")
}

// The person said yes to what was there; the Target tells when it is not.
func TestWriteTargetFollowsTheFile(t *testing.T) {
	dir := t.TempDir()
	path := file(t, dir, "a.txt", "old\n")
	f := writer(t, dir)
	target := func(name string) ostiary.Digest { return made(t, f, write(name, "new\n")).Target }
	first := target("a.txt")
	if target("a.txt") != first || target("./a.txt") != first {
		t.Error("the same file has two targets")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[ostiary.Digest]string{first: "first"}
	for what, change := range map[string]func() error{
		"content of the same size and time": func() error {
			file(t, dir, "a.txt", "OLD\n")
			return os.Chtimes(path, info.ModTime(), info.ModTime())
		},
		"mode":    func() error { return os.Chmod(path, 0o755) },
		"removed": func() error { return os.Remove(path) },
		"a link":  func() error { file(t, dir, "b.txt", "old\n"); return os.Symlink("b.txt", path) },
	} {
		os.Remove(path)
		file(t, dir, "a.txt", "old\n")
		os.Chmod(path, 0o644)
		if target("a.txt") != first {
			t.Fatalf("before %s: another target", what)
		}
		if what == "a link" {
			os.Remove(path)
		}
		if err := change(); err != nil {
			t.Fatal(err)
		}
		now := target("a.txt")
		if was, ok := seen[now]; ok {
			t.Errorf("%s: the target is that of %s", what, was)
		}
		seen[now] = what
	}
	if target("c.txt") == target("d.txt") {
		t.Error("two missing files have one target")
	}
}

func TestWriteStaysInsideAndDoesNotBlock(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	file(t, root, "in.txt", "in\n")
	secret := file(t, dir, "secret.txt", "secret\n")
	for name, to := range map[string]string{"out": "../secret.txt", "abs": secret, "dirout": "..", "loop": "loop", "nothing": "missing", "ok": "in.txt"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := writer(t, root)
	for _, name := range []string{
		"", "out", "abs", "dirout/secret.txt", "loop", "nothing", "fifo", ".", root, "../secret.txt", "sub/../in.txt", secret, "/etc/passwd",
		"/dev/zero", "~/x", "file:///etc/passwd", "FILE:x", "in.txt/x", "a\x00b", strings.Repeat("a/", 3000), strings.Repeat("x", 300) + "/" + strings.Repeat("y", 300),
	} {
		refused(t, name, f, write(name, "x"))
	}
	holds(t, made(t, f, write("ok", "x\n")).Text, "symbolic link to \"in.txt\"", "-in")
	// Control: a wider root shows what the narrow one refuses.
	holds(t, made(t, writer(t, dir), write("secret.txt", "x\n")).Text, "-secret")
	if err := os.Symlink("root", filepath.Join(dir, "alias")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"in.txt", filepath.Join(root, "in.txt"), filepath.Join(dir, "alias", "in.txt")} {
		holds(t, made(t, writer(t, filepath.Join(dir, "alias")), write(name, "x\n")).Text, "-in")
	}
	refused(t, "beside an alias", writer(t, filepath.Join(dir, "alias")), write(secret, "x"))
	refused(t, "no path", f, map[string]any{"content": "x"})
	refused(t, "no content", f, map[string]any{"path": "in.txt"})
	refused(t, "a number", f, map[string]any{"path": "in.txt", "content": true})
	refused(t, "no arguments", f, nil)
	gone := writer(t, filepath.Join(dir, "gone"))
	refused(t, "no root", gone, write("x", "x"))
}

func TestWriteIsBounded(t *testing.T) {
	dir := t.TempDir()
	sparse := file(t, dir, "sparse", "")
	if err := os.Truncate(sparse, 1<<30); err != nil {
		t.Fatal(err)
	}
	f := writer(t, dir)
	p := made(t, f, write("sparse", "x"))
	holds(t, p.Text, "1073741824 bytes", "too large to be compared", "new: 1 byte")
	if err := os.Truncate(sparse, 1<<30+1); err != nil {
		t.Fatal(err)
	}
	if made(t, f, write("sparse", "x")).Target == p.Target {
		t.Error("a file that grew has the same target")
	}
	file(t, dir, "many", strings.Repeat("old\n", 100_000))
	holds(t, made(t, f, write("many", strings.Repeat("new\n", 100_000))).Text, "100000 lines added, 100000 removed", "more lines are not shown")
	holds(t, made(t, f, write("many", strings.Repeat("n", 3<<20))).Text, "1 line added, 100000 removed")
	holds(t, made(t, f, write("wide", strings.Repeat("é", 1<<20)+"\nlast\n")).Text, "more bytes on this line", "\n+last")
	holds(t, made(t, f, write("huge", strings.Repeat("n\n", 3<<20))).Text, "too large to be compared", "new: 6291456 bytes")
	holds(t, made(t, f, write("evil\x1b[31m\n\u202e name", "x")).Text, `"evil\x1b[31m\n\u202e name": a new file`)
}

func TestOptionsAreLookedAt(t *testing.T) {
	parse := finds("select")
	for name, make := range map[string]func() (previewer, error){
		"no path":        func() (previewer, error) { return Write(WriteOptions{Content: "c", Root: "/x"}) },
		"no content":     func() (previewer, error) { return Write(WriteOptions{Path: "p", Root: "/x"}) },
		"no root":        func() (previewer, error) { return Write(WriteOptions{Path: "p", Content: "c"}) },
		"relative root":  func() (previewer, error) { return Write(WriteOptions{Path: "p", Content: "c", Root: "x"}) },
		"delete no path": func() (previewer, error) { return Delete(DeleteOptions{Root: "/x"}) },
		"delete no root": func() (previewer, error) { return Delete(DeleteOptions{Path: "p"}) },
		"delete bound":   func() (previewer, error) { return Delete(DeleteOptions{Path: "p", Root: "/x", MaxEntries: -1}) },
		"sql no query":   func() (previewer, error) { return SQL(SQLOptions{Dialect: "sqlite", Parse: parse}) },
		"sql no parser":  func() (previewer, error) { return SQL(SQLOptions{Query: "q", Dialect: "sqlite"}) },
		"sql dialect":    func() (previewer, error) { return SQL(SQLOptions{Query: "q", Dialect: "mysql", Parse: parse}) },
		"sql relative file": func() (previewer, error) {
			return SQL(SQLOptions{Query: "q", Dialect: "sqlite", Parse: parse, Database: "x"})
		},
		"sql other dialect": func() (previewer, error) {
			return SQL(SQLOptions{Query: "q", Dialect: "postgresql", Parse: parse, Database: "/x"})
		},
	} {
		if f, err := make(); f != nil || ostiary.AsError(err).Code != ostiary.CodeConfigInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
