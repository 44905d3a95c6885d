package scan

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are texts with secrets that are made up, and what is close to one.
func seeds() []string {
	return []string{
		"", "nothing", "token", "key=", "ghp_" + mixed36, "\"api_key\": \"zX9k2Lq8Vw4Rt6Yp0\"",
		"{\"api_key\" : \"Tr0ub4dor&3xyzQ\"}",
		"AKIAABCDEFGHIJKLMNOPghp_" + mixed36 + "AKIAABCDEFGHIJKLMNOP",
		"-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEA0123456789abcdef\n", 8) + "-----END RSA PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\\n" + strings.Repeat("MIIEpAIBAAKCAQEA0123456789abcdef\\n", 3),
		"curl -H \"Authorization: Bearer abcdef0123456789\" -u 'me:secret12' https://x.example",
		"apiVersion: v1\ndata:\n  a: c2VjcmV0c2VjcmV0\n  b: |\n    c2VjcmV0c2VjcmV0\nkind: Secret\n---\n",
		"Set-Cookie: sid=0123456789abcdef; Path=/\nCookie: a=b; session=0123456789abcdef",
		"postgres://u:p4ss@h/d Server=x;Password=hunter2!;AccountKey=" + strings.Repeat("abcd0123", 6) + "==;",
		"Authorization: Basic dXNlcjpodW50ZXIy", "password: hunter22 passphrase=x", "Bearer 0123456789abcdef",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlc2lnbmF0dXJl",
		"sourcegraph 0123456789abcdef0123456789abcdef01234567 ", "facebook 123456789012345|abcdefghijklmnopqrstuvwxyz0",
		"sk-" + strings.Repeat("a1", 20), "\xff\xfe\x00key=\xff", "[REDACTED:github-pat]",
	}
}

// redacted replaces what is found.
func redacted(e *Engine, text string) string {
	var b strings.Builder
	at := 0
	for _, f := range e.Find(nil, text) {
		b.WriteString(text[at:f.Start])
		b.WriteString(marker(f.Rule))
		at = f.End
	}
	b.WriteString(text[at:])
	return b.String()
}

// FuzzFind checks that findings are in order and within the text, that they cut no
// character in two, and that nothing is found any more once they are replaced.
func FuzzFind(f *testing.F) {
	e, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, x := range e.Find(nil, text) {
			if x.Start < last || x.End <= x.Start || x.End > len(text) || x.Rule == "" {
				t.Fatalf("finding %+v behind %d of %d bytes", x, last, len(text))
			}
			if utf8.ValidString(text) && (!utf8.ValidString(text[:x.Start]) || !utf8.ValidString(text[x.Start:x.End])) {
				t.Fatalf("finding %+v cuts a character", x)
			}
			last = x.End
		}
		clean := redacted(e, text)
		if again := e.Find(nil, clean); len(again) > 0 {
			t.Fatalf("%v in %q, which was %q", again, clean, text)
		}
	})
}

// FuzzFindTrace holds one search against two, without personal data and with it.
func FuzzFindTrace(f *testing.F) {
	var engines []*Engine
	for _, kinds := range [][]string{nil, {"email", "ip"}} {
		e, err := New(Options{Personal: kinds})
		if err != nil {
			f.Fatal(err)
		}
		engines = append(engines, e)
	}
	for _, s := range seeds() {
		f.Add(s, 0)
		f.Add(s, 700)
	}
	f.Fuzz(func(t *testing.T, text string, apart int) {
		text += strings.Repeat(" a", max(0, apart%3000)) + text
		for _, e := range engines {
			told := Trace{Words: true}
			found := e.FindTrace(nil, &told, text)
			if want := e.Find(nil, text); !slices.Equal(found, want) {
				t.Fatalf("%v in %q, want %v", found, text, want)
			}
			if want := e.Hits(nil, []byte(text)); !slices.Equal(told.Hits, want) {
				t.Fatalf("words at %v in %q, want %v", told.Hits, text, want)
			}
		}
	})
}
