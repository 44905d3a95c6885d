package redact

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/redact/scan"
)

// TestIsolated holds what isolated says against a search of all of the text in which the
// secrets are replaced.
func TestIsolated(t *testing.T) {
	e, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, all := &search{engine: e, own: newIndex(ownTokens())}, &search{engine: e, own: newIndex(ownTokens())}
	p, f := &pass{search: s}, filter(t)
	parts := secretsAndParts()
	r := rand.New(rand.NewPCG(5, 1))
	alone, more := 0, 0
	for range 4000 {
		var b strings.Builder
		b.WriteString("Of %41 " + strings.Repeat(prose, 200+r.IntN(700)))
		for range 1 + r.IntN(2) {
			for range 1 + r.IntN(2) {
				x := parts[r.IntN(len(parts))]
				if r.IntN(8) == 0 {
					x = once(r, x)
				}
				b.WriteString(x + []string{"", " ", "\n", "=", ": ", "\"", strings.Repeat(prose, 40)}[r.IntN(7)])
			}
			b.WriteString(" " + strings.Repeat(prose, 200+r.IntN(700)))
		}
		text := b.String()
		s.reset()
		all.reset()
		l := lookAt(text, false)
		s.longest = 0
		found := joined(s.within(nil, text, l, true, maxViews))
		if len(found) == 0 {
			continue
		}
		rest := string(masked(nil, text, found))
		other := f.outsideMarkers(rest, all.everything(nil, rest, lookAt(rest, false), maxViews))
		if len(other) > 0 {
			more++
		}
		if besideRun(text, found) || !p.isolated(text, l, found) {
			continue
		}
		if alone++; len(other) > 0 {
			t.Errorf("%s at %d comes to light in what is isolated, %.80q: %q", other[0].rule, other[0].start, other[0].plain, text)
		}
	}
	if t.Logf("%d of them alone, more in %d", alone, more); alone < 200 || more < 8 {
		t.Error("the texts say little")
	}
}

// What is near a secret, and how near, decides.
func TestIsolatedOnlyInPlainText(t *testing.T) {
	e, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const secretText = "AKIAQ7RT5XK2M3LDV6HN"
	words := strings.Repeat(prose, 600)
	for name, c := range map[string]struct {
		before, behind string
		want           bool
	}{
		"words":                 {words + " ", " " + words, true},
		"encoded far away":      {"Of %41" + words + " ", " " + words, true},
		"encoded near":          {words + " %41 ", " " + words, false},
		"hidden near":           {words + " ", " \u200b " + words, false},
		"nested near":           {words + " ", ` \u0041 ` + words, false},
		"a marker near":         {words + " ", " [REDACTED:jwt] " + words, false},
		"in a short text":       {prose, prose, false},
		"in a text with fields": {"{" + words, words + "}", false},
		"a line end near":       {`Of \" ` + words + " ", ` x\ny ` + words, true},
		"a nested escape near":  {`Of \" ` + words + " ", ` x\\ny ` + words, false},
		"a plus sign near":      {"Of %41 " + words + " ", " a+b " + words, true},
		"in a form":             {"Of %41&" + strings.ReplaceAll(words, " ", "-"), "&a+b " + words, false},
		"before a block":        {"Of %41 " + words + " ", "," + strings.Repeat("\nAbcd", 4000), true},
		"in a block of base64":  {"Of %41 " + words + " ", strings.Repeat("\nAbcd", 4000), false},
		"at the begin":          {"", " " + words + " %41 ", false},
		"behind blanks":         {strings.Repeat(" ", 4000), " " + words + " %41 ", false},
		"behind hidden blanks":  {"\u200b" + strings.Repeat(" ", 4000), " " + words + words, false},
		"behind a hidden title": {"\x1b]0;" + words + "\a" + strings.Repeat(" ", 4000), " " + words, false},
		"in encoded fields":     {"%7b" + words, words, false},
		"in hidden fields":      {"\ufeff{" + words, words, false},
		"another secret near":   {words + " ", fmt.Sprintf(" %s %s", secretText[:19]+"M", words), false},
	} {
		p := &pass{search: &search{engine: e, own: newIndex(ownTokens())}}
		text := c.before + secretText + c.behind
		s := secret{len(c.before), len(c.before) + len(secretText), "aws-access-token", secretText}
		if got := p.isolated(text, lookAt(text, false), []secret{s}); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
		if p.isolated(text, lookEscaped, []secret{s}) {
			t.Errorf("%s: in a literal that writes letters as escapes", name)
		}
		if s.plain = "encoded"; p.isolated(text, 0, []secret{s}) {
			t.Errorf("%s: the secret was encoded", name)
		}
		if s.plain, p.longest = secretText, len(words); p.isolated(text, 0, []secret{s}) {
			t.Errorf("%s: much hangs together", name)
		}
	}
}

// What a secret hides far away, as long as it stands there, is found when it is gone.
func TestIsolatedHidesNothingFarAway(t *testing.T) {
	const plain, fields = "AKIAQ7RT5XK2M3LDV6HN", `{"name":"DB_PASSWORD","value":"Tr0ub4dor3xyz"}`
	// A line of base64 that is a secret itself, and the wide breaks of its block.
	const line = "zX9k2Lq8Vw4Rt6Yp0uB3nM5aJ7dS1gH8c2VlIGhlcmUgdGhlIHdvcmRzIHRoYXQgc3RhbmQgYmVm"
	wide := "\n" + strings.Repeat(" ", 60)
	members := strings.Replace(fields, ",", `,"x":"`+strings.Repeat("some words ", 400)+`",`, 1)
	block := wide + strings.ReplaceAll(broken(base64.StdEncoding.EncodeToString([]byte(members)), 76), "\n", wide) + "\n"
	words := strings.Repeat(prose, 700)
	for name, body := range map[string]string{
		"at the begin":          plain + " " + words + "%41 " + words + fields + words,
		"behind blanks":         strings.Repeat("%20", 20) + strings.Repeat(" ", 3000) + plain + " " + words + words + fields + words,
		"behind a hidden title": "\x1b]0;" + words + "\a" + strings.Repeat(" ", 3000) + plain + " " + words + words + fields + words,
		"in hidden fields": "\ufeff{" + words + "-----BEGIN PRIVATE KEY----- " + strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj", 2) + "\" -----END PRIVATE KEY----- " +
			words + words + fields + words,
		"before a block of base64":         "Of " + words + "%41 " + words + "\n token: " + line + block + words + words,
		"before a block, in no other code": "Of " + words + words + "\n token: " + line + block + words + words,
	} {
		f := filter(t)
		out, r, err := apply(t, f, text(body))
		if err != nil || strings.Contains(out, plain) || strings.Contains(out, line) {
			t.Fatalf("%s: %v, %v", name, r.Findings, err)
		}
		if again, r, err := apply(t, f, out); err != nil || again != out {
			t.Errorf("%s: it is left, and found in what goes out: %v, %v", name, r.Findings, err)
		}
		if strings.Contains(out, "Tr0ub4dor") {
			t.Errorf("%s: the password is left", name)
		}
	}
}
