package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	ostiary "github.com/ostiary/ostiary"
)

// write puts a policy into a directory of its own.
func write(t *testing.T, text string) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

func TestLoadRefusesWhatOthersCanWrite(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(dir, path string) error
		want ostiary.Code
		text string
	}{
		{"control", func(string, string) error { return nil }, "", ""},
		{"world-writable file", func(_, p string) error { return os.Chmod(p, 0o602) }, ostiary.CodeStateUnsafe, "chmod o-w"},
		{"world-writable directory", func(d, _ string) error { return os.Chmod(d, 0o777) }, ostiary.CodeStateUnsafe, "chmod o-w"},
		{"sticky directory", func(d, _ string) error { return os.Chmod(d, 0o777|os.ModeSticky) }, "", ""},
		{"world-readable file", func(_, p string) error { return os.Chmod(p, 0o644) }, "", ""},
		{"directory", func(_, p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, ostiary.CodeConfigInvalid, "no regular file"},
		{"fifo", func(_, p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) }, ostiary.CodeConfigInvalid, "no regular file"},
		{"missing", func(_, p string) error { return os.Remove(p) }, ostiary.CodeConfigInvalid, "no such file"},
		{"link out of a world-writable directory", func(d, p string) error {
			real := filepath.Join(d, "real")
			if err := os.Mkdir(real, 0o700); err != nil {
				return err
			}
			target := filepath.Join(real, "p.yaml")
			return errors.Join(os.Rename(p, target), os.Symlink(target, p), os.Chmod(real, 0o777))
		}, ostiary.CodeStateUnsafe, "chmod o-w"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, path := write(t, "version: 1\n")
			if err := c.do(dir, path); err != nil {
				t.Fatal(err)
			}
			f, err := Load(path, testOptions())
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if f != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %s with %q", err, c.want, c.text)
			}
		})
	}
}

// stat is a file as another user's would look.
type stat struct {
	mode     os.FileMode
	uid, gid uint32
}

func (s stat) Name() string       { return "f" }
func (s stat) Size() int64        { return 0 }
func (s stat) Mode() os.FileMode  { return s.mode }
func (s stat) ModTime() time.Time { return time.Time{} }
func (s stat) IsDir() bool        { return s.mode.IsDir() }
func (s stat) Sys() any           { return &syscall.Stat_t{Uid: s.uid, Gid: s.gid} }

