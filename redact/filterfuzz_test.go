package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

var anyMarker = regexp.MustCompile(`\[REDACTED:[a-z0-9_-]+\]( \(\d+\))?`)

// What comes out is JSON and UTF-8, says the same again, and differs from what went
// in only by markers in strings.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		text(acme), `{"password":"Zk3-9fQ2xL7wPq8v","n":1.50,"a":[null,true,"` + github + `"]}`, `{"` + acme + `":{"` + acme + `":1}}`,
		text(`{"a":"` + acme + `"}`), `["\u0061cme_0123456789abcdef0123456789abcdef\ud800"]`, text("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"),
		text(base64.StdEncoding.EncodeToString([]byte("see " + acme + " there"))), text("[REDACTED:" + acme + "] password=[REDACTED:key]"),
		`{"content":[{"text":"` + strings.Repeat("words of a text ", 50) + `"}],"structuredContent":{"a":"` + strings.Repeat("x", 600) + `"}}`,
		`{"a":"Bearer abc.def-0123456789","b":"postgres://u:p4ssw0rd@h/d","c":"%61cme%5F0123456789abcdef0123456789abcdef"}`,
	} {
		f.Add([]byte(s), 300)
	}
	fl := filter(f)
	f.Fuzz(func(t *testing.T, body []byte, limit int) {
		if !json.Valid(body) || !utf8.Valid(body) || twins(body) {
			return
		}
		before := bytes.Clone(body)
		run := func(body []byte, limit int) ([]byte, *ostiary.Result, error) {
			r := &ostiary.Result{Status: ostiary.StatusOK, Body: body}
			c := &ostiary.Call{ID: "c", Method: "tools/call", Class: ostiary.ClassTool, Rule: &ostiary.Rule{Output: ostiary.OutputRule{MaxBytes: limit}}}
			err := fl.Apply(t.Context(), c, r)
			return r.Body, r, err
		}
		for _, limit := range []int{0, max(1, limit)} {
			out, r, err := run(body, limit)
			if !bytes.Equal(body, before) {
				t.Fatal("the input was changed")
			}
			if err != nil {
				if !strings.Contains(err.Error(), string(ostiary.CodeRedactSecret)) {
					t.Fatal(err)
				}
				return
			}
			if !json.Valid(out) || !utf8.Valid(out) || twins(out) {
				t.Fatalf("%q became %q", body, out)
			}
			if (r.Found == 0) != bytes.Equal(out, body) {
				t.Fatalf("%q became %q with %v", body, out, r.Findings)
			}
			if again, _, err := run(out, limit); err != nil || !bytes.Equal(again, out) {
				t.Fatalf("%q became %q, then %q, %v", body, out, again, err)
			}
			if limit == 0 && len(body) < DefaultMaxResult {
				outside(t, body, out)
			}
		}
	})
}

// outside fails if two bodies differ in anything but markers: what is left between
// those of a string stands in the string it was, in this order.
func outside(t *testing.T, before, after []byte) {
	var a, b any
	if decode(before, &a) != nil || decode(after, &b) != nil {
		t.Fatal("no JSON")
	}
	var same func(a, b any) bool
	kept := func(a, b string) bool {
		if a == b {
			return true
		}
		for i, part := range anyMarker.Split(b, -1) {
			n := strings.Index(a, part)
			if n < 0 || i == 0 && n > 0 {
				return false
			}
			a = a[n+len(part):]
		}
		return anyMarker.MatchString(b)
	}
	same = func(a, b any) bool {
		switch a := a.(type) {
		case string:
			b, ok := b.(string)
			return ok && kept(a, b)
		case []any:
			b, ok := b.([]any)
			if !ok || len(a) != len(b) {
				return false
			}
			for i := range a {
				if !same(a[i], b[i]) {
					return false
				}
			}
			return true
		case map[string]any:
			b, ok := b.(map[string]any)
			if !ok || len(a) != len(b) {
				return false
			}
			for k, v := range a {
				if w, ok := b[k]; ok && !same(v, w) {
					return false // a key that was replaced is none of these
				}
			}
			return true
		}
		return reflect.DeepEqual(a, b)
	}
	if !same(a, b) {
		t.Fatalf("%q became %q", before, after)
	}
}

func decode(raw []byte, v *any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(v)
}

// However a secret is written, and whatever stands around it, it is found; what
// hides in it does not hide it.
func FuzzHidden(f *testing.F) {
	f.Add("before ", " after", uint16(7), uint8(0))
	f.Add(`{"a":"`, `"}`, uint16(12), uint8(3))
	f.Add("é\\", "%41", uint16(30), uint8(5))
	f.Add("", "", uint16(1), uint8(9))
	fl := filter(f)
	hidden := []string{"\u200b", "\u200d", "\ufeff", "\u00ad", "\U000e0041", "\ufe0f", "\u2060", "\x00", "\x1b[0m", "\u202e", "\u3164"}
	f.Fuzz(func(t *testing.T, before, after string, at uint16, which uint8) {
		if len(before)+len(after) > 2000 {
			return
		}
		before, after = strings.ToValidUTF8(before, "?")+" ", " "+strings.ToValidUTF8(after, "?")
		i := 1 + int(at)%(len(acme)-1)
		cut := acme[:i] + hidden[int(which)%len(hidden)] + acme[i:]
		var escaped strings.Builder
		for j, c := range []byte(acme) {
			if (int(at)>>(j%16))&1 == 1 {
				escaped.WriteString("%" + strings.ToUpper(hexByte(c)))
			} else {
				escaped.WriteByte(c)
			}
		}
		for how, s := range map[string]string{
			"plain": acme, "hidden": cut, "percent": escaped.String(), "query": url.QueryEscape(acme),
			"base64": base64.StdEncoding.EncodeToString([]byte("some text " + acme + " more")),
			"url":    base64.RawURLEncoding.EncodeToString([]byte("some text " + cut + " more")),
		} {
			body := text(before + s + after)
			got, r, err := apply(t, fl, body)
			if err != nil {
				t.Fatal(err)
			}
			if r.Found == 0 || strings.Contains(got, acme) || strings.Contains(got, quotedInside(s)) {
				t.Fatalf("%s: %q became %q", how, body, got)
			}
		}
	})
}

func hexByte(c byte) string {
	return string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15])
}

func quotedInside(s string) string { b, _ := json.Marshal(s); return string(b[1 : len(b)-1]) }
