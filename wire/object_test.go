package wire_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/wire"
)

func edited(t testing.TB, raw, obj string, drop []string, set ...wire.Setting) string {
	t.Helper()
	at := strings.Index(raw, obj)
	m, err := wire.ReadMembers([]byte(raw)[at : at+len(obj)])
	if err != nil {
		t.Fatal(err)
	}
	out, err := wire.Splice([]byte(raw), m.Edits(at, func(n string) bool { return slices.Contains(drop, n) }, set)...)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestMembersEdits(t *testing.T) {
	no := wire.Setting{Name: "dry", Value: []byte("false")}
	for _, tt := range []struct {
		obj, want string
		drop      []string
		set       []wire.Setting
	}{
		{`{}`, `{}`, []string{"a"}, nil},
		{`{"a":1}`, `{}`, []string{"a"}, nil},
		{` { "a" : 1 } `, ` {  } `, []string{"a"}, nil},
		{`{"a":1,"b":2}`, `{"b":2}`, []string{"a"}, nil},
		{`{"a":1 , "b":2}`, `{"a":1}`, []string{"b"}, nil},
		{`{"a":1 , "b":2, "c":3 }`, `{"a":1 , "c":3 }`, []string{"b"}, nil},
		{`{"a":1,"b":2,"c":3}`, `{"a":1}`, []string{"b", "c"}, nil},
		{`{"a":1,"b":2,"c":3}`, `{"c":3}`, []string{"a", "b"}, nil},
		{`{"a":1,"b":2,"c":3}`, `{}`, []string{"a", "b", "c"}, nil},
		{`{"a":1,"b":2,"c":3,"d":4}`, `{"b":2}`, []string{"a", "c", "d"}, nil},
		{`{"\u0061":1,"b":{"a":9007199254740993}}`, `{"b":{"a":9007199254740993}}`, []string{"a"}, nil},
		{`{}`, `{"dry":false}`, nil, []wire.Setting{no}},
		{`{ }`, `{ "dry":false}`, nil, []wire.Setting{no}},
		{`{"a":1}`, `{"a":1,"dry":false}`, nil, []wire.Setting{no}},
		{`{"a":1}`, `{"dry":false}`, []string{"a"}, []wire.Setting{no}},
		{`{"a":1,"dr\u0079": "yes" ,"b":2}`, `{"a":1,"dr\u0079": false}`, []string{"b"}, []wire.Setting{no}},
		{`{"b":2,"dry":[1,{"dry":2}]}`, `{"dry":false}`, []string{"b"}, []wire.Setting{no}},
	} {
		for _, frame := range []string{"%s", `{"x":1e0,"p":%s,"y":"\/"}`} {
			raw, want := fmt.Sprintf(frame, tt.obj), fmt.Sprintf(frame, tt.want)
			if got := edited(t, raw, strings.TrimSpace(tt.obj), tt.drop, tt.set...); got != want {
				t.Errorf("%s without %q: %s, want %s", raw, tt.drop, got, want)
			}
		}
	}
}

func TestMembersFind(t *testing.T) {
	m, err := wire.ReadMembers([]byte(`{"a":1,"Conf\u0069rm":true,"k":"v"}`))
	if err != nil || m.Len() != 3 {
		t.Fatal(m, err)
	}
	if v, err := m.Find("Confirm"); string(v) != "true" || err != nil {
		t.Errorf("%s, %v", v, err)
	}
	if v, err := m.Find("confirm"); v != nil || err == nil {
		t.Errorf("another case: %s, %v", v, err)
	}
	if v, err := m.Find("\u212a"); v != nil || err == nil { // the Kelvin sign folds to k
		t.Errorf("another letter of the same case folding: %s, %v", v, err)
	}
	if v, err := m.Find("b"); v != nil || err != nil {
		t.Errorf("absent: %s, %v", v, err)
	}
	for _, raw := range []string{``, `[]`, `"a"`, `null`, `{"a":`, `{"a":1`} {
		if _, err := wire.ReadMembers([]byte(raw)); err == nil {
			t.Errorf("%q was read", raw)
		}
	}
}

func TestKeysForTheDoorItself(t *testing.T) {
	for meta, want := range map[string]bool{
		`{}`: false, `{"ostiary/other":1}`: false, `{"x":{"ostiary/grant":1}}`: false,
		`{"ostiary/grant":1}`: true, `{"ost\u0069ary/idempotency-key":"k"}`: true,
	} {
		m, err := wire.Parse([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","_meta":`+meta+`}}`), wire.Limits{})
		if err != nil || m.HasOwnMeta != want {
			t.Errorf("%s: %v, %v", meta, m, err)
		}
	}
	if _, err := wire.Parse([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","_meta":{"Ostiary/Grant":"x"}}}`), wire.Limits{}); err == nil {
		t.Error("a token in another case was read over")
	}
}

// FuzzMembers drops and sets members of whatever Parse accepts: the outcome is
// the same object without them, and every other value is as it was written.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `{"a":1,"b":{"a":2},"c":[]}`, ` { "b" : 1e5 , "a" : "\u0061" } `, `{"b":1,"c":2,"a":null}`} {
		f.Add(s, uint8(5))
	}
	f.Fuzz(func(t *testing.T, obj string, mask uint8) {
		v, err := wire.Decode([]byte(obj))
		before, ok := v.(map[string]any)
		if err != nil || !ok {
			t.Skip()
		}
		m, err := wire.ReadMembers([]byte(obj))
		if err != nil || m.Len() != len(before) {
			t.Fatalf("%d members of %s: %v", m.Len(), obj, err)
		}
		drop := func(name string) bool { return name != "new" && mask>>(len(name)%8)&1 == 1 }
		trimmed := strings.TrimSpace(obj)
		at := strings.Index(obj, trimmed)
		m, err = wire.ReadMembers([]byte(trimmed))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Find("new"); err != nil {
			t.Skip() // "New" would be its twin
		}
		out, err := wire.Splice([]byte(obj), m.Edits(at, drop, []wire.Setting{{Name: "new", Value: []byte("false")}})...)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"new": false}
		for k, v := range before {
			if k != "new" && !drop(k) {
				want[k] = v
			}
		}
		after, err := wire.Decode(out)
		if err != nil {
			t.Fatalf("%s became %s: %v", obj, out, err)
		}
		if !reflect.DeepEqual(after, any(want)) {
			t.Fatalf("%s became %s", obj, out)
		}
	})
}
