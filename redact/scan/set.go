package scan

import (
	"regexp/syntax"
	"strings"
)

// set is a set of bytes. All bytes from 0x80 on are in it or none: what is searched
// for is ASCII, and a class that takes other letters takes their bytes.
type set [256]bool

func (s *set) add(low, high byte) {
	for c := int(low); c <= int(high); c++ {
		s[c] = true
	}
}

func (s *set) meets(other *set) bool {
	for c := range s {
		if s[c] && other[c] {
			return true
		}
	}
	return false
}

func (s *set) join(other *set) {
	for c := range s {
		s[c] = s[c] || other[c]
	}
}

// The two characters outside of ASCII that fold to letters of it come with every
// class that ignores case, and mean nothing.
const (
	longS  = 0x17f
	kelvin = 0x212a
)

// classOf is the set of what matches one character: a class, a dot, a letter of a
// literal; false if re matches anything else.
func classOf(re *syntax.Regexp) (*set, bool) {
	s := &set{}
	switch re.Op {
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			low, high := re.Rune[i], re.Rune[i+1]
			if low < 0x80 {
				s.add(byte(low), byte(min(high, 0x7f)))
			}
			if high >= 0x80 && (low != high || low != longS && low != kelvin) {
				s.add(0x80, 0xff)
			}
		}
		return s, true
	case syntax.OpAnyChar:
		s.add(0, 0xff)
		return s, true
	case syntax.OpAnyCharNotNL:
		s.add(0, 0xff)
		s['\n'] = false
		return s, true
	case syntax.OpLiteral:
		if len(re.Rune) != 1 || re.Rune[0] >= 0x80 {
			return nil, false
		}
		c := byte(re.Rune[0])
		s[c] = true
		if re.Flags&syntax.FoldCase != 0 {
			s[lower(c)], s[upper(c)] = true, true
		}
		return s, true
	case syntax.OpCapture:
		return nil, false
	}
	return nil, false
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c + 'A' - 'a'
	}
	return c
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
}

// The sets of the searches by hand. Nothing changes them.
var (
	wordBytes   = setOf(isWord)
	tokenBytes  = setOf(isToken)
	base64Bytes = setOf(isBase64)
	bearerBytes = setOf(func(c byte) bool { return isToken(c) || strings.IndexByte(".~+/=", c) >= 0 })
	// What may stand in the authority of a URL, in a member of a connection string,
	// in a password that is one word, in a header.
	urlBytes      = setOf(func(c byte) bool { return c > ' ' && strings.IndexByte("/?#\"<>\\`", c) < 0 })
	memberBytes   = setOf(func(c byte) bool { return c > ' ' && strings.IndexByte(";&\"'`<>\\", c) < 0 })
	passwordBytes = setOf(func(c byte) bool { return c > ' ' && c < 0x7f && strings.IndexByte("\"'`,;<>(){}[]\\", c) < 0 })
	headerBytes   = setOf(func(c byte) bool { return c >= ' ' && strings.IndexByte("\"'\\", c) < 0 })
	openBytes     = setOf(func(c byte) bool { return strings.IndexByte(" \"'[", c) >= 0 })
)

func setOf(kind func(byte) bool) *set {
	s := &set{}
	for c := range s {
		s[c] = kind(byte(c))
	}
	return s
}
