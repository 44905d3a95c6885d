package scan

import (
	"fmt"
	"strings"
	"testing"
)

// TestWordsOfManyBytes has keywords with more different bytes than a row is usually
// long.
func TestWordsOfManyBytes(t *testing.T) {
	var many []string
	for r := rune(0x3b1); r < 0x3b1+600; r += 3 {
		many = append(many, string([]rune{r, r + 1, r + 2}))
	}
	e, err := New(Options{Extra: []Rule{{ID: "odd", Regex: `[0-9]{6}#`, Keywords: append(many, "odd-")}}})
	if err != nil {
		t.Fatal(err)
	}
	if e.words.shift == rowBits {
		t.Fatal("there are not more bytes than usual")
	}
	for at := 0; at < 2*block; at += 97 {
		text := rep(".", at) + "odd-123456#" + rep(".", 3*block-at)
		if found := e.Find(nil, text); len(found) != 1 || found[0] != (Finding{"odd", at + 4, at + 11}) {
			t.Fatalf("at %d: %v", at, found)
		}
	}
}

// TestTooManyWords are refused when the rules are loaded.
func TestTooManyWords(t *testing.T) {
	var words []string
	for i := range 4000 {
		words = append(words, fmt.Sprintf("%05d%s", i*7919%100003, rep("w", 20)))
	}
	_, err := New(Options{Extra: []Rule{{ID: "odd", Regex: `[0-9]{6}#`, Keywords: append(words, "odd-")}}})
	if err == nil || !strings.Contains(err.Error(), "too many keywords") {
		t.Errorf("got %v", err)
	}
}
