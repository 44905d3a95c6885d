package scan

import "testing"

func TestFind(t *testing.T) {
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, rule, secret string }{
		{"x ghp_" + "0123456789abcdefABCDEF0123456789abcd y", "github-pat", "ghp_0123456789abcdefABCDEF0123456789abcd"},
		{`"adafruit_token": "t0v_ewo_ihz-hln494m15gz6i11gsl-3"`, "adafruit-api-key", "t0v_ewo_ihz-hln494m15gz6i11gsl-3"},
		{"postgres://app:hunter2@db/x", "url-password", "hunter2"},
		{"nothing to see", "", ""},
	} {
		found := e.Find(nil, c.text)
		if c.rule == "" {
			if len(found) > 0 {
				t.Errorf("%q: got %v, want nothing", c.text, found)
			}
			continue
		}
		if len(found) != 1 || found[0].Rule != c.rule || c.text[found[0].Start:found[0].End] != c.secret {
			t.Errorf("%q: got %v, want %s", c.text, found, c.rule)
		}
	}
}
