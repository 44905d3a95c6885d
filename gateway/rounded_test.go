package gateway

import (
	"errors"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/wire"
)

// Two requests whose ids are one double are not open at once, nor one beside the
// memory of the other. The controls are ids that differ as doubles too.
func TestIDsThatAreOneDouble(t *testing.T) {
	for _, tt := range []struct {
		a, b  string
		alike bool
	}{
		{"9007199254740992", "9007199254740993", true},
		{"9007199254740993", "9007199254740992", true},
		{"-9007199254740992", "-9007199254740993", true},
		{"1", "1.00000000000000001", true},
		{"0", "1e-400", true},
		{"0", "-1e-400", true},
		{"1e400", "1e401", true},
		{"9007199254740992", "9007199254740994", false},
		{"9007199254740990", "9007199254740991", false},
		{"1", "-1", false},
		{"1e400", "-1e400", false},
		{"1", "1.5", false},
		{"9007199254740992", `"9007199254740993"`, false},
		{`"9007199254740992"`, `"9007199254740993"`, false},
	} {
		a, b := wire.IDKey([]byte(tt.a)), wire.IDKey([]byte(tt.b))
		f := newInflight()
		check := func(when, key string, alike bool) {
			t.Helper()
			if _, err := opened(f, key, 1); errors.Is(err, ostiary.CodeWireID) != alike || !alike && err != nil {
				t.Errorf("%s, %s %s: %v", tt.a, tt.b, when, err)
			} else if err == nil {
				f.remove(key)
			}
		}
		check("alone", b, false)
		if _, err := opened(f, a, 1); err != nil {
			t.Fatal(tt.a, err)
		}
		check("both open", b, tt.alike)
		f.markSent(a)
		f.remove(a)
		check("first without answer", b, tt.alike)
		if _, late := f.deliver(&wire.Message{Key: b}); late != "" {
			t.Errorf("%s: an answer to %s was taken for its own", tt.a, tt.b)
		}
		check("still without answer", b, tt.alike)
		if _, late := f.deliver(&wire.Message{Key: a}); late == "" {
			t.Errorf("%s: its late answer is not known", tt.a)
		}
		check("after the late answer", b, false)
		if len(f.alike) > 0 || len(f.late.alike) > 0 {
			t.Errorf("%s, %s: kept %v %v", tt.a, tt.b, f.alike, f.late.alike)
		}
	}
}

// A server that reads numbers as doubles cannot give one call the evidence of
// another, and an answer with a rounded id belongs to nobody. The control is an
// id beyond 2^53 alone, answered exactly.
func TestADoubleCannotSwapEvidence(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	b.send(call("9007199254740993", "read"))
	s.next(`"id":9007199254740993`)
	b.send(call("9007199254740992", "put"))
	b.want(`"isError":true`, `wire_id`, `below 2^53`)
	s.say(answer("9007199254740992", "rounded"), answer("9007199254740993", "exact"))
	if got := b.want(`"id":9007199254740993`, "exact"); strings.Contains(got, "rounded") {
		t.Errorf("got %s", got)
	}
	b.send(call("9007199254740992", "put"))
	s.next(`"id":9007199254740992`)
	s.say(answer("9007199254740992", "done"))
	b.want(`"id":9007199254740992`, "done")
	b.recorded(is{kind: audit.KindRefusal, code: "wire_id"}, is{kind: audit.KindRefusal, code: "gateway_orphan"})
}
