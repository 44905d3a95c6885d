package auth

import (
	"testing"
	"time"
)

// What lasts is told when its token ends; a token that does not count, and one that
// was read from memory, say the same as before.
func TestEnds(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	token := w.sign(k, w.claims(nil), nil)
	for range 2 { // the second is remembered
		if got, want := w.door.Ends(request(token)), w.clock().Add(5*time.Minute); !got.Equal(want) {
			t.Errorf("it ends at %s, want %s", got, want)
		}
	}
	if got := w.door.Ends(request(token + "x")); !got.IsZero() {
		t.Errorf("a token of nobody ends at %s", got)
	}
}