func TestWritableByOthers(t *testing.T) {
	for _, c := range []struct {
		name string
		s    stat
		safe bool
	}{
		{"mine", stat{0o600, 1000, 1000}, true},
		{"root's", stat{0o644, 0, 0}, true},
		{"another's", stat{0o600, 1001, 1000}, false},
		{"another's, read-only", stat{0o400, 1001, 1001}, false},
		{"mine and my own group's", stat{0o660, 1000, 1000}, true},
		{"mine and a shared group's", stat{0o660, 1000, 100}, false},
		{"root's and a shared group's", stat{0o660, 0, 1000}, false},
		{"everybody's", stat{0o666, 1000, 1000}, false},
		{"a sticky directory of root", stat{os.ModeDir | os.ModeSticky | 0o777, 0, 0}, true},
		{"a sticky file is no directory", stat{os.ModeSticky | 0o777, 0, 0}, false},
		{"a sticky directory of another", stat{os.ModeDir | os.ModeSticky | 0o777, 1001, 0}, false},
	} {
		if err := writableByOthers("f", c.s, 1000, 1000); (err == nil) != c.safe {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestPlacement(t *testing.T) {
	outside := t.TempDir()
	for _, c := range []struct {
		name, text string
		started    *Upstream
		refused    bool
	}{
		{"control", "", nil, false},
		{"a rule that writes here", "rules: [{tool: a/b, effect: write, args: {/p: {path: .}}}]", nil, true},
		{"a rule without an effect", "rules: [{tool: a/b, args: {/p: {path: .}}}]", nil, true},
		{"a rule that writes above", "rules: [{tool: a/b, effect: destructive, args: {/p: {path: ..}}}]", nil, true},
		{"a rule that writes to the root", "rules: [{tool: a/b, effect: write, args: {/p: {path: /}}}]", nil, true},
		{"a rule that reads here", "rules: [{tool: a/b, effect: read, args: {/p: {path: .}}}]", nil, false},
		{"a rule that writes beside", "rules: [{tool: a/b, effect: write, args: {/p: {path: ./work}}}]", nil, false},
		{"a rule that writes through a link", "rules: [{tool: a/b, effect: write, args: {/p: {path: ./link}}}]", nil, true},
		{"a remote file system", "rules: [{tool: a/b, effect: write, args: {/p: {path: {root: /, lexical: true}}}}]", nil, false},
		{"a server that works here", "upstreams: {x: {cwd: .}}", nil, true},
		{"a server that is given this directory", "upstreams: {x: {command: [srv, .]}}", nil, true},
		{"a server that is given it as a flag", "upstreams: {x: {command: [srv, --root=.]}}", nil, true},
		{"a server that is given a link to it", "upstreams: {x: {command: [srv, ./link]}}", nil, true},
		{"a server that is given a directory beside", "upstreams: {x: {command: [srv, ./work]}}", nil, false},
		{"a server elsewhere, relative to its own directory", "upstreams: {x: {cwd: ./work, command: [srv, ..]}}", nil, true},
		{"a server on another file system", "upstreams: {x: {command: [srv, .], filesystem: remote}}", nil, false},
		{"a server that is given a link that leads round", "upstreams: {x: {command: [srv, ./loop]}}", nil, true},
		{"a rule that writes through a link that leads round", "rules: [{tool: a/b, effect: write, args: {/p: {path: ./loop}}}]", nil, true},
		{"a server that is given a script", "upstreams: {x: {command: [sh, -c, " + strings.Repeat("x", 300) + "]}}", nil, false},
		{"a directory of the command line", "", &Upstream{Command: []string{"srv", "DIR"}}, true},
		{"the same, relative to where it starts", "", &Upstream{Command: []string{"srv", "./.."}, Cwd: "DIR/work"}, true},
		{"the same as a flag", "", &Upstream{Command: []string{"srv", "--root=DIR"}}, true},
		{"the same behind a name", "", &Upstream{Command: []string{"srv", "root=DIR"}}, true},
		{"a command line in the place of a row's", "upstreams: {x: {command: [srv, .]}}", &Upstream{Name: "x", Command: []string{"srv", "DIR/work"}}, false},
		{"a command line beside another row", "upstreams: {x: {command: [srv, .]}}", &Upstream{Name: "y", Command: []string{"srv"}}, true},
		{"a command line for a row on another file system", "", &Upstream{Command: []string{"srv", "DIR"}, Remote: true}, false},
		{"started here, with nothing said", "", &Upstream{Command: []string{"srv"}, Cwd: "DIR"}, false},
		{"another directory of the command line", "", &Upstream{Command: []string{"srv", outside}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, path := write(t, c.text)
			if err := errors.Join(os.Mkdir(filepath.Join(dir, "work"), 0o700), os.Symlink(dir, filepath.Join(dir, "link")),
				os.Symlink("loop", filepath.Join(dir, "loop"))); err != nil {
				t.Fatal(err)
			}
			f, err := Load(path, Options{Home: "/home/alice"})
			if err != nil {
				t.Fatal(err)
			}
			if c.started != nil {
				c.started.Cwd = strings.Replace(c.started.Cwd, "DIR", dir, 1)
				for i, arg := range c.started.Command {
					c.started.Command[i] = strings.Replace(arg, "DIR", dir, 1)
				}
			}
			err = Placement(f, c.started)
			if (err != nil) != c.refused {
				t.Errorf("refused: %v", err)
			}
			if err != nil && !errors.Is(err, ostiary.CodeConfigInvalid) {
				t.Errorf("code of %v", err)
			}
		})
	}
}

// TestPlacementOfALinkedFile: the file counts where it is named and where it lies.
func TestPlacementOfALinkedFile(t *testing.T) {
	dir, path := write(t, "rules: [{tool: a/b, effect: write, args: {/p: {path: ./work}}}]")
	work := filepath.Join(dir, "work")
	target := filepath.Join(work, "p.yaml")
	if err := errors.Join(os.Mkdir(work, 0o700), os.Rename(path, target), os.Symlink(target, path)); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Placement(f, nil); err == nil {
		t.Error("a link hides that the file lies where a tool can write")
	}
}
