package redact

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestCandidate has no place passed over at which something may begin, and none told at
// which nothing does but by chance of the hash.
func TestCandidate(t *testing.T) {
	x := newIndex(shapes())
	x.add("correct horse")
	begins := map[uint32]bool{}
	for k := range x.known {
		begins[k] = true
	}
	for _, s := range shapes() {
		begins[three(s.prefix)] = true
	}
	words := []string{"sk-", "ghp_", "://", "Bearer ", "eyJ", "cor", "ct ", "orse", "e", "-", "sk", "\x00\xff", "plain words of a text"}
	r := rand.New(rand.NewPCG(3, 1))
	for range 2000 {
		var b strings.Builder
		for range r.IntN(8) {
			b.WriteString(words[r.IntN(len(words))])
		}
		s := b.String()
		for i := range len(s) + 1 {
			want := i
			for want+2 < len(s) && !begins[three(s[want:])] {
				want++
			}
			got := x.candidate(s, i)
			if got > want && want+2 < len(s) || got < i || got > len(s) {
				t.Fatalf("from %d in %q: %d, want %d", i, s, got, want)
			}
			if got < len(s) && x.bits.bit(hash3(three(s[got:]))) == 0 {
				t.Fatalf("from %d in %q: nothing begins at %d", i, s, got)
			}
		}
	}
}
