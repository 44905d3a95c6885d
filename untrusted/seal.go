package untrusted

import (
	"bytes"
	"math/bits"
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

// isOpener reports whether a fence begins with a character, or with one that looks
// like it.
func isOpener(r rune) bool {
	switch r {
	case '<', '＜', '﹤', '‹', '«', '\u2329', '〈', '《', '⟨', '⟪', '❬', '❮', '❰', '⦑', '⧼', '˂', 'ᐸ', '≪', '≮', '⋖',
		'[', '［', '⁅', '⟦', '【', '〔', '〚':
		return true
	}
	return false
}

// sealed is a text in which nothing looks like a fence: a backslash stands behind
// what opens one. Case, spaces, slashes and letters that only look alike make no
// difference. To repeat it changes nothing.
func sealed(s string) string {
	var b strings.Builder
	done := 0
	for at := nextOpener(s, 0); at < len(s); at = nextOpener(s, at) {
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

// nextOpener is the first place from i on at which an opener may stand: at <, [, & or what
// is not ASCII, and somewhere behind the last eight bytes that hold none of them.
func nextOpener(s string, i int) int {
	for i+8 <= len(s) {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		less, open, and := w^'<'*ones, w^'['*ones, w^'&'*ones
		found := ((less-ones)&^less | (open-ones)&^open | (and-ones)&^and | w) & highs
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8 // the first that is found is one
		}
		i += 8
	}
	return i
}

// opener is how many bytes an opener has with which a text begins, 0 if it begins with
// none.
func opener(s string) int {
	switch c := s[0]; {
	case c == '<' || c == '[':
		return 1
	case c == '&':
		if r, size := entity(s); isOpener(r) {
			return size
		}
		return 0
	case c < 0xc2, c > 0xc2 && c < 0xcb, c > 0xcb && c < 0xe1, c > 0xe3 && c != 0xef:
		return 0
	}
	if r, size := utf8.DecodeRuneInString(s); isOpener(r) {
		return size
	}
	return 0
}

// openerIn is opener for what is beyond ASCII.
func openerIn(b []byte) int {
	if r, size := utf8.DecodeRune(b); isOpener(r) {
		return size
	}
	return 0
}

// entityFence is the length of the shortest fence of those: &ltuntrusted.
const entityFence = 3 + len(wordUntrusted)

// entityOpens reports whether a fence begins with an opener that is written as HTML
// does.
func entityOpens(text []byte) bool {
	for at := bytes.IndexByte(text, '&'); at >= 0; {
		r, size := entity(text[at:])
		at += max(size, 1)
		if isOpener(r) && opens(text[at:]) {
			return true
		}
		next := bytes.IndexByte(text[at:], '&')
		if next < 0 {
			return false
		}
		at += next
	}
	return false
}

// opens reports whether what stands behind an opener is the name of a fence. It
// looks no further than the next opener, so that all of a text is looked at once.
func opens[S string | []byte](s S) bool {
	if len(s) > 0 && s[0] == '\\' {
		return false // is sealed
	}
	var n name
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r == '&' {
			if of, long := entity(s[i:]); long > 0 {
				r, size = of, long
			}
		} else if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		}
		if isOpener(r) {
			return false
		}
		if c := folded(r); c != 0 {
			if whole, begun := n.add(c); whole || !begun {
				return whole
			}
		}
		i += size
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
			c, size = utf8.DecodeRune(raw[i:])
		case c == '&':
			if of, long := entity(raw[i:]); long > 0 {
				c, size = of, long
			}
		case c >= 'a' && c <= 'z' && n.word == "" && c != 'u' && c != 'e': // as nearly always
			return false
		}
		if isOpener(c) {
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
