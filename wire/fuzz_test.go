package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

func seeds(f *testing.F) {
	for _, s := range []string{
		call(`{"name":"t","arguments":{"path":"/ws/a","n":9007199254740993},"_meta":{"progressToken":1.0,"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}`),
		call(`{"name":"t","arguments":{"path":1,"PATH":2}}`), call(`{"name":"t","name":"u"}`), call(`{"\u006eame":"\ud83d\ude00"}`),
		note(`{"a":[1,2,{"k":1,"K":2}]}`), result(`{"content":[{"type":"text","text":"\ud83d"}],"a":1,"A":2}`),
		result(`{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"mode":"url"}}}}`),
		`{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}`, ` {"jsonrpc":"2.0","id":1e0,"method":"ping"}` + "\r\n",
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}}`, `[]`, `{}`, "\xff", `{"jsonrpc":"2.0","ıd":1,"İd":2,"method":"x"}`,
	} {
		f.Add([]byte(s))
	}
}

// Never panics; what is accepted is the input, points into it, reads the same
// again, and is what encoding/json reads.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		id := RecoverID(in)
		m, err := Parse(in, Limits{})
		Text(in, 20)
		RecoverHeadID(in)
		RecoverAnswerID(in, in)
		if err != nil {
			var e *ostiary.Error
			if !errors.As(err, &e) || !strings.HasPrefix(string(e.Code), "wire_") || m != nil {
				t.Fatalf("refused with %v and %v", err, m)
			}
			return
		}
		if !bytes.Equal(m.Raw, bytes.Trim(in, " \t\r\n")) {
			t.Fatal("Raw is not the input")
		}
		if m.Kind == KindRequest && !bytes.Equal(id, m.ID) || m.Kind != KindRequest && id != nil {
			t.Fatalf("RecoverID = %s, id is %s", id, m.ID)
		}
		parts := [][]byte{m.ID, m.Params, m.Arguments, m.Meta, m.ProgressToken, m.CancelID, m.Result, m.Error}
		for _, r := range m.InputRequests {
			parts = append(parts, r.Params)
		}
		for _, part := range parts {
			start, end, ok := m.Offset(part)
			if ok != (part != nil) || ok && !bytes.Equal(m.Raw[start:end], part) || ok && !json.Valid(part) {
				t.Fatalf("%q is not in Raw", part)
			}
		}
		again, err := Parse(m.Raw, Limits{})
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("the second parse differs: %v", err)
		}
		agree(t, m)
		renamed, err := Parse(m.WithID([]byte("77")), Limits{})
		if m.ID != nil && (err != nil || renamed.Key != "n:77" || !bytes.Equal(renamed.Params, m.Params) || !bytes.Equal(renamed.Result, m.Result)) {
			t.Fatalf("another id changed the message: %v", err)
		}
	})
}

// agree compares the view with what encoding/json reads, which folds case and
// takes the last of two keys: the reader that the strictness is for.
func agree(t *testing.T, m *Message) {
	type meta struct {
		Version string `json:"io.modelcontextprotocol/protocolVersion"`
	}
	var v struct {
		JSONRPC, Method   string
		ID, Result, Error json.RawMessage
		Params            json.RawMessage
	}
	if err := json.Unmarshal(m.Raw, &v); err != nil {
		t.Fatalf("encoding/json refuses it: %v", err)
	}
	if v.JSONRPC != "2.0" || v.Method != m.Method || !bytes.Equal(v.ID, m.ID) || !bytes.Equal(v.Params, m.Params) ||
		!bytes.Equal(v.Result, m.Result) || !bytes.Equal(v.Error, m.Error) {
		t.Fatalf("encoding/json reads %+v, the view is %+v", v, m)
	}
	if m.Params == nil {
		return
	}
	var p struct {
		Name, URI, TaskID, Arguments, Meta json.RawMessage
		XMeta                              json.RawMessage `json:"_meta"`
	}
	if err := json.Unmarshal(m.Params, &p); err != nil {
		t.Fatal(err)
	}
	named := map[string]json.RawMessage{
		"tools/call": p.Name, "prompts/get": p.Name, "resources/read": p.URI, "resources/subscribe": p.URI, "tasks/get": p.TaskID,
	}
	if raw, ok := named[m.Method]; ok {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil || s != m.Name {
			t.Fatalf("encoding/json reads the name %q (%v), the view %q", s, err, m.Name)
		}
	}
	if (m.Method == "tools/call" || m.Method == "prompts/get") && !bytes.Equal(p.Arguments, m.Arguments) {
		t.Fatalf("encoding/json reads the arguments %q, the view %q", p.Arguments, m.Arguments)
	}
	if !bytes.Equal(p.XMeta, m.Meta) {
		t.Fatalf("encoding/json reads _meta %q, the view %q", p.XMeta, m.Meta)
	}
	var x meta
	if m.Meta != nil && m.Era == EraModern {
		if err := json.Unmarshal(m.Meta, &x); err != nil || x.Version != m.Version {
			t.Fatalf("encoding/json reads the version %q (%v), the view %q", x.Version, err, m.Version)
		}
	}
	// Decode reads all that Parse accepts in params, and reads what encoding/json does.
	got, err := Decode(m.Params)
	if err != nil {
		t.Fatalf("Decode refuses what Parse accepts: %v", err)
	}
	if want := stdDecode(t, m.Params); !reflect.DeepEqual(got, want) {
		t.Fatalf("Decode = %#v, encoding/json %#v", got, want)
	}
}

func stdDecode(t *testing.T, raw []byte) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("encoding/json: %v", err)
	}
	return v
}

// Equal digests mean equal values, number literals included, and the other way.
func FuzzDigest(f *testing.F) {
	for _, p := range [][2]string{
		{`{"a":1,"b":2}`, `{ "b":2, "a":1 }`}, {`9007199254740993`, `9007199254740992`}, {`1.0`, `1`},
		{`"\u0061"`, `"a"`}, {`{"a":[1,2]}`, `{"a":[2,1]}`}, {`{}`, `[]`}, {`"1"`, `1`}, {`-0`, `0`}, {`"\ud83d\ude00"`, `"😀"`},
	} {
		f.Add([]byte(p[0]), []byte(p[1]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		va, errA := Decode(a)
		vb, errB := Decode(b)
		if errA != nil || errB != nil {
			Digest(a)
			return
		}
		keep := bytes.Clone(a)
		da, errA := Digest(a)
		db, errB := Digest(b)
		if errA != nil || errB != nil {
			t.Fatalf("Digest refuses what Decode accepts: %v, %v", errA, errB)
		}
		if !bytes.Equal(a, keep) {
			t.Fatal("Digest changed its input")
		}
		if (da == db) != reflect.DeepEqual(va, vb) {
			t.Fatalf("%s and %s: digests equal %v", a, b, da == db)
		}
		// Another order of keys and another spelling is the same value.
		sorted, err := json.Marshal(va)
		if err != nil {
			t.Fatal(err)
		}
		if ds, err := Digest(sorted); err != nil || ds != da {
			t.Fatalf("%s and %s differ: %v", a, sorted, err)
		}
	})
}

func TestDigest(t *testing.T) {
	of := func(s string) ostiary.Digest {
		d, err := Digest([]byte(s))
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return d
	}
	for _, eq := range [][2]string{{`{"a":1,"b":{"d":1,"c":2}}`, ` { "b" : {"c":2,"d":1},"a":1}`}, {`"\u0061\/"`, `"a/"`}} {
		if of(eq[0]) != of(eq[1]) {
			t.Errorf("%s and %s differ", eq[0], eq[1])
		}
	}
	for _, ne := range [][2]string{{`9007199254740993`, `9007199254740992`}, {`1.0`, `1`}, {`1e2`, `100`}, {``, `{}`}, {``, `null`}, {`"1"`, `1`}, {`[1,2]`, `[2,1]`}} {
		if of(ne[0]) == of(ne[1]) {
			t.Errorf("%s and %s are equal", ne[0], ne[1])
		}
	}
	for _, bad := range []string{`{"a":1,"a":1}`, `{`, `1 2`, "\"\xff\"", `"\ud800"`} {
		if _, err := Digest([]byte(bad)); !strings.HasPrefix(string(ostiary.AsError(err).Code), "wire_") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for in, code := range map[string]ostiary.Code{
		`{"a":1,"a":1}`: ostiary.CodeWireDuplicate, `[{"a":1,"A":1}]`: ostiary.CodeWireDuplicate, `"\ud800"`: ostiary.CodeWireUTF8,
		`{"\ud800":1}`: ostiary.CodeWireUTF8, "\"\xff\"": ostiary.CodeWireUTF8, `1 2`: ostiary.CodeWireTrailing, ``: ostiary.CodeWireParse, `{`: ostiary.CodeWireParse,
		`{"a":}`: ostiary.CodeWireParse, strings.Repeat("[", 9001): ostiary.CodeWireDepth,
	} {
		if v, err := Decode([]byte(in)); !errors.Is(err, code) || v != nil {
			t.Errorf("%.40q: %v, %v, want %s", in, v, err, code)
		}
	}
}

// Two keys fold to the same form exactly if encoding/json, which folds case,
// or the Unicode tables take them for one.
func FuzzFold(f *testing.F) {
	for _, p := range [][2]string{{"so", "ſO"}, {"key", "Key"}, {"ß", "SS"}, {"σ", "ς"}, {"ı", "I"}, {"İ", "i"}, {"a", "b"}} {
		f.Add(p[0], p[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		same := bytes.Equal(appendFold(nil, []byte(a)), appendFold(nil, []byte(b)))
		if want := strings.EqualFold(a, b); same != want {
			t.Fatalf("%q and %q: %v, want %v", a, b, same, want)
		}
	})
}
