package config

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/redact"
)

// TestTheCleaner: what is known goes as a whole before the rules, of which some stay;
// what only the name of a parameter tells goes behind them.
func TestTheCleaner(t *testing.T) {
	const token = "ghp_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"
	known, err := redact.New(redact.Options{Known: []string{token + "/and its rest"}})
	if err != nil {
		t.Fatal(err)
	}
	f := parsed(t, "empty.yaml")
	engine, err := f.Redact.engine()
	if err != nil {
		t.Fatal(err)
	}
	c := f.Redact.cleaner(engine, known)
	for text, want := range map[string]string{
		token + "/and its rest":               "[REDACTED:known]",
		token + "/and another":                "[REDACTED:github-pat]/and another",
		"https://a.example/?token=name-tells": "https://a.example/?token=[REDACTED:key]",
		"nothing":                             "nothing",
	} {
		for _, before := range []string{"", strings.Repeat("x", 6000) + " "} {
			text, want := before+text+"\nmore", before+want+"\nmore"
			got := []byte(text)
			for _, s := range c.Streams() {
				got = s.Close(s.Write(nil, got))
			}
			if string(got) != want {
				t.Errorf("%s\nwant %s", got[len(before):], want[len(before):])
			}
		}
	}
}
