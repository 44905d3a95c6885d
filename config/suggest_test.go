package config

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"tool", "resource", "method", "effect", "approve", "when", "pass_env", "dangerously_unapproved"}
	for got, want := range map[string]string{
		"aprove": "approve", "tools": "tool", "Tool": "tool", "effcet": "effect", "wehn": "when", "pass-env": "pass_env",
		"passEnv": "pass_env", "ressource": "resource", "x": "", "colour": "", "": "", "approval": "approve",
	} {
		if n := nearest(got, known); n != want {
			t.Errorf("%q: %q, want %q", got, n, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		n    int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"grün", "grun", 1}, {"abc", "abc", 0}} {
		if n := distance(c.a, c.b); n != c.n {
			t.Errorf("%q %q: %d, want %d", c.a, c.b, n, c.n)
		}
	}
}
