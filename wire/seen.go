package wire

import (
	"encoding/binary"
	"math/bits"
)

// Seen is what a walk notices of a literal in passing: who looks for something that
// needs one of these need not look where it is missing.
type Seen uint8

// What a walk notices.
const (
	SeenEscape  Seen = 1 << iota // a backslash
	SeenNested                   // an escaped one before u, /, \" or another escaped one: an escape of a text within, perhaps
	SeenRare                     // an escape that is not \n, \t, \" or \\
	SeenOther                    // a byte that is no printable ASCII
	SeenPercent                  // a percent sign; only a walk that decodes looks for it
)

// escapes is what is seen where a backslash stands before a byte.
var escapes = func() (t [256]Seen) {
	for i := range t {
		t[i] = SeenEscape | SeenRare
	}
	t['n'], t['t'], t['"'], t['\\'] = SeenEscape, SeenEscape, SeenEscape, SeenEscape
	return t
}()

// nested is what an escaped backslash at i tells.
func nested(b []byte, i int) Seen {
	if i+3 < len(b) { // the literal goes on, or it is not one
		switch b[i+2] {
		case 'u', '/':
			return SeenNested
		case '\\':
			if b[i+3] == '"' || b[i+3] == '\\' {
				return SeenNested
			}
		}
	}
	return 0
}

// literalEnd returns where the literal ends whose inside begins at from, closing
// quotation mark included, and what stands in it; -1 if it does not end.
func literalEnd(b []byte, from int) (end int, seen Seen) {
	var other uint64 // whose highest bits say that there was one
	i := from
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, back := w^'"'*ones, w^'\\'*ones
		found := ((quote-ones)&^quote | (back-ones)&^back) & highs
		beyond := w | (w - ' '*ones) | (w + ones)
		if found == 0 {
			other |= beyond
			i += 8
			continue
		}
		k := bits.TrailingZeros64(found) & 0x38 // the first that is found is one
		other |= beyond & (1<<k - 1)
		i += k / 8
		if b[i] == '"' {
			if other&highs != 0 {
				seen |= SeenOther
			}
			return i + 1, seen
		}
		if i+1 < len(b) {
			if seen |= escapes[b[i+1]]; b[i+1] == '\\' {
				seen |= nested(b, i)
			}
		}
		i += 2
	}
	if other&highs != 0 {
		seen |= SeenOther
	}
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, seen
		case c == '\\':
			if i++; i < len(b) {
				if seen |= escapes[b[i]]; b[i] == '\\' {
					seen |= nested(b, i-1)
				}
			}
		case c < ' ' || c >= 0x7f:
			seen |= SeenOther
		}
	}
	return -1, 0
}
