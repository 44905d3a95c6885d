package config

import (
	"slices"
	"testing"
)

func scopesOf(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse("policy.yaml", []byte(text), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestScopesImply: a diamond of four, each scope once, what was given first.
func TestScopesImply(t *testing.T) {
	f := scopesOf(t, `
scopes:
  all: {implies: [left, right]}
  left: {implies: [base]}
  right: {implies: [base, "x:y"]}
rules:
  - {tool: "a/b", effect: read, scope: [base, "x:y"]}
`)
	for _, c := range []struct{ given, want []string }{
		{nil, nil},
		{[]string{"other"}, []string{"other"}},
		{[]string{"base"}, []string{"base"}},
		{[]string{"left"}, []string{"left", "base"}},
		{[]string{"right", "left"}, []string{"right", "left", "base", "x:y"}},
		{[]string{"all"}, []string{"all", "left", "base", "right", "x:y"}},
		{[]string{"base", "all"}, []string{"base", "all", "left", "right", "x:y"}},
		{[]string{"ALL", "all*", ""}, []string{"ALL", "all*", ""}},
	} {
		given := slices.Clone(c.given)
		if got := f.Expand(c.given); !slices.Equal(got, c.want) {
			t.Errorf("%q gives %q, want %q", c.given, got, c.want)
		}
		if !slices.Equal(given, c.given) {
			t.Errorf("the given scopes became %q", c.given)
		}
	}
}

// TestScopesOfNobodyImplyNothing: without scopes: nothing stands for anything.
func TestScopesOfNobodyImplyNothing(t *testing.T) {
	f := scopesOf(t, "rules:\n  - {tool: \"a/b\", effect: read, scope: base}\n")
	if got := f.Expand([]string{"all"}); !slices.Equal(got, []string{"all"}) {
		t.Errorf("%q", got)
	}
}
