package wire

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// appendString appends s as a JSON string; each row of bytes that are no UTF-8 becomes
// U+FFFD. What stands for itself is passed over eight bytes at once where it is ASCII.
func appendString(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b = append(slices.Grow(b, len(s)+len(s)/16+2+quoteRoom), '"')
	n, out, i := len(b), b[:cap(b)], 0
	for i+8 <= len(s) {
		if n+quoteRoom > len(out) {
			out = slices.Grow(out[:n], len(s)-i+quoteRoom)
			out = out[:cap(out)]
		}
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		binary.LittleEndian.PutUint64(out[n:], w)
		quote, back := w^'"'*ones, w^'\\'*ones
		found := ((quote-ones)&^quote | (back-ones)&^back | (w-' '*ones)&^w) & highs
		if found == 0 {
			i, n = i+8, n+8
			continue
		}
		k := bits.TrailingZeros64(found) / 8 // the first that is found is one
		n += appendedEscape(out[n+k:], s[i+k]) + k
		i += k + 1
	}
	for b = out[:n]; i < len(s); i++ {
		var escape [6]byte
		b = append(b, escape[:appendedEscape(escape[:], s[i])]...)
	}
	return append(b, '"')
}

// quoteRoom is at least what eight bytes become of which the last is escaped.
const quoteRoom = 16

// appendedEscape writes what stands for a byte to out and returns how long that is
// (RFC 8785, section 3.2.2.2).
func appendedEscape(out []byte, c byte) int {
	const digits = "0123456789abcdef"
	switch {
	case shortened[c] != 0:
		out[0], out[1] = '\\', shortened[c]
		return 2
	case c < ' ':
		return copy(out, []byte{'\\', 'u', '0', '0', digits[c>>4], digits[c&15]})
	}
	out[0] = c
	return 1
}

// shortened is the letter behind the backslash that stands for a byte; 0 is none. It is
// never written to.
var shortened = [256]byte{'"': '"', '\\': '\\', '\n': 'n', '\t': 't', '\r': 'r', '\b': 'b', '\f': 'f'}
