package redact

import (
	"strings"
	"unicode/utf8"
)

// hiddenAt reports how many bytes at i are a character that nobody sees and that may
// stand within a secret to hide it: 0 if what is there can be seen. What is not UTF-8
// is seen.
func hiddenAt(s string, i int) int {
	c := s[i]
	if c < 0x80 {
		switch {
		case c == 0x1b:
			return ansiAt(s, i)
		case c == '\r':
			if i+1 < len(s) && s[i+1] != '\n' {
				return 1 // it ends no line, but goes back to the begin of one
			}
			return 0
		case c < ' ' && c != '\t' && c != '\n' || c == 0x7f:
			return 1
		}
		return 0
	}
	if c < 0xc2 {
		return 0
	}
	if r, n := utf8.DecodeRuneInString(s[i:]); isHidden(r) {
		return n
	}
	return 0
}

// ansiAt is how long the escape sequence of a terminal is that begins at i (ECMA-48,
// section 5.4); of another sequence only the escape is hidden.
func ansiAt(s string, i int) int {
	if i+1 >= len(s) || s[i+1] != '[' {
		return 1
	}
	for j := i + 2; j < len(s) && j < i+32; j++ {
		switch c := s[j]; {
		case c >= 0x40 && c <= 0x7e:
			return j + 1 - i
		case c < 0x20 || c > 0x7e:
			return 1
		}
	}
	return 1
}

// strings of a terminal begin with an escape and one of these (ECMA-48, sections 5.6 and
// 8.3), and end at a bell or at an escape and a backslash.
const stringBegins = "]P_^X"

// stringOne is the step of the view without the strings of a terminal. It goes no
// further than to the next escape, so that each byte is looked at twice at most.
func stringOne(dst []byte, s string) ([]byte, int) {
	if s[0] != 0x1b || len(s) < 2 || strings.IndexByte(stringBegins, s[1]) < 0 {
		return append(dst, s[0]), 1
	}
	for i := 2; i < len(s); i++ {
		switch s[i] {
		case 0x07:
			return dst, i + 1
		case 0x1b:
			if i+1 < len(s) && s[i+1] == '\\' {
				return dst, i + 2
			}
			return append(dst, s[0]), 1
		}
	}
	return append(dst, s[0]), 1
}

// isHidden reports characters that take no room or look like nothing: zero-width and
// joining ones, directions, tags, variation selectors, fillers, controls, separators of
// lines, signs before numbers, and what is no character, or one in private use that no
// font has. What untrusted shows as hidden MUST be hidden here too.
func isHidden(r rune) bool {
	switch {
	case r < ' ':
		return r != '\t' && r != '\n' && r != '\r'
	case r < 0x7f:
		return false
	case r <= 0x9f, r == 0xad, r == 0x34f, r >= 0x600 && r <= 0x605, r == 0x61c, r == 0x6dd, r == 0x70f,
		r == 0x890, r == 0x891, r == 0x8e2, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5,
		r >= 0x180b && r <= 0x180f, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f,
		r == 0x2800, r == 0x3164, r >= 0xfe00 && r <= 0xfe0f, r == 0xfeff, r >= 0xfdd0 && r <= 0xfdef, r&0xfffe == 0xfffe, r == 0xffa0, r >= 0xfff0 && r <= 0xfffb,
		r == 0x110bd, r == 0x110cd, r >= 0x13430 && r <= 0x1343f, r >= 0x1bca0 && r <= 0x1bca3, r == 0x1d159, r >= 0x1d173 && r <= 0x1d17a, r >= 0xe0000 && r <= 0xe0fff, r >= 0xf0000:
		return true
	}
	return false
}

// visibleOne is the step of the view without what is hidden.
func visibleOne(dst []byte, s string) ([]byte, int) {
	if n := hiddenAt(s, 0); n > 0 {
		return dst, n
	}
	_, n := utf8.DecodeRuneInString(s)
	return append(dst, s[:n]...), n
}
