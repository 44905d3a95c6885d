package scan

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/hostile"
)

// whole is settle with a look at the whole of what was replaced, not beside it only.
func (f *finder) whole(text string) (all []Finding) {
	f.merged = merge(nil, f.find(text))
	for range maxRounds {
		if len(f.merged) == 0 {
			break
		}
		replaced, parts := f.replaced(text)
		before := len(f.merged)
		for _, m := range f.find(replaced) {
			if start, end, ok := original(parts, m.start, m.end); ok {
				f.merged = append(f.merged, match{m.rule, start, end})
			}
		}
		if len(f.merged) == before {
			break
		}
		f.merged = merge(nil, f.merged)
	}
	for _, m := range f.merged {
		all = append(all, Finding{m.rule.id, m.start, m.end})
	}
	return all
}

// besideEngine has all that can be found.
func besideEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := New(Options{Personal: []string{"email", "phone", "card", "iban", "national-id", "ip"}, Extra: []Rule{
		{ID: "ticket", Regex: `\bticket[ \t]{0,400}[A-Z]{3}-[0-9]{6}\b`, Keywords: []string{"ticket"}},
		{ID: "loose", Regex: `(?:[a-f]{2,40}[0-9]{2}){2,4}#`, Keywords: []string{"loose"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// morsels are parts of which texts are made that come close to all rules.
func morsels(e *Engine) (all []string) {
	all = seeds()
	for _, s := range seeds() {
		all = append(all, s[:len(s)/2], s[len(s)/2:])
	}
	for _, r := range e.rules {
		for _, k := range r.keywords {
			all = append(all, k, strings.ToUpper(k), k+"_key = \"", marker(r.id))
		}
		all = append(all, hostile.Texts(r.regex, nil, 60)...)
	}
	return append(all, mixed36, mixed36, mixed36[:20], "0123456789abcdef0123456789abcdef01234567", "aa11bb22#", "ABC-123456", "me@example.com", "4111 1111 1111 1111",
		" ", " ", "\n", "=", ":", "\"", "'", "; ", "-----", "KEY-----", "curl ", " -u ", "-----BEGIN PRIVATE KEY-----", "kind: Secret\n", "\ndata:\n", "Cookie: ", "https://", "@")
}

// tight are secrets, and what tells them, that go without an edge.
var tight = []string{"AKIAQ7RT5XK2M3LDV6HN", "ghp_" + mixed36, "sk-" + mixed36, "aa11bb22#", "0123456789abcdef0123456789abcdef01234567", "facebook", "sourcegraph",
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlc2lnbmF0dXJl", "me@example.com", "password=hunter22", " ticket ABC-123456", "loose", "Bearer " + mixed36,
	"123456789012345|abcdefghijklmnopqrstuvwxyz0", "cookie: sid=" + mixed36 + ";", "curl -u me:", "api_key='" + mixed36, "https://u:p4ss", "@h", "=", "\"api_key\": \"Tr0ub4dor&3xyzQ", "\"", "-----BEGIN PRIVATE KEY-----" + mixed36 + mixed36 + mixed36}

// mixture is a text of morsels, some of them far from each other.
func mixture(r *rand.Rand, from []string) string {
	var b strings.Builder
	for range 1 + r.IntN(30) {
		b.WriteString(from[r.IntN(len(from))])
		for range r.IntN(3) { // one may have an edge only when the other is gone
			b.WriteString(tight[r.IntN(len(tight))])
		}
		switch r.IntN(12) {
		case 0:
			b.WriteString(strings.Repeat(" ", r.IntN(700)))
		case 1:
			b.WriteString(strings.Repeat("a ", r.IntN(2500)))
		case 2:
			b.WriteString(mixed36)
		case 3:
			b.WriteString(strings.Repeat("a1B2c3D4", r.IntN(90)))
		case 4:
			b.WriteString(" ")
		}
	}
	return b.String()
}

// TestBeside compares the look beside of what was replaced with one at all of it.
func TestBeside(t *testing.T) {
	e := besideEngine(t)
	parts := morsels(e)
	r := rand.New(rand.NewPCG(5, 1))
	f, g := e.finders.Get().(*finder), e.finders.Get().(*finder)
	some, more := 0, 0
	for range 1500 {
		text := mixture(r, parts)
		got, want := f.settle(nil, text), g.whole(text)
		if !slices.Equal(got, want) {
			t.Fatalf("%v beside, %v in all of %q", got, want, text)
		}
		if len(want) == 0 {
			continue
		}
		some++
		if len(merge(nil, f.find(text))) != len(want) {
			more++
		}
	}
	t.Logf("%d texts with secrets, %d of them with more beside", some, more)
	if more < 20 {
		t.Errorf("only %d texts had something beside a secret", more)
	}
}

// FuzzBeside does it with texts of any kind.
func FuzzBeside(f *testing.F) {
	e := besideEngine(f)
	for i, s := range seeds() {
		f.Add(s, mixed36, uint16(i*50))
	}
	f.Fuzz(func(t *testing.T, a, b string, apart uint16) {
		text := a + strings.Repeat(" a", int(apart)%3000) + b + a
		x, y := e.finders.Get().(*finder), e.finders.Get().(*finder)
		if got, want := x.settle(nil, text), y.whole(text); !slices.Equal(got, want) {
			t.Fatalf("%v beside, %v in all of %q", got, want, text)
		}
	})
}
