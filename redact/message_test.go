package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
)

const returnedSecret = `s3cr3t/To+ken~"q\x 9`

func returning(t testing.TB, secrets ...string) *Redactor {
	t.Helper()
	r, err := New(Options{Returned: secrets})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// allEscaped writes every letter of a text as \uXXXX.
func allEscaped(s string) string {
	var b strings.Builder
	for _, c := range s {
		for _, u := range utf16.AppendRune(nil, c) {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
	}
	return b.String()
}

func allPercent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

// encodings are all ways in which a secret may come back, each as the inside of a
// JSON string.
func encodings(secret string) map[string]string {
	quoted := func(s string) string {
		raw, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(raw[1 : len(raw)-1])
	}
	all := map[string]string{
		"plain":           quoted(secret),
		"hex":             hex.EncodeToString([]byte(secret)),
		"HEX":             strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"query":           url.QueryEscape(secret),
		"path":            url.PathEscape(secret),
		"every percent":   allPercent(secret),
		"escaped":         allEscaped(secret),
		"escaped slash":   strings.ReplaceAll(quoted(secret), "/", `\/`),
		"JSON in JSON":    quoted(quoted(secret)),
		"percent twice":   url.QueryEscape(url.QueryEscape(secret)),
		"percent in JSON": allEscaped(url.QueryEscape(secret)),
		"JSON in percent": quoted(url.QueryEscape(allEscaped(secret))),
	}
	for shift := range 3 {
		for name, e := range map[string]*base64.Encoding{"std": base64.StdEncoding, "url": base64.URLEncoding} {
			text := e.EncodeToString([]byte("abc"[:shift] + secret + "xyz"))
			all[fmt.Sprintf("base64 %s %d", name, shift)] = quoted(text)
			all[fmt.Sprintf("base64 %s %d escaped", name, shift)] = allEscaped(text)
			all[fmt.Sprintf("base64 %s %d percent", name, shift)] = url.QueryEscape(text)
		}
	}
	return all
}

// leaks reports whether a text holds the secret in any way that a reader undoes.
func leaks(text, secret string) bool {
	for range 4 {
		for _, f := range forms(secret) {
			if strings.Contains(text, f) {
				return true
			}
		}
		if plain, err := url.PathUnescape(text); err == nil && plain != text {
			text = plain
			continue
		}
		text = unescape(text)
	}
	return false
}

func TestMessageInEveryEncoding(t *testing.T) {
	for _, secret := range []string{returnedSecret, "plain-token-0123456789", "sechs6", "schlüssel-für-alle", "key-\U0001F511-of-four-bytes", "\U00100000-private"} {
		r := returning(t, secret, "another-one")
		for name, text := range encodings(secret) {
			for _, around := range [][2]string{{"", ""}, {"before ", " behind"}, {`\n`, `\t`}, {"ü", "ü"}, {`\u00fc\\ `, `\"`}} {
				raw := `{"jsonrpc":"2.0" , "id":1,"result":{"x": "` + around[0] + text + around[1] + `","n":18446744073709551616}}`
				if !json.Valid([]byte(raw)) {
					t.Fatalf("%s: the case is no JSON: %s", name, raw)
				}
				var control struct{ Result struct{ X string } }
				if err := json.Unmarshal([]byte(raw), &control); err != nil || !leaks(control.Result.X, secret) {
					t.Fatalf("control: %s of %s does not leak: %s", name, secret, raw)
				}
				got := r.Message([]byte(raw))
				var out struct{ Result struct{ X string } }
				if err := json.Unmarshal(got, &out); err != nil {
					t.Fatalf("%s: %v: %s", name, err, got)
				}
				if leaks(out.Result.X, secret) || !strings.Contains(out.Result.X, marker(ruleKnown)) {
					t.Errorf("%s of %s comes back: %s", name, secret, got)
				}
				if !bytes.HasPrefix(got, []byte(`{"jsonrpc":"2.0" , "id":1,"result":{"x": "`+around[0])) ||
					!bytes.HasSuffix(got, []byte(around[1]+`","n":18446744073709551616}}`)) {
					t.Errorf("%s: more than the secret was changed: %s", name, got)
				}
			}
		}
	}
}

// TestMessageHidden: what nobody sees does not hide a secret, however it is written.
func TestMessageHidden(t *testing.T) {
	const secret = "correct-horse-battery"
	r := returning(t, secret)
	for _, hidden := range []string{"\u200b", "\u00ad", "\U000e0041", "\x7f", "\x1b[31m", "\u200b\u200c"} {
		split := secret[:9] + hidden + secret[9:]
		for name, text := range encodings(split) {
			if strings.HasPrefix(name, "base64") || strings.EqualFold(name, "hex") {
				continue // in which it is another text
			}
			raw := `{"jsonrpc":"2.0","id":1,"result":{"x":"before ` + text + ` behind"}}`
			got := string(r.Message([]byte(raw)))
			if want := `{"jsonrpc":"2.0","id":1,"result":{"x":"before [REDACTED:known] behind"}}`; got != want {
				t.Errorf("%q, %s:\n%s\nbecame %s", hidden, name, raw, got)
			}
		}
		if got := r.Text("before " + split + " behind"); got != "before [REDACTED:known] behind" {
			t.Errorf("%q in the log: %q", hidden, got)
		}
	}
	for _, raw := range []string{`{"x":"correct\u200b-horse"}`, "{\"x\":\"a\u200bb\"}", `{"x":"%e2%80%8b"}`} {
		if got := string(r.Message([]byte(raw))); got != raw {
			t.Errorf("%s became %s", raw, got)
		}
	}
}

func TestMessageInEveryPlace(t *testing.T) {
	r := returning(t, "1234567890", "abcdef-secret")
	for _, c := range []struct{ raw, want string }{
		{`{"abcdef-secret":1}`, `{"[REDACTED:known]":1}`},
		{`{"a":1234567890}`, `{"a":"[REDACTED:known]"}`},
		{`[-12345678901.5e3,1]`, `["[REDACTED:known]",1]`},
		{`"abcdef-secretabcdef-secret abcdef-secret"`, `"[REDACTED:known][REDACTED:known] [REDACTED:known]"`},
		{`{"a":"ost_cap_0123456789abcdefghijklmn."}`, `{"a":"[REDACTED:capability-token]."}`},
		{`{"a":"\u006fst_key_0123456789_abcdefghijklmn!"}`, `{"a":"[REDACTED:api-key]!"}`},
		{`{"a":"ost%5fkey_0123456789_abcdefghijklmn!"}`, `{"a":"[REDACTED:api-key]!"}`},
	} {
		if got := string(r.Message([]byte(c.raw))); got != c.want {
			t.Errorf("%s became %s, want %s", c.raw, got, c.want)
		}
	}
}

// What holds no secret is the very same slice.
func TestMessageStaysItself(t *testing.T) {
	r := returning(t, "nabcdef", returnedSecret)
	for _, raw := range []string{
		``, `{}`, `"`, `"\`, `"\u00`, `%`, `%4`, `{"a":"\nabcdef"}`, `{"a":"ost_key_ and ost_cap_ are how they begin, ost_key_0123456789 is a name"}`,
		`{"a":"[REDACTED:known]","b":"\u0041\/%41%zz\ud83d\ude00\ud83d"}`, `{"s3cr3t":"s3cr3","x":"cr3t\/To+ken~"}`, `12345 67`, "\xff\"\xfe\"",
	} {
		in := []byte(raw)
		if got := r.Message(in); string(got) != raw || len(in) > 0 && &got[0] != &in[0] {
			t.Errorf("%q became %q", raw, got)
		}
	}
}

func TestLearn(t *testing.T) {
	r := returning(t)
	message := func(s string) []byte { return []byte(`{"a":"` + s + `"}`) }
	if got := r.Message(message("token-1-secret")); !bytes.Contains(got, []byte("token-1")) {
		t.Fatalf("control: masked before it is known: %s", got)
	}
	for i := range 12 {
		r.Learn("tracker", fmt.Sprintf("token-%d-secret", i), "short", "known")
	}
	r.Learn("wiki", "token-w-secret")
	for i := range 12 {
		text := fmt.Sprintf("token-%d-secret", i)
		old := i < 12-keptValues*3
		if got := r.Message(message(text)); bytes.Contains(got, []byte(text)) != old {
			t.Errorf("%s: %s", text, got)
		}
		if got := r.Text("of " + text); strings.Contains(got, text) != old {
			t.Errorf("the log keeps %s", got)
		}
		if got := r.ShownText("of " + text); strings.Contains(got, text) != old {
			t.Errorf("a person sees %s", got)
		}
	}
	if got := r.Message(message("token-w-secret and short")); string(got) != `{"a":"[REDACTED:known] and short"}` {
		t.Errorf("got %s", got)
	}
}

// What Known has is for the log alone.
func TestMessageLeavesWhatIsForTheLog(t *testing.T) {
	r, err := New(Options{Known: []string{"my-project"}, Returned: []string{"my-token"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(r.Message([]byte(`"my-project my-token"`))); got != `"my-project [REDACTED:known]"` {
		t.Errorf("got %s", got)
	}
	if got := r.Text("my-project my-token"); got != "[REDACTED:known] [REDACTED:known]" {
		t.Errorf("the log has %s", got)
	}
}

func FuzzMessage(f *testing.F) {
	r := returning(f, returnedSecret, "plain-token", "123456789")
	for _, text := range encodings(returnedSecret) {
		f.Add([]byte(`{"a":"` + text + `","b":[1,"plain-token"],"123456789":123456789.0}`))
	}
	f.Add([]byte(`{"":123456789+}`))
	f.Add([]byte(`"\u0070lain-token ost_key_0123456789_abcdefghijklmn`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		x := r.messages.Load()
		got := r.Message(bytes.Clone(raw))
		if slow := x.mask(bytes.Clone(raw)); !bytes.Equal(got, slow) {
			t.Fatalf("the fast look missed a secret: %q, with a slow one %q", got, slow)
		}
		if json.Valid(raw) && !json.Valid(got) { // what was no JSON may be some without a secret
			t.Fatalf("%q became %q", raw, got)
		}
		if again := r.Message(bytes.Clone(got)); !bytes.Equal(again, got) {
			t.Fatalf("%q became %q, and then %q", raw, got, again)
		}
	})
}

// A result of 1 KiB without a secret, as most are; with escapes that hide nothing;
// and with one that is looked at in detail.
func BenchmarkMessage(b *testing.B) {
	r := returning(b, "Bearer 0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef", "second-secret", "third-secret-value", "fourth-secret-value", "5th-secret-value")
	words := strings.Repeat("plain words of a longer result. ", 32)
	for _, c := range []struct{ name, text string }{
		{"plain", words},
		{"escapes", strings.ReplaceAll(words, ". ", `.\n`)},
		{"JSON in JSON", strings.Repeat(`{\"name\":\"a value\",\"n\":17},`, 33)},
		{"suspicious", words[:1018] + `\u0041`},
		{"secret", words[:1011] + "second-secret"},
	} {
		raw := []byte(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"` + c.text + `"}]}}`)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				r.Message(raw)
			}
		})
	}
}
