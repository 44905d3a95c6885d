package validate

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

const canary = "secret outside"

// tree makes a workspace with attacks in it, a sibling and a secret outside.
func tree(t testing.TB) (dir, ws string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ws = filepath.Join(dir, "ws")
	for _, d := range []string{"ws/a/b", "ws/sub", "ws/.git/hooks", "ws/.github/workflows", "ws-evil", "out/deep", "own"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	for name, text := range map[string]string{
		"ws/file.txt": "in", "ws/a/b/c.txt": "in", "ws/.git/config": "in", "ws-evil/x": canary, "secret": canary,
		"out/deep/s": canary, "own/key": canary, "ws/Foo$Bar.class": "in",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for name, target := range map[string]string{
		"ws/up": "..", "ws/out": "../out", "ws/outfile": "../secret", "ws/dangling": "../nothing", "ws/insidedangling": "nothing",
		"ws/abs": filepath.Join(dir, "ws/file.txt"), "ws/absout": filepath.Join(dir, "out"), "ws/fine": "a/b", "ws/hooks": ".git/hooks",
		"ws/loop1": "loop2", "ws/loop2": "loop1", "ws/proc": "/proc/self/root", "ws/deep": "a/b",
	} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	must(t, syscall.Mkfifo(filepath.Join(ws, "fifo"), 0o600))
	must(t, os.Link(filepath.Join(dir, "own/key"), filepath.Join(ws, "hardlink")))
	return dir, ws
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func guardFor(t testing.TB, p *Path, o Options) *guard {
	t.Helper()
	g, err := p.newGuard(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestPathAllows(t *testing.T) {
	dir, ws := tree(t)
	alias := filepath.Join(dir, "alias")
	must(t, os.Symlink(ws, alias))
	g := guardFor(t, &Path{Root: alias}, Options{})
	for name, want := range map[string]string{
		".": ".", "file.txt": "file.txt", "./file.txt": "file.txt", "a/b/c.txt": "a/b/c.txt", "a//b/": "a/b", "a/../file.txt": "file.txt",
		ws: ".", ws + "/": ".", ws + "/file.txt": "file.txt", alias + "/file.txt": "file.txt", alias: ".",
		"new.txt": "new.txt", "new/dir/x.txt": "new/dir/x.txt", "new/../x": "x", "fine/c.txt": "a/b/c.txt", "fine/new": "a/b/new",
		"Foo$Bar.class": "Foo$Bar.class", "routes/$postId.tsx": "routes/$postId.tsx", "100%": "100%", "50% off/20% on": "50% off/20% on",
		"a~": "a~", "..x": "..x", "x..": "x..", "grüße.txt": "grüße.txt", "-rf": "-rf", "a:b": "a:b",
	} {
		got, err := g.check(name, ostiary.EffectWrite)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", name, got, err, want)
		}
	}
}

// TestPathAttacks is the list of escapes. Each has a positive control: the
// check by prefix, which is what servers do, lets it pass, and the file that it
// then opens lies outside.
func TestPathAttacks(t *testing.T) {
	dir, ws := tree(t)
	g := guardFor(t, &Path{Root: ws}, Options{Protect: []string{filepath.Join(dir, "own")}})
	outside := func(name string) bool {
		b, err := os.ReadFile(name)
		return err == nil && string(b) == canary
	}
	raw := func(name string) bool { return outside(ws + "/" + name) }                        // a server that checks nothing
	prefix := func(name string) bool { return strings.HasPrefix(name, ws) && outside(name) } // one that compares beginnings
	clean := func(name string) bool {                                                        // one that cleans the text, then compares beginnings
		full := filepath.Join(ws, name)
		return strings.HasPrefix(full, ws) && outside(full)
	}
	for _, a := range []struct {
		name    string
		says    string
		control func(string) bool
	}{
		{"../secret", "..", raw},
		{"a/../../secret", "..", raw},
		{"a/b/../../../secret", "..", raw},
		{ws + "/../secret", "..", prefix},
		{dir + "/secret", "outside", outside},
		{ws + "-evil/x", "outside", prefix},
		{"../ws-evil/x", "..", clean},
		{"up/secret", "outside", clean},
		{"out/deep/s", "outside", clean},
		{"outfile", "outside", clean},
		{"absout/deep/s", "absolute", clean},
		{"proc" + dir + "/secret", "absolute", nil},
		{"out/deep/../../secret", "..", raw},
		{"hardlink", "Ostiary", clean},
	} {
		t.Run(a.name, func(t *testing.T) {
			if a.control != nil && !a.control(a.name) {
				t.Fatal("the attack does not work without the guard, so it proves nothing")
			}
			for _, effect := range []ostiary.Effect{ostiary.EffectRead, ostiary.EffectWrite, ostiary.EffectUnknown} {
				_, err := g.check(a.name, effect)
				wantCode(t, err, ostiary.CodeValidatePath)
				wantMessage(t, err, a.says)
				if msg := ostiary.AsError(err).Message; strings.Contains(msg, "secret") {
					t.Fatalf("the message repeats the value: %s", msg)
				}
			}
		})
	}
	t.Run("create through a dangling link", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(ws, "dangling"), nil, 0o600); err != nil {
			t.Fatal("the attack does not work without the guard")
		}
		must(t, os.Remove(filepath.Join(dir, "nothing")))
		_, err := g.check("dangling", ostiary.EffectWrite)
		wantCode(t, err, ostiary.CodeValidatePath)
	})
}

func TestPathRefuses(t *testing.T) {
	dir, ws := tree(t)
	g := guardFor(t, &Path{Root: ws}, Options{Protect: []string{filepath.Join(dir, "own")}})
	for name, says := range map[string]string{
		"":                                    "empty",
		"a\x00b":                              "control",
		"a\nb":                                "control",
		"a\u0085b":                            "control",
		"\xff":                                "UTF-8",
		strings.Repeat("x", 256):              "255",
		strings.Repeat("x/", 3000):            "4096",
		"~":                                   "~",
		"~/x":                                 "~",
		"~root/x":                             "~",
		"$HOME/x":                             "variable",
		"${HOME}/x":                           "variable",
		"a/$(id)":                             "variable",
		"%USERPROFILE%/x":                     "variable",
		"100%%HOME%":                          "variable",
		"file:///etc/passwd":                  "file:",
		"FILE:x":                              "file:",
		`a\..\..\x`:                           "backslash",
		"%2e%2e/secret":                       "percent",
		"..%2Fsecret":                         "percent",
		"%252e%252e/secret":                   "percent",
		"fifo":                                "neither",
		"dangling":                            "outside",
		"insidedangling":                      "nothing",
		"insidedangling/x":                    "nothing",
		"dangling/x":                          "",
		"abs":                                 "absolute",
		"loop1":                               "",
		"loop1/x":                             "",
		"file.txt/x":                          "not a directory",
		"fine/../file.txt":                    "..",
		"..":                                  "..",
		"../ws/file.txt":                      "..",
		dir:                                   "outside",
		"/":                                   "outside",
		"/etc/passwd":                         "outside",
		"/dev/null":                           "outside",
		"/proc/self/root" + ws:                "outside",
		strings.ToUpper(ws) + "/file.txt":     "outside",
		filepath.Join(dir, "own", "new-file"): "outside",
	} {
		_, err := g.check(name, ostiary.EffectRead)
		if !errors.Is(err, ostiary.CodeValidatePath) || !strings.Contains(ostiary.AsError(err).Message, says) {
			t.Errorf("%.40q: got %v, want it to say %q", name, err, says)
		}
	}
}

func TestPathProtectedNames(t *testing.T) {
	dir, ws := tree(t)
	own := filepath.Join(ws, "state")
	must(t, os.MkdirAll(own, 0o700))
	g := guardFor(t, &Path{Root: ws, Protected: []string{"ci/release.yaml"}}, Options{Protect: []string{own, filepath.Join(dir, "own")}})
	for _, name := range []string{
		".git/hooks/pre-commit", ".git/config", ".git", ".GIT/config", ".git./config", ".git /config", ".git::$index_allocation/config",
		".g\u200cit/config", "git~1/config", "a/.git/hooks/x", "hooks/pre-commit", ".gitmodules", ".mcp.json", ".MCP.json", "a/.vscode/tasks.json",
		".idea/x", ".claude/settings.json", ".cursor/mcp.json", ".codex/config.toml", ".bashrc", ".zshrc", ".ssh/authorized_keys",
		".\u017fsh/authorized_keys", ".npmrc", ".envrc", ".github/workflows/ci.yml", ".github", "ci/release.yaml", "CI/Release.yaml", ".config/autostart/x",
	} {
		_, err := g.check(name, ostiary.EffectWrite)
		if !errors.Is(err, ostiary.CodeValidatePath) {
			t.Errorf("writing %q: %v", name, err)
		}
		_, err = g.check(name, ostiary.EffectUnknown)
		if err == nil {
			t.Errorf("unknown effect on %q passes", name)
		}
		if _, err = g.check(name, ostiary.EffectRead); err != nil {
			t.Errorf("reading %q: %v", name, err)
		}
	}
	for _, name := range []string{".gitignore", ".github/dependabot.yml", "git/config", "bashrc", ".config/app", "ci", "ci/build.yaml", "a.git/x"} {
		if _, err := g.check(name, ostiary.EffectWrite); err != nil {
			t.Errorf("writing %q: %v", name, err)
		}
	}
	for _, name := range []string{"state", "state/key", "STATE/key", "hardlink"} {
		if _, err := g.check(name, ostiary.EffectRead); !errors.Is(err, ostiary.CodeValidatePath) {
			t.Errorf("reading Ostiary's own %q: %v", name, err)
		}
	}
	must(t, os.MkdirAll(filepath.Join(ws, "holder/ostiary"), 0o700))
	g = guardFor(t, &Path{Root: ws, AllowProtected: true}, Options{Protect: []string{filepath.Join(ws, "holder/ostiary")}})
	if _, err := g.check(".git/config", ostiary.EffectWrite); err != nil {
		t.Errorf("dangerously allowed: %v", err)
	}
	if _, err := g.check("holder/ostiary/key", ostiary.EffectRead); err == nil {
		t.Error("AllowProtected opened Ostiary's own files")
	}
	if _, err := g.check("holder", ostiary.EffectDestructive); err == nil {
		t.Error("the directory that holds Ostiary's files may be moved away")
	}
	if _, err := g.check("holder", ostiary.EffectRead); err != nil {
		t.Errorf("reading the directory above: %v", err)
	}
}

func TestPathWorkingDir(t *testing.T) {
	dir, ws := tree(t)
	g := guardFor(t, &Path{Root: ws}, Options{WorkingDir: filepath.Join(ws, "a")})
	for name, want := range map[string]string{"b/c.txt": "a/b/c.txt", "../file.txt": "file.txt"} {
		if got, err := g.check(name, ostiary.EffectRead); err != nil || got != want {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	if _, err := g.check("../../secret", ostiary.EffectRead); err == nil {
		t.Error("out of the root")
	}
	g = guardFor(t, &Path{Root: ws}, Options{WorkingDir: dir})
	if got, err := g.check("ws/file.txt", ostiary.EffectRead); err != nil || got != "file.txt" {
		t.Errorf("from above: %q, %v", got, err)
	}
	if _, err := g.check("file.txt", ostiary.EffectRead); err == nil {
		t.Error("a relative name beside the root passes")
	}
}

func TestPathRootReplaced(t *testing.T) {
	dir, ws := tree(t)
	g := guardFor(t, &Path{Root: ws}, Options{})
	if _, err := g.check("file.txt", ostiary.EffectRead); err != nil {
		t.Fatal(err)
	}
	must(t, os.Rename(ws, ws+".old"))
	must(t, os.Symlink(filepath.Join(dir, "out"), ws))
	_, err := g.check("deep/s", ostiary.EffectRead)
	wantCode(t, err, ostiary.CodeValidatePath)
	wantMessage(t, err, "restart")
}

func TestPathLexical(t *testing.T) {
	g := guardFor(t, &Path{Root: "/srv/data", Lexical: true}, Options{WorkingDir: "/home/me"})
	for name, want := range map[string]string{"x": "x", "/srv/data/a/../b": "b", "a/b": "a/b", "/srv/data": "."} {
		if got, err := g.check(name, ostiary.EffectWrite); err != nil || got != want {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"..", "../x", "/srv/data-evil/x", "/etc/passwd", "/srv/data/../data/x", "~/x", ".git/config", "a\x00"} {
		if _, err := g.check(name, ostiary.EffectWrite); err == nil {
			t.Errorf("%q passes", name)
		}
	}
}

func TestPathCompileErrors(t *testing.T) {
	dir, ws := tree(t)
	for want, p := range map[string]*Path{
		"no root":         {},
		"not absolute":    {Root: "ws"},
		"does not exist":  {Root: filepath.Join(dir, "nothing-here")},
		"not a directory": {Root: filepath.Join(dir, "secret")},
		"deny row":        {Root: ws, Under: []string{"/x"}},
		"is not a name":   {Root: ws, Protected: []string{"../x"}},
		"negative":        {Root: ws, MaxBytes: -1},
	} {
		_, err := Compile(Argument{Pointer: "/path", Path: p}, toolWith(""), Options{})
		wantCode(t, err, ostiary.CodeConfigInvalid)
		wantMessage(t, err, want)
	}
}

// FuzzPath: whatever is allowed is inside, asked of os.Root and of the kernel.
func FuzzPath(f *testing.F) {
	dir, ws := tree(f)
	for _, s := range []string{
		"file.txt", "../secret", "a/../../secret", ws + "-evil/x", "up/secret", "out/deep/s", "fine/../../secret", "fine/c.txt", "new/x",
		"dangling", "abs", "a/b/../../../secret", "./a/./b//c.txt", "~/x", "$HOME", "%2e%2e/", "deep/../../secret", "loop1/x", ws + "/a/../up/secret",
	} {
		f.Add(s)
	}
	g := guardFor(f, &Path{Root: ws}, Options{})
	root, err := os.OpenRoot(ws)
	must(f, err)
	f.Fuzz(func(t *testing.T, name string) {
		rel, err := g.check(name, ostiary.EffectRead)
		if err != nil {
			if !errors.Is(err, ostiary.CodeValidatePath) {
				t.Fatalf("%q: %v", name, err)
			}
			return
		}
		if _, err := root.Stat(rel); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%q was allowed as %q, and the root says %v", name, rel, err)
		}
		// Both readings of the text itself: the kernel's and that of a program
		// which cleans it first.
		full := name
		if !path.IsAbs(name) {
			full = ws + "/" + name
		}
		for _, reading := range []string{full, filepath.Clean(full)} {
			at, err := physical(reading)
			if err != nil || at != ws && !strings.HasPrefix(at, ws+"/") {
				t.Fatalf("%q was allowed and leads to %q, %v", name, at, err)
			}
		}
		_ = dir
	})
}

func BenchmarkPath(b *testing.B) {
	_, ws := tree(b)
	g := guardFor(b, &Path{Root: ws}, Options{Protect: []string{"/nonexistent/state"}})
	name := ws + "/a/b/c.txt"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.check(name, ostiary.EffectWrite); err != nil {
			b.Fatal(err)
		}
	}
}
