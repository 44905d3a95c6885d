package untrusted

import (
	"strings"
	"unicode/utf8"
)

// Words begin a fence, each behind an opener. What looks like one inside of a text
// is made harmless whatever follows it.
const (
	wordUntrusted = "untrusted"
	wordContent   = "usercontent"
	wordEnd       = "enduntrusted"
)

// openers are what a fence begins with, and what looks like it.
const openers = "<[＜［‹〈⟨〈《«❮⟪﹤˂ᐸ"

// sealed is a text in which nothing looks like a fence: a backslash stands behind
// what opens one. Case, spaces, slashes and letters that only look alike make no
// difference. To repeat it changes nothing.
func sealed(s string) string {
	var b strings.Builder
	done := 0
	for at := 0; at < len(s); {
		size := opener(s[at:])
		if size == 0 {
			at++
			continue
		}
		if at += size; opens(s[at:]) {
			b.WriteString(s[done:at])
			b.WriteByte('\\')
			done = at
		}
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// opener is how many bytes an opener has with which a text begins, 0 if it begins with
// none.
func opener(s string) int {
	switch c := s[0]; {
	case c == '<' || c == '[':
		return 1
	case c < 0xc2, c > 0xc2 && c < 0xcb, c > 0xcb && c < 0xe1, c > 0xe3 && c != 0xef:
		return 0
	}
	r, size := utf8.DecodeRuneInString(s)
	if !strings.ContainsRune(openers, r) {
		return 0
	}
	return size
}

// openerIn is opener for what is beyond ASCII.
func openerIn(b []byte) int {
	if r, size := utf8.DecodeRune(b); strings.ContainsRune(openers, r) {
		return size
	}
	return 0
}

// opens reports whether what stands behind an opener is the name of a fence. It
// looks no further than the next opener, so that all of a text is looked at once.
func opens(s string) bool {
	if s != "" && s[0] == '\\' {
		return false // is sealed
	}
	var n name
	for _, r := range s {
		if r == '<' || r == '[' || r >= utf8.RuneSelf && strings.ContainsRune(openers, r) {
			return false
		}
		if c := folded(r); c != 0 {
			if whole, begun := n.add(c); whole || !begun {
				return whole
			}
		}
	}
	return false
}

// opensRaw is opens for what stands behind an opener in a raw JSON string, which
// ends with its quotation mark.
func opensRaw(raw []byte) bool {
	if len(raw) > 1 && raw[0] == '\\' && raw[1] == '\\' {
		return false
	}
	var n name
	for i := 0; i < len(raw); {
		c, size := rune(raw[i]), 1
		switch {
		case c == '"':
			return false
		case c == '\\': // and what it makes, which is a space, a quote or a slash
			i += 2
			continue
		case c >= utf8.RuneSelf:
			if c, size = utf8.DecodeRune(raw[i:]); strings.ContainsRune(openers, c) {
				return false
			}
		case c == '<' || c == '[':
			return false
		case c >= 'a' && c <= 'z' && n.word == "" && c != 'u' && c != 'e': // as nearly always
			return false
		}
		if l := folded(c); l != 0 {
			if whole, begun := n.add(l); whole || !begun {
				return whole
			}
		}
		i += size
	}
	return false
}

// name is how much of which word has been read.
type name struct {
	word string
	read int
}

// add reads a letter. whole says that it ends a word, begun that it goes on in one.
func (n *name) add(c byte) (whole, begun bool) {
	if n.word == "" || n.read == 1 && n.word == wordUntrusted && c == wordContent[1] {
		switch {
		case n.read == 1:
			n.word = wordContent
		case c == wordUntrusted[0]:
			n.word = wordUntrusted
		case c == wordEnd[0]:
			n.word = wordEnd
		default:
			return false, false
		}
	}
	if n.word[n.read] != c {
		return false, false
	}
	n.read++
	return n.read == len(n.word), true
}

// folded is the letter that a character is read as; 0 is passed over: spaces, slashes,
// backslashes, signs, marks and what hides. Any other character is '?'.
func folded(r rune) byte {
	switch {
	case r >= 'a' && r <= 'z':
		return byte(r)
	case r >= 'A' && r <= 'Z':
		return byte(r) + 'a' - 'A'
	case r >= '0' && r <= '9':
		return '?'
	case r < utf8.RuneSelf:
		return 0
	case r >= 0xff21 && r <= 0xff3a: // wide
		return byte(r-0xff21) + 'a'
	case r >= 0xff41 && r <= 0xff5a:
		return byte(r-0xff41) + 'a'
	case r >= 0x1d400 && r <= 0x1d6a3: // mathematical
		return byte((r-0x1d400)%26) + 'a'
	case r >= 0x24b6 && r <= 0x24e9: // in circles
		return byte((r-0x24b6)%26) + 'a'
	}
	if r < 0x1000 || r >= 0xa730 && r < 0xa732 {
		for _, like := range [...]string{
			"uùúûüūŭůűųսυцμµư", "nñńņňոռпη", "tţťŧтτ", "rŕŗřгԻ", "sśŝşšѕꜱ", "eèéêëēĕėęěеєҽ", "dďđԁժ", "cçćĉċčсϲ", "oòóôõöøōŏőоοօơ", "iìíîïĩīĭįıіιӏ",
		} {
			if strings.ContainsRune(like, r) {
				return like[0]
			}
		}
	}
	if r >= 0x80 && r < 0xc0 || r >= 0x300 && r < 0x370 || r >= 0x2000 && r < 0x2c00 || r >= 0x3000 && r < 0x3041 || r >= 0xfe00 {
		return 0
	}
	return '?'
}
