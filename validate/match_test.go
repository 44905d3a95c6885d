package validate

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

func TestForbids(t *testing.T) {
	dir, ws := tree(t)
	home := filepath.Join(dir, "home")
	for _, d := range []string{".ssh", ".aws", "docs"} {
		must(t, os.MkdirAll(filepath.Join(home, d), 0o700))
	}
	must(t, os.Symlink(filepath.Join(home, ".ssh"), filepath.Join(ws, "keys")))
	must(t, os.Symlink(filepath.Join(home, "docs"), filepath.Join(ws, "docs")))
	must(t, os.Symlink(home, filepath.Join(dir, "elsewhere")))
	o := Options{WorkingDir: ws, Home: home}
	keys := map[string]Argument{"path": {Path: &Path{Under: []string{"~/.ssh", "~/.aws", "/never/there"}}}}
	for _, c := range []struct {
		args   map[string]Argument
		call   string
		denied bool
	}{
		{keys, `{"path":"~/.ssh/id_ed25519"}`, true},
		{keys, `{"path":"~/.ssh"}`, true},
		{keys, `{"path":"~/.SSH/id"}`, true},
		{keys, `{"path":"` + home + `/.ssh/id"}`, true},
		{keys, `{"path":"` + home + `/docs/../.ssh/id"}`, true},
		{keys, `{"path":"../home/.aws/credentials"}`, true},
		{keys, `{"path":"keys/id"}`, true},
		{keys, `{"path":"docs/../.ssh/id"}`, true}, // as the kernel reads it
		{keys, `{"path":"` + dir + `/elsewhere/.ssh/id"}`, true},
		{keys, `{"path":"file://` + home + `/.ssh/id"}`, true},
		{keys, `{"path":"file://` + home + `/%2essh/id"}`, true},
		{keys, `{"path":"/never/there/x"}`, true},
		{keys, `{"deep":[{"path":["a","~/.ssh/id"]}]}`, true},
		{keys, `{"path":{"any":"~/.ssh/id"}}`, true},
		{keys, `{"path":"~root/x"}`, true},       // cannot be decided
		{keys, `{"path":"$HOME/.ssh/id"}`, true}, // cannot be decided
		{keys, `{"path":"a\u0000b"}`, true},
		{keys, `{"path":"a\\b"}`, true},
		{keys, `{"path":"loop1/x"}`, true},
		{keys, `{"path":"file.txt"}`, false},
		{keys, `{"path":"~/docs/x"}`, false},
		{keys, `{"path":"~/.sshx"}`, false},
		{keys, `{"path":"docs/x"}`, false},
		{keys, `{"path":"file.txt/x"}`, false},
		{keys, `{"path":7}`, false},
		{keys, `{"paths":"~/.ssh/id"}`, false},
		{keys, `{}`, false},
		{map[string]Argument{"/a/*/p": keys["path"]}, `{"a":[{"p":"x"},{"p":"~/.ssh/id"}]}`, true},
		{map[string]Argument{"/a/*/p": keys["path"]}, `{"p":"~/.ssh/id"}`, false},
		{map[string]Argument{"path": keys["path"], "mode": {Enum: []any{"write"}}}, `{"path":"~/.ssh/id","mode":"read"}`, false},
		{map[string]Argument{"path": keys["path"], "mode": {Enum: []any{"write"}}}, `{"path":"~/.ssh/id","mode":"write"}`, true},
		{map[string]Argument{"branch": {Pattern: "main|release/.*"}}, `{"branch":"main"}`, true},
		{map[string]Argument{"branch": {Pattern: "main|release/.*"}}, `{"branch":"maintenance"}`, false},
		{map[string]Argument{"url": {URL: &URL{Hosts: []string{"*.evil.example"}}}}, `{"url":"https://a.evil.example/"}`, true},
		{map[string]Argument{"url": {URL: &URL{Hosts: []string{"*.evil.example"}}}}, `{"url":"http://a.evil.example:81/"}`, true},
		{map[string]Argument{"url": {URL: &URL{Hosts: []string{"*.evil.example"}}}}, `{"url":"https://x@good.example/"}`, true},
		{map[string]Argument{"url": {URL: &URL{Hosts: []string{"*.evil.example"}}}}, `{"url":"https://good.example/"}`, false},
		{map[string]Argument{"url": {URL: &URL{Schemes: []string{"http"}}}}, `{"url":"http://good.example/"}`, true},
		{map[string]Argument{"amount": {Range: &Range{Min: "100.01"}}}, `{"amount":100.02}`, true},
		{map[string]Argument{"amount": {Range: &Range{Min: "100.01"}}}, `{"amount":100}`, false},
	} {
		cond, err := Forbids(c.args, toolWith(""), o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := cond.Holds(context.Background(), callWith(t, ostiary.EffectRead, c.call))
		if err != nil || got != c.denied {
			t.Errorf("%s: holds %t (%v), want %t", c.call, got, err, c.denied)
		}
	}
}

func TestForbidsLexical(t *testing.T) {
	o := Options{Home: "/home/me", WorkingDir: "/home/me/ws"}
	cond, err := Forbids(map[string]Argument{"path": {Path: &Path{Under: []string{"~/.ssh"}, Lexical: true}}}, toolWith(""), o)
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]bool{`{"path":"../.ssh/x"}`: true, `{"path":"~/.ssh"}`: true, `{"path":"x"}`: false} {
		if got, _ := cond.Holds(context.Background(), callWith(t, ostiary.EffectRead, args)); got != want {
			t.Errorf("%s: %t", args, got)
		}
	}
	// Without a working directory a relative name cannot be decided.
	cond, err = Forbids(map[string]Argument{"path": {Path: &Path{Under: []string{"/keys"}}}}, toolWith(""), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := cond.Holds(context.Background(), callWith(t, ostiary.EffectRead, `{"path":"x"}`)); !got {
		t.Error("an undecidable name passes")
	}
}

func TestForbidsKnowsTheTool(t *testing.T) {
	args := map[string]Argument{"path": {Path: &Path{Under: []string{"/keys"}}}}
	for schema, known := range map[string]bool{
		``: true,
		`{"properties":{"path":{"type":"string"}}}`:                                                    true,
		`{"properties":{"a":{"type":"array","items":{"properties":{"path":{}}}}}}`:                     true,
		`{"type":"object","properties":{"text":{"type":"string"}}}`:                                    false,
		`{"type":"object","properties":{"text":{"type":"string"}},"additionalProperties":true}`:        true,
		`{"type":"object","properties":{"text":{"type":"string"}},"additionalProperties":false}`:       false,
		`{"type":"object","properties":{"text":{"type":"string"},"more":{"type":"object"}}}`:           true,
		`{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"path":{"type":"string"}}}}}`: true,
	} {
		cond, err := Forbids(args, toolWith(schema), Options{WorkingDir: "/"})
		if err != nil || (cond != nil) != known {
			t.Errorf("%s: %v, %v", schema, cond != nil, err)
		}
	}
	pointer := map[string]Argument{"/pth": args["path"]}
	if cond, err := Forbids(pointer, toolWith(`{"properties":{"path":{"type":"string"}}}`), Options{}); cond != nil || err != nil {
		t.Errorf("a place that the tool does not know: %v, %v", cond != nil, err)
	}
	for want, a := range map[string]Argument{
		"nothing is said":   {},
		"takes path.under":  {MaxBytes: 1},
		"names directories": {Path: &Path{}},
		"only under":        {Path: &Path{Root: "/", Under: []string{"/x"}}},
		"home directory":    {Path: &Path{Under: []string{"~/x"}}},
		"not absolute":      {Path: &Path{Under: []string{"x"}}},
		"name schemes":      {URL: &URL{}},
	} {
		_, err := Forbids(map[string]Argument{"path": a}, toolWith(""), Options{})
		wantCode(t, err, ostiary.CodeConfigInvalid)
		wantMessage(t, err, want)
	}
}
