package validate

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

// Texts that a program reads as another name once it trims, unquotes or expands.
func TestTrimmedAndGlobbedNames(t *testing.T) {
	dir, ws := tree(t)
	home := filepath.Join(dir, "home")
	must(t, os.MkdirAll(filepath.Join(home, ".ssh"), 0o700))
	o := Options{WorkingDir: ws, Home: home}
	deny, err := Forbids(map[string]Argument{"path": {Path: &Path{Under: []string{"~/.ssh"}}}}, toolWith(""), o)
	must(t, err)
	for _, c := range []struct {
		name      string
		bad, deny bool
	}{
		{"file.txt", false, false},
		{"a b.txt", false, false},
		{"it's.txt", false, false},
		{" file.txt", true, false},
		{"file.txt\u00A0", true, false},
		{"\uFEFF" + home + "/.ssh/id", true, true},
		{" " + home + "/.ssh/id", true, true},
		{"\t" + home + "/.ssh/id", true, true},
		{home + "/.ssh\n", true, true},
		{`"` + home + `/.ssh/id"`, true, true},
		{"'~/.ssh/id'", true, true},
		{home + "/.ss?/id", true, true},
		{home + "/.s*h/id", true, true},
		{home + "/.ss{h,}/id", true, true},
		{"~/.[s]sh/id", true, true},
		{"src/*.go", false, false},
		{"*", false, false},
		{"*/../../home/.ssh/id", true, true},
	} {
		text, err := json.Marshal(c.name)
		must(t, err)
		args := `{"path":` + string(text) + `}`
		err = run(t, Argument{Pointer: "/path", Path: &Path{Root: ws}}, o, `{"type":"object"}`, ostiary.EffectRead, args)
		if (err != nil) != c.bad {
			t.Errorf("path %q: %v", c.name, err)
		}
		held, err := deny.Holds(context.Background(), callWith(t, ostiary.EffectRead, args))
		if err != nil || held != c.deny {
			t.Errorf("deny %q: %v, %v", c.name, held, err)
		}
	}
}

func TestWordsAsPrograms(t *testing.T) {
	for _, name := range []string{"sqlite3", "pip", "pip3.12", "run-parts", "setarch", "linux64", "i386", "chrt", "choom", "dbus-run-session",
		"psql", "gcc", "gcc-13", "tar", "rview", "rvim", "apt-get", "dpkg", "debconf", "corepack", "tee", "dd"} {
		if !isInterpreter(name) {
			t.Errorf("%s is taken for harmless", name)
		}
	}
	for _, name := range []string{"ls", "git", "cat", "grep", "rg", "wc", "dbus-monitor"} {
		if isInterpreter(name) {
			t.Errorf("%s is refused", name)
		}
	}
	p := &program{path: "/bin/x", maxArgs: 9, flags: map[string]bool{"-n": true}}
	for word, ok := range map[string]bool{"-n": true, "name": true, " name": true, " -n": false, " --output=x": false, "\u00A0-x": false, "\t@file": false} {
		if err := p.judgeArgs([]string{word}); (err == nil) != ok {
			t.Errorf("%q: %v", word, err)
		}
	}
}
