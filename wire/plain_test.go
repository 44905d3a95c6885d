package wire

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestPlain compares each place with what stands there.
func TestPlain(t *testing.T) {
	ends := func(c byte) bool { return c < ' ' || c == '"' || c == '\\' }
	const usual = "a !#[]\x7f\x80\xff\xa2\xdc"
	r := rand.New(rand.NewPCG(1, 7))
	for range 2000 {
		b := []byte(strings.Repeat("x", r.IntN(80)))
		for i := range b {
			b[i] = byte(r.IntN(256))
			if r.IntN(20) > 0 {
				b[i] = usual[r.IntN(len(usual))]
			}
		}
		for i := range len(b) + 1 {
			want := i
			for want < len(b) && !ends(b[want]) {
				want++
			}
			if got := Plain(b, i); got != want {
				t.Fatalf("from %d in %q: %d, want %d", i, b, got, want)
			}
		}
	}
	for c := range 256 { // at each place of what is looked at at once
		for at := range 70 {
			b := []byte(strings.Repeat("x", 70))
			b[at] = byte(c)
			want := len(b)
			if ends(byte(c)) {
				want = at
			}
			if got := Plain(b, 0); got != want {
				t.Fatalf("byte %#x at %d: %d", c, at, got)
			}
		}
	}
}
