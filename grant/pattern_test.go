package grant

import (
	"regexp"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
)

// alike says what a pattern means by other means.
func alike(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("(?s)^" + strings.Join(parts, ".*") + "$").MatchString(s)
}

func TestPatternWithin(t *testing.T) {
	for _, c := range []struct {
		part, whole string
		within      bool
	}{
		{"files/delete_file", "files/delete_file", true},
		{"files/delete_file", "files/*", true},
		{"files/delete_*", "files/*", true},
		{"files/*", "files/delete_*", false},
		{"*/delete_file", "files/*", false},
		{"files/a*b", "files/a*", true},
		{"files/a*b", "files/*b", true},
		{"files/a*", "files/a*b", false},
		{"files/a*c*b", "files/a*b", true},
		{"files/a*b", "files/a*c*b", false},
		{"files/**", "files/*", true},
		{"files/*", "files/**", true},
		{"files/", "files/*", false}, // no pattern at all
		{"fi*/x", "f*/x", true},
		{"f*/x", "fi*/x", false},
	} {
		part, err1 := parsePattern(c.part)
		whole, err2 := parsePattern(c.whole)
		if got := err1 == nil && err2 == nil && part.within(whole); got != c.within {
			t.Errorf("%s within %s: %v", c.part, c.whole, got)
		}
	}
}

// FuzzPattern compares the matching with regular expressions, and what is within
// with what is matched.
func FuzzPattern(f *testing.F) {
	f.Add("files/delete_*", "files/*", "files/delete_file")
	f.Add("a*/b*c*d", "*/b*d", "ax/bxcxd")
	f.Add("a/b*b", "a/*b", "a/b")
	f.Fuzz(func(t *testing.T, one, other, s string) {
		p, err := parsePattern(one)
		if err != nil || len(one)+len(s) > 300 {
			return
		}
		up, tool, found := strings.Cut(s, "/")
		if !found {
			return
		}
		wantUp, wantTool, _ := strings.Cut(one, "/")
		got := p.match(up, tool)
		if want := alike(wantUp, up) && alike(wantTool, tool); want != got && !strings.Contains(s, "\xff") {
			t.Errorf("%q matches %q: %v", one, s, got)
		}
		if q, err := parsePattern(other); err == nil && got && p.within(q) && !q.match(up, tool) {
			t.Errorf("%q is within %q and matches %q alone", one, other, s)
		}
	})
}

// A grant's pattern means the same as a rule's.
func TestPatternAsInRules(t *testing.T) {
	names := []string{"files", "file", "", "read_file", "delete_file", "delete_", "delete", "a/b", "*", "Delete_file", "dèlete"}
	for _, text := range []string{"files/*", "*/delete_*", "f*s/*e*file", "files/a/*", "files/delete_file", "*/*", "files/**", "*/**_*", "files/d?lete"} {
		p, err := parsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		rules, err := policy.New(policy.Options{Rows: []policy.Row{{Kind: policy.Tool, Pattern: text, Source: "x:1:1", Effect: ostiary.EffectWrite}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, up := range names {
			for _, tool := range names[3:] {
				book, _ := rules.Compile(up, []ostiary.Tool{{Upstream: up, Name: tool}})
				if want, got := book.Tool(tool).Written(), p.match(up, tool); got != want {
					t.Errorf("%s and %s/%s: the grant says %v, the rule %v", text, up, tool, got, want)
				}
			}
		}
	}
}
