package wire

import (
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
	b = append(slices.Grow(b, len(s)+len(s)/16+2), '"')
	from := 0
	for i := 0; i < len(s); {
		if i+8 <= len(s) {
			w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
				uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
			quote, back := w^'"'*ones, w^'\\'*ones
			found := ((quote-ones)&^quote | (back-ones)&^back | (w-' '*ones)&^w) & highs
			if found == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(found) / 8 // the first that is found is one
		}
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(append(b, s[from:i]...), '\\', c)
		case c < ' ':
			b = appendControl(append(b, s[from:i]...), c)
		default:
			i++
			continue
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// appendControl appends the escape of a control character (RFC 8785, section 3.2.2.2).
func appendControl(b []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	if n := strings.IndexByte("\b\t\n\f\r", c); n >= 0 {
		return append(b, '\\', "btnfr"[n])
	}
	return append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}
