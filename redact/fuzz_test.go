package redact

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const fuzzSecret = `k%9/q"Z\w`

// strs collects every string and key that a JSON value means.
func strs(v any, out []string) []string {
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, e := range v {
			out = strs(e, out)
		}
	case map[string]any:
		for k, e := range v {
			out = strs(e, append(out, k))
		}
	}
	return out
}

func FuzzArguments(f *testing.F) {
	for _, s := range []string{
		`{"password":"p","a":[1,2.5e-3,{"b":null}]}`, `{"a":"k%9/q\"Z\\w"}`, ` [ true , false ] `, `{"a":"\ud83d\ude00\ud800"}`, `{`, `"\`, `"\u00`,
		`{"a":"https://u:p@h","b":"Bearer abcdefgh1"}`, `-0`, `1.`, `{"a":1,"a":2}`, "\"\x7f\xff\"", `{"\u0070wd":{"x":"}"}}`, `"k%259%2Fq%22Z%5Cw"`,
	} {
		f.Add([]byte(s))
	}
	r := redactor(f, fuzzSecret)
	schema := Compile([]byte(`{"properties":{"magic":{"writeOnly":true}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		out := r.Arguments(raw, schema)
		if !bytes.Equal(raw, before) {
			t.Fatal("the input was changed")
		}
		if len(raw) == 0 {
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%q became %q", raw, out)
		}
		if valid := json.Valid(raw); valid != (string(out) != withheld) && bytes.Count(raw, []byte("[")) < maxDepth && string(raw) != withheld {
			t.Fatalf("%q: valid %v, became %q", raw, valid, out)
		}
		if again := r.Arguments(out, schema); !bytes.Equal(again, out) {
			t.Fatalf("%q became %q, then %q", raw, out, again)
		}
		var v any
		d := json.NewDecoder(bytes.NewReader(out))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return
		}
		for _, s := range strs(v, nil) {
			if strings.Contains(s, fuzzSecret) {
				t.Fatalf("%q became %q", raw, out)
			}
		}
		// Without a marker nothing was changed.
		if !bytes.Contains(out, []byte("[REDACTED:")) && !bytes.Equal(out, raw) {
			t.Fatalf("%q became %q", raw, out)
		}
	})
}

// Whatever stands around it and however it is written, the secret goes and the
// rest of the arguments stays.
func FuzzKnown(f *testing.F) {
	f.Add("s3cr3t", "before ", " after", "other")
	f.Add(`a"b\c/%41`, "=", "&", "x")
	f.Add("]abcdef", "", "", "")
	f.Fuzz(func(t *testing.T, secret, before, after, other string) {
		secret = strings.ToValidUTF8(strings.TrimSpace(secret), "?")
		if len(secret) > 200 || len(before)+len(after) > 2000 {
			return
		}
		r, err := New(Options{Known: []string{secret}})
		if err != nil {
			return
		}
		for how, text := range everywhere(secret) {
			out := r.Text(before + text + after)
			if strings.Contains(out, text) && len(r.find(nil, out)) > 0 || !strings.Contains(out, "[REDACTED:") {
				t.Fatalf("%s of %q: %q became %q", how, secret, before+text+after, out)
			}
			if r.Text(out) != out {
				t.Fatalf("%q is not the last word", out)
			}
			in, err := json.Marshal(map[string]any{"a": before + text + after, "b": other})
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]string
			if err := json.Unmarshal(r.Arguments(in, nil), &got); err != nil {
				t.Fatal(err)
			}
			valid := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
			if want := r.Text(jsonText(valid(before + text + after))); got["a"] != want && reflect.DeepEqual(valid(before), before) && valid(after) == after {
				t.Fatalf("%s: got %q, want %q", how, got["a"], want)
			}
			if want := r.Text(jsonText(other)); got["b"] != want {
				t.Fatalf("got %q, want %q", got["b"], want)
			}
		}
	})
}

// jsonText is what a text means after a trip through JSON.
func jsonText(s string) string {
	b, _ := json.Marshal(s)
	var out string
	_ = json.Unmarshal(b, &out)
	return out
}

func FuzzCompile(f *testing.F) {
	f.Add([]byte(`{"properties":{"a":{"$ref":"#/properties/a"}}}`))
	f.Add([]byte(`{"$defs":{"x":{"anyOf":[{"$ref":"#/$defs/x"},{"$ref":"#"}]}},"properties":{"a":{"$ref":"#/$defs/x"}}}`))
	f.Add([]byte(`[[[`))
	f.Fuzz(func(_ *testing.T, schema []byte) { Compile(schema).secret("a") })
}
