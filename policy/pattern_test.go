package policy

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestPatternErrors(t *testing.T) {
	for _, tc := range []struct{ pattern, want string }{
		{"", "no slash"}, {"read_file", `"*/read_file"`}, {"/read", "no upstream"}, {"files/", "no target"},
		{"files/a\x00b", "control character"}, {"files/\xff", "UTF-8"},
		{"files/" + strings.Repeat("a", maxPattern), "at most"},
	} {
		if _, err := parsePattern(tc.pattern); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.20q: got %v, want %q in it", tc.pattern, err, tc.want)
		}
	}
}

func TestGlobMatch(t *testing.T) {
	for _, tc := range []struct {
		glob, text string
		want       bool
	}{
		{"read_*", "read_file", true}, {"read_*", "read_", true}, {"read_*", "read", false},
		{"*", "", true}, {"*", "a/b", true}, {"a*a", "a", false}, {"a*a", "aa", true},
		{"*b*", "abc", true}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false}, {"ab*ab*ab", "abab", false},
		{"a**b", "ab", true}, {"a[b]?", "ab", false}, {"a[b]?", "a[b]?", true}, {"file:///ws/*", "file:///ws/../x", true},
		{"*aab", "aaab", true}, {"Read", "read", false},
	} {
		if got := newGlob(tc.glob).match(tc.text); got != tc.want {
			t.Errorf("%q on %q: %v", tc.glob, tc.text, got)
		}
	}
}

func TestPatternSplitsAtTheFirstSlash(t *testing.T) {
	p, err := parsePattern("files/file:///ws/*")
	if err != nil || p.up.String() != "files" || p.rest.String() != "file:///ws/*" {
		t.Fatalf("%v %v", p, err)
	}
}

// texts are all texts over a small alphabet up to n characters.
func texts(alphabet string, n int) []string {
	all, last := []string{""}, []string{""}
	for range n {
		var next []string
		for _, s := range last {
			for _, r := range alphabet {
				next = append(next, s+string(r))
			}
		}
		all, last = append(all, next...), next
	}
	return all
}

// TestOverlapAndWithinAgreeWithBruteForce tries every pair of short globs against
// every short text. A pair of globs of k characters each that overlaps does so on
// a text of at most 2k characters.
func TestOverlapAndWithinAgreeWithBruteForce(t *testing.T) {
	globs := texts("ab*", 3)
	words := texts("abc", 6) // c is in no glob and stands for the rest of the world
	sets := make([]map[int]bool, len(globs))
	parsed := make([]glob, len(globs))
	for i, g := range globs {
		parsed[i], sets[i] = newGlob(g), map[int]bool{}
		for w, word := range words {
			if parsed[i].match(word) {
				sets[i][w] = true
			}
		}
	}
	for i := range globs {
		for j := range globs {
			overlap, within := false, true
			for w := range sets[i] {
				overlap = overlap || sets[j][w]
				within = within && sets[j][w]
			}
			if got := parsed[i].overlaps(parsed[j]); got != overlap {
				t.Fatalf("overlaps(%q, %q) = %v", globs[i], globs[j], got)
			}
			if got := parsed[i].within(parsed[j]); got != within {
				t.Fatalf("within(%q, %q) = %v", globs[i], globs[j], got)
			}
		}
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("files/read_*", "files/*_file", "files/read_file")
	f.Add("*/*", "a/b*c*", "a/bXcY")
	f.Add("files/file:///ws/*", "f*/*é*", "files/file:///ws/é")
	f.Add("a/**", "a/*a*", "a/")
	f.Fuzz(func(t *testing.T, a, b, text string) {
		p, err := parsePattern(a)
		if err != nil {
			return
		}
		up, rest, ok := strings.Cut(text, "/")
		if !ok || strings.Contains(text, fresh) {
			return
		}
		got := p.up.match(up) && p.rest.match(rest)
		if want := oracle(a, up, rest); got != want {
			t.Fatalf("%q on %q: %v, the oracle says %v", a, text, got, want)
		}
		if !p.within(p) || !p.overlaps(p) || p.compare(p) != 0 {
			t.Fatalf("%q does not agree with itself", a)
		}
		q, err := parsePattern(b)
		if err != nil {
			return
		}
		if p.overlaps(q) != q.overlaps(p) || p.compare(q) != -q.compare(p) && (p.compare(q) < 0) == (q.compare(p) < 0) {
			t.Fatalf("%q and %q are not symmetric", a, b)
		}
		both := got && oracle(b, up, rest)
		if both && !p.overlaps(q) {
			t.Fatalf("%q and %q both match %q and are said not to overlap", a, b, text)
		}
		if p.within(q) && (!p.overlaps(q) || got && !both) {
			t.Fatalf("%q is said to be within %q, %q is not", a, b, text)
		}
		x := newIndex([]glob{p.rest, q.rest})
		if n := len(x.find(rest, nil)); n != count(p.rest.match(rest))+count(q.rest.match(rest)) {
			t.Fatalf("the index finds %d of %q and %q for %q", n, a, b, rest)
		}
	})
}

func oracle(pattern, up, rest string) bool {
	pu, pr, _ := strings.Cut(pattern, "/")
	return regexpFor(pu).MatchString(up) && regexpFor(pr).MatchString(rest)
}

func regexpFor(glob string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)\A` + strings.ReplaceAll(regexp.QuoteMeta(glob), `\*`, `.*`) + `\z`)
}

func TestTiesOfManyRowsOfOneShape(t *testing.T) {
	var ps []pattern
	for i := range 10_000 {
		p, err := parsePattern(fmt.Sprintf("files/tool_%05d*", i))
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	if found := ties(ps, 10); len(found) != 0 {
		t.Fatalf("%v", found)
	}
	last, _ := parsePattern("files/tool_099*99") // matches tool_09900…99, tool_09901…99 and so on
	found := ties(append(ps, last), 1000)
	if len(found) != 100 || found[0] != (pair{9900, 10_000}) {
		t.Fatalf("%d ties: %v", len(found), found)
	}
}
