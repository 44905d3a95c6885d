package wire

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// slowly reads a message with the decoder alone.
func slowly(raw []byte, lim Limits) (*parser, error) {
	p := newParser(raw, lim)
	_, err := p.value(inEnvelope)
	return p, err
}

// compare fails if quick reading takes what the decoder refuses, or finds other
// values.
func compare(t *testing.T, raw []byte, lim Limits) (read, decoded bool) {
	t.Helper()
	if got := Valid(raw); got != (json.Valid(raw) && utf8.Valid(raw)) {
		t.Fatalf("Valid of %q is %t", raw, got)
	}
	if checkBytes(raw, lim) != nil || raw[0] != '{' {
		return false, false
	}
	fast := newQuick(raw, lim)
	if read = fast.quickly(); read {
		p, err := slowly(raw, lim)
		if err != nil || len(bytes.TrimLeft(raw[p.offset():], space)) > 0 {
			t.Fatalf("%q was read, the decoder: %v", raw, err)
		}
		if fast.found != p.found || fast.resultTwin != p.resultTwin || p.loneEnd != 0 {
			t.Fatalf("%q was read as %v, the decoder %v", raw, fast.found, p.found)
		}
	}
	for _, max := range []int{1, 5, 1000} {
		slow := texter{left: max, dec: newParser(raw, lim).dec}
		slow.walk("")
		// Of a string that never ends the decoder says nothing.
		if got, ends := Text(raw, max), json.Valid(raw); got != string(slow.out) && (ends || !strings.HasPrefix(got, string(slow.out))) {
			t.Fatalf("the text of %q is %q, for the decoder %q", raw, got, slow.out)
		}
	}
	q, canonical := quick{b: raw}, true
	v, ok := newQuick(raw, Limits{MaxDepth: highestMaxDepth}).quickTree(&q, 1, &canonical)
	if !ok {
		return read, false
	}
	p := newParser(raw, Limits{MaxDepth: highestMaxDepth})
	want, err := p.decode()
	if err != nil || p.offset() != q.i || !reflect.DeepEqual(v, want) {
		t.Fatalf("%q was decoded to %v, the decoder: %v, %v", raw, v, want, err)
	}
	if q.i == len(raw) && canonical {
		quickly, slowly := digest(t, raw)
		if quickly != slowly {
			t.Fatalf("%q is not canonical", raw)
		}
	}
	return read, true
}

func digest(t *testing.T, raw []byte) (quickly, slowly any) {
	t.Helper()
	_, d, err := DecodeDigest(raw)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	s, err := Digest(raw)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return d, s
}

func FuzzQuick(f *testing.F) {
	seeds(f)
	for _, s := range quickCases() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		compare(t, bytes.Trim(in, space), Limits{MaxDepth: 8})
	})
}

// quickCases are values that quick reading could take for right or for canonical.
func quickCases() []string {
	long := strings.Repeat("x", 30)
	values := []string{
		`1`, `-0`, `0.10`, `1e5`, `1E+05`, `01`, `1.`, `.5`, `-`, `1e`, `+1`, `--1`, `0x1`, `1_0`, `NaN`, `tru`, `truee`, `nulll`, `true`, `null`,
		`""`, `"a b"`, `"` + long + `"`, `"` + long + "\x01" + long + `"`, `"` + long + `\u0041"`, `"\n"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\ud800"`, `"\ud83d\ude00"`, `"\"`, `"`,
		"\"\u2028\"", "\"\x7f\"", `"é"`, `"/"`, `"\/"`, `"<&>"`, "\"\ufeff\"", "\"\ufffd\"",
		`[]`, `[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[1`, `[[[[[[[[[1]]]]]]]]]`, `[ ]`, `{}`, `{ }`, `{"a":1,"b":2}`, `{"b":1,"a":2}`, `{"a":1,"a!":2}`, `{"a!":1,"a":2}`,
		`{"a":1,"A":2}`, `{"a":1,"a":2}`, `{"":1,"a":2}`, `{"a":1,"":2}`, `{"é":1,"z":2}`, `{"z":1,"é":2}`, "{\"\uffff\":1,\"\U0001F600\":2}", `{"a":1,}`, `{,"a":1}`, `{"a"1}`,
		`{"a":}`, `{a:1}`, `{1:2}`, `{"a":1 "b":2}`, `{"\u0061":1}`, `{"K":1,"K":2}`, `{"a":[{"b":1,"c":[1,"x",null]}]}`, `{"a" :1}`, `{"a": 1}`, `{"a":1 }`, "{\"a\":\t1}",
	}
	var out []string
	for _, v := range values {
		out = append(out, `{"content":[{"type":`+v+`,"text":"x"},{"text":`+v+`}],"message":`+v+`}`, `{"v":`+v+`}`, call(`{"name":"t","arguments":{"v":`+v+`}}`), result(v), `{"jsonrpc":"2.0","id":1,"error":`+v+`}`, `{"v":`+v+`}x`, `{"v":`+v+` } `)
	}
	return out
}

func TestQuick(t *testing.T) {
	var read, decoded, all int
	for _, s := range quickCases() {
		for _, lim := range []Limits{{}, {MaxDepth: 3}} {
			r, d := compare(t, []byte(strings.TrimSpace(s)), lim)
			all++
			if r {
				read++
			}
			if d {
				decoded++
			}
		}
	}
	if read < all/4 || decoded < all/4 {
		t.Errorf("of %d only %d were read and %d decoded", all, read, decoded)
	}
	for _, s := range []string{
		call(`{"name":"t","arguments":{"path":"/a","n":[1,2.5,-3e2],"o":{"x":true,"y":null}}}`),
		` { "jsonrpc" : "2.0" , "id" : "a" , "result" : { "content" : [ { "type" : "text" , "text" : "a\nb\u0041" } ] } }`,
	} {
		if r, d := compare(t, []byte(strings.TrimSpace(s)), Limits{}); !r || !d {
			t.Errorf("%s was left to the decoder: %v %v", s, r, d)
		}
	}
}
