package pin

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

func TestDiff(t *testing.T) {
	for name, tt := range map[string]struct{ before, after, want string }{
		"same":        {`{"a":1}`, `{"a":1}`, ""},
		"description": {`{"description":"old"}`, `{"description":"new"}`, "/description changed|  - old|  + new"},
		"added":       {`{}`, `{"a":{"b":1}}`, `/a added|  + {"b":1}`},
		"removed":     {`{"a/b~":null}`, `{}`, "/a~1b~0 removed|  - null"},
		"kind":        {`{"a":"1"}`, `{"a":1}`, "/a changed|  - 1|  + 1"},
		"number":      {`{"a":1.0}`, `{"a":1}`, "/a changed|  - 1.0|  + 1"},
		"words":       {`{"required":["a","b"]}`, `{"required":["b","c"]}`, "/required added|  + c|/required removed|  - a"},
		"order":       {`{"enum":["a","b"]}`, `{"enum":["b","a"]}`, "/enum changed|  - a, b|  + b, a"},
		"array":       {`{"anyOf":[{"a":1},1]}`, `{"anyOf":[{"a":2},1,3]}`, "/anyOf/0/a changed|  - 1|  + 2|/anyOf/2 added|  + 3"},
		"no JSON":     {`x`, `{}`, "(all of it) changed|  - x|  + {}"},
		"hostile":     {`{"a":"x"}`, `{"a":"\u001b[8m\n\u202e"}`, `/a changed|  - x|  + \u{1b}[8m\n\u{202e}`},
	} {
		var lines []string
		for _, d := range Diff(tt.before, tt.after) {
			lines = append(lines, d.Lines(100)...)
		}
		if got := strings.Join(lines, "|"); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// A difference far behind in a long text is seen.
func TestTheDifferenceIsSeen(t *testing.T) {
	same := strings.Repeat("ä very long description ", 500)
	lines := strings.Join(Diff(string(wire.Quote(same+"ends well")), string(wire.Quote(same+"sends keys")))[0].Lines(80), "\n")
	if !strings.Contains(lines, "ends well") || !strings.Contains(lines, "sends keys") || len(lines) > 400 {
		t.Errorf("got %s", lines)
	}
}

// FuzzDiff: no panic, the bounds hold, equal values have no difference and others
// have one.
func FuzzDiff(f *testing.F) {
	f.Add(`{"a":[1,{"b":"c"}]}`, `{"a":[1,{"b":"d"}],"x":null}`)
	f.Add(`["a","a"]`, `["a"]`)
	f.Add(`{"a":""}`, `{"a":[]}`)
	f.Add(`{"":{"~/":1}}`, `{"":{"~/":1.0}}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		a, errA := wire.Canonical([]byte(before))
		b, errB := wire.Canonical([]byte(after))
		if errA != nil || errB != nil {
			Diff(before, after)
			return
		}
		found := Diff(string(a), string(b))
		if (string(a) == string(b)) != (len(found) == 0) {
			t.Fatalf("%s and %s: %+v", a, b, found)
		}
		if len(found) > differencesMost {
			t.Fatalf("%d differences", len(found))
		}
		for _, d := range found {
			for _, l := range d.Lines(50) {
				if strings.ContainsAny(l, "\x1b\n\r\x00") {
					t.Fatalf("%q is not fit for a terminal", l)
				}
			}
		}
		suspicions(KindTool, "up", a, nil)
		places(string(a), string(b))
	})
}

// FuzzRead: what is read from the store is what was written or refused, and what is
// read is written the same.
func FuzzRead(f *testing.F) {
	good := &Pin{Upstream: "files", Kind: KindTool, Name: "read", Accepted: []Form{{Digest: sum([]byte("x"))[7:], Text: "x", Channel: "gateway"}}}
	r, err := good.row()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Key, r.Value)
	f.Add("files/server/", []byte(`{"upstream":"files","kind":"server"}`))
	f.Add("", []byte(`{"upstream":"files","kind":"tool","accepted":[{"digest":"00"}]}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		p, err := read(ostiary.Row{Key: key, Value: value})
		if err != nil {
			return
		}
		r, err := p.row()
		if err != nil || r.Key != key {
			t.Fatalf("%q became %q: %v", key, r.Key, err)
		}
		if _, err := read(r); err != nil {
			t.Fatalf("%s cannot be read again: %v", r.Value, err)
		}
		serversOf([]*Pin{p})
	})
}

func TestRowsThatAreNone(t *testing.T) {
	good := &Pin{Upstream: "files", Kind: KindTool, Name: "read", Accepted: []Form{{Digest: sum([]byte("x"))[7:], Text: "x"}}}
	r, err := good.row()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(r); err != nil {
		t.Fatalf("control: %v", err)
	}
	for name, bad := range map[string]ostiary.Row{
		"another key":  {Key: keyOf("files", KindTool, "write"), Value: r.Value},
		"another text": {Key: r.Key, Value: []byte(strings.Replace(string(r.Value), `"text":"x"`, `"text":"y"`, 1))},
		"unknown":      {Key: r.Key, Value: []byte(strings.Replace(string(r.Value), `{`, `{"later":1,`, 1))},
		"kind":         {Key: keyOf("files", "other", "read"), Value: []byte(strings.Replace(string(r.Value), `"kind":"tool"`, `"kind":"other"`, 1))},
		"trailing":     {Key: r.Key, Value: append(r.Value[:len(r.Value):len(r.Value)], "{}"...)},
		"empty":        {Key: r.Key},
	} {
		if p, err := read(bad); err == nil {
			t.Errorf("%s is read as %+v", name, p)
		}
	}
}
