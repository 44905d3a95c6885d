package redact

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf16"

	"github.com/ostiary/ostiary/internal/swar"
	"github.com/ostiary/ostiary/wire"
)

// look is what in a text may keep a word of a rule from being found as it stands.
type look uint8

const (
	lookEscaped look = 1 << iota // an escape of the literal itself stands for ASCII
	lookHidden                   // a hidden character
	lookPercent                  // a percent sign with two hexadecimal digits
	lookNested                   // an escape of a literal within the text
)

// lookInside is lookAt for the inside of a whole literal in which a walk that decoded it
// saw something: mostly there is no need to look.
func lookInside(s string, seen wire.Seen) (l look) {
	if seen&wire.SeenRare != 0 {
		return lookAt(s, true)
	}
	if seen&wire.SeenNested != 0 {
		l = lookNested
	}
	if seen&wire.SeenOther != 0 && hides(s) {
		l |= lookHidden
	}
	if seen&wire.SeenPercent == 0 {
		return l
	}
	for n := strings.IndexByte(s, '%'); n >= 0; n = strings.IndexByte(s, '%') {
		if n+2 < len(s) {
			if _, ok := hexValue(s[n+1 : n+3]); ok {
				return l | lookPercent
			}
		}
		s = s[n+1:]
	}
	return l
}

// hides reports whether there is a hidden character in what has no escapes.
func hides(s string) bool {
	for i := swar.NextOdd(s, 0); i < len(s); i = swar.NextOdd(s, i) {
		n := plainAt(s, i)
		if n == 0 {
			if hiddenAt(s, i) > 0 {
				return true
			}
			n = 1
		}
		i += n
	}
	return false
}

// plainAt is how long a character is that begins at i with a byte behind which nothing
// hides, 0 if it may be another.
func plainAt(s string, i int) int {
	c := s[i]
	switch {
	case c >= 0xe4 && c <= 0xee && i+2 < len(s) && s[i+1]&s[i+2]&0xc0 == 0x80:
		return 3 // ideographs and syllables
	case c >= 0xc3 && c <= 0xcc && i+1 < len(s) && s[i+1]&0xc0 == 0x80:
		return 2 // letters
	}
	return 0
}

const ones, highs = swar.Ones, swar.Highs

// lookAt goes over a text, eight bytes at once where nothing is to be seen. literal
// says that it is the inside of a JSON literal, where a backslash is an escape.
func lookAt(s string, literal bool) (l look) {
	raw := lend(s)
	for i := 0; i < len(s); {
		if i+8 <= len(s) {
			w := binary.LittleEndian.Uint64(raw[i:])
			back, percent := w^'\\'*ones, w^'%'*ones
			found := swar.Odd(w) | ((back-ones)&^back|(percent-ones)&^percent)&highs
			if found == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(found) / 8 // the first that is found is one
		}
		switch c := s[i]; {
		case c == '\n' || c == '\t':
			i++
		case c == '\\' && literal && i+1 < len(s) && (s[i+1] == 'n' || s[i+1] == '"' || s[i+1] == 't'):
			i += 2
		case c == '\\':
			n, seen := lookEscape(s, i, literal)
			l |= seen
			i += n
		case c == '%':
			if i+2 < len(s) {
				if _, ok := hexValue(s[i+1 : i+3]); ok {
					l |= lookPercent
				}
			}
			i++
		case c >= 0x80 || c < ' ' || c == 0x7f:
			n := plainAt(s, i)
			if n == 0 {
				if hiddenAt(s, i) > 0 {
					l |= lookHidden
				}
				n = 1
			}
			i += n
		default:
			i++
		}
	}
	return l
}

// lookEscape says what the escape at i hides, and how long it is. Within a literal
// two backslashes are one of the text.
func lookEscape(s string, i int, literal bool) (n int, l look) {
	if i+1 >= len(s) {
		return 1, 0
	}
	c := s[i+1]
	if !literal {
		switch c {
		case 'u', '/', '"':
			return 2, lookNested
		case '\\':
			if i+2 < len(s) && strings.IndexByte(`u/"\`, s[i+2]) >= 0 {
				return 2, lookNested // of a text in the text within
			}
			return 2, 0
		}
		return 1, 0
	}
	switch c {
	case 'u':
		r, ok := unit(s[i:])
		if low, both := unit(s[min(i+6, len(s)):]); ok && both && utf16.IsSurrogate(r) {
			if isHidden(utf16.DecodeRune(r, low)) {
				return 12, lookHidden
			}
			return 6, 0
		}
		switch {
		case !ok:
			return 2, 0
		case r == '\r':
			return 6, lookEscaped | lookHidden
		case r < 0x80 && !isHidden(r):
			return 6, lookEscaped
		case isHidden(r):
			return 6, lookHidden
		}
		return 6, 0
	case '/':
		return 2, lookEscaped
	case 'r':
		if strings.HasPrefix(s[i+2:], `\n`) {
			return 4, 0
		}
		return 2, lookHidden
	case 'b', 'f':
		return 2, lookHidden
	case '\\':
		if i+2 < len(s) {
			switch next := s[i+2]; {
			case next == 'u' || next == '/':
				return 2, lookNested
			case next == '\\' && i+3 < len(s) && (s[i+3] == '"' || s[i+3] == '\\'):
				return 2, lookNested // \" or \\ within the text
			}
		}
	}
	return 2, 0
}
