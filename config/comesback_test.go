package config

import (
	"os"
	"reflect"
	"testing"

	"github.com/ostiary/ostiary"
)

func parsed(t *testing.T, name string) *File {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(name, data, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestWhatComesBackIsRead: every key of what comes back arrives where the rooms
// look for it, and what is left out is the careful value.
func TestWhatComesBackIsRead(t *testing.T) {
	f := parsed(t, "comes_back.yaml")
	if r := f.Redact; len(r.Rules) != 2 || r.Rules[1].ID != "github-pat" || r.Rules[1].Mode != "block" || r.MaxResult != 256<<10 ||
		len(r.Personal) != 6 || len(r.Off) != 1 || r.Off[0].ID != "jwt" || r.AllOff() {
		t.Errorf("redact: %+v", r)
	}
	want := CustomRule{Pos: Pos{5, 7}, ID: "desk-token", Regex: "desk:([a-z0-9]{20})", Keywords: []string{"desk:"}, Entropy: 3.5, Group: 1}
	if got := f.Redact.Custom[1]; !reflect.DeepEqual(got, want) {
		t.Errorf("custom rule: %+v, want %+v", got, want)
	}
	if f.Untrusted != (Untrusted{Mark: "bracket", Signals: Signals{BlockAt: 0.95}}) {
		t.Errorf("untrusted: %+v", f.Untrusted)
	}
	if f.Pin != (Pin{Changed: "ask", Shadowing: "refuse"}) {
		t.Errorf("pin: %+v", f.Pin)
	}
	p, err := f.NewPolicy(Wiring{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tool := func(name string) ostiary.Tool {
		return ostiary.Tool{Upstream: "a", Name: name, InputSchema: []byte(`{"type": "object"}`)}
	}
	book, problems := p.Compile("a", []ostiary.Tool{tool("b"), tool("c"), tool("d")})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for tool, want := range map[string]ostiary.OutputRule{
		"b": {Trusted: true, Secrets: "report", MaxBytes: 64 << 10}, "c": {Mark: "base64", BlockAt: 1}, "d": {},
	} {
		if got := book.Tool(tool).Output; got != want {
			t.Errorf("rule of %s: %+v, want %+v", tool, got, want)
		}
	}
	if got := book.Resource("file:///x").Output; got != (ostiary.OutputRule{Mark: "off", Secrets: "block"}) {
		t.Errorf("rule of the resource: %+v", got)
	}

	empty := parsed(t, "empty.yaml")
	if empty.Redact.MaxResult != 1<<20 || empty.Redact.AllOff() || empty.Untrusted != (Untrusted{Mark: "fence"}) ||
		empty.Pin != (Pin{Changed: "refuse", Shadowing: "warn"}) {
		t.Errorf("an empty file: %+v, %+v, %+v", empty.Redact, empty.Untrusted, empty.Pin)
	}
	off := parsed(t, "comes_back_off.yaml")
	if !off.Redact.AllOff() || !off.Untrusted.Off || !off.Pin.Off {
		t.Errorf("everything off: %+v, %+v, %+v", off.Redact, off.Untrusted, off.Pin)
	}
}
