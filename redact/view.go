package redact

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxViews is how many encodings may lie upon each other in a text.
const maxViews = 2

// A view is a text with one encoding undone: in what a URL or a JSON text within
// a string holds, a secret may be written in very many ways.
type view struct {
	mark   byte // only texts that hold it look different; 0 if there is no such byte
	decode func(dst []byte, s string) ([]byte, int)
}

func views() [2]view {
	return [2]view{{'%', percentOne}, {'\\', escapeOne}}
}

// scanViews looks for known secrets in the views of s, each also without what is hidden
// in it.
func (x *index) scanViews(spans []span, s string, depth int) []span {
	spans = x.undone(spans, s, depth)
	if lookAt(s, false)&lookHidden == 0 {
		return spans
	}
	b, _ := visible(nil, s)
	seen := borrow(b) // once: bytes that are no UTF-8 may hide something again in what is left
	found := x.undone(x.scan(nil, seen, x.deep), seen, depth)
	return append(spans, view{0, visibleOne}.source(s, merge(found))...)
}

// undone looks for them in what s decodes to.
func (x *index) undone(spans []span, s string, depth int) []span {
	if depth == 0 {
		return spans
	}
	for _, v := range views() {
		if strings.IndexByte(s, v.mark) < 0 {
			continue
		}
		decoded, changed := v.undo(uncleared(len(s)), s)
		if len(changed) == 0 {
			continue
		}
		inside := borrow(decoded)
		found := x.scan(nil, inside, x.deep)
		found = x.scanViews(found, inside, depth-1)
		spans = append(spans, v.source(s, merge(found))...)
	}
	return spans
}

// source maps spans of the view, which are merged, to the places in s that they
// come from. It decodes again instead of keeping a table for every text.
func (v view) source(s string, found []span) []span {
	if len(found) == 0 {
		return nil
	}
	var buf [utf8.UTFMax]byte
	out := make([]span, 0, len(found))
	at, open := 0, false
	for i := 0; i < len(s) && len(found) > 0; {
		piece, used := v.decode(buf[:0], s[i:])
		if !open && at+len(piece) > found[0].start {
			out = append(out, span{start: i, rule: found[0].rule})
			open = true
		}
		at += len(piece)
		i += used
		if open && at >= found[0].end {
			out[len(out)-1].end = i
			found, open = found[1:], false
			if len(found) > 0 && at > found[0].start { // both lie in one piece
				out = append(out, span{start: i - used, rule: found[0].rule})
				open = true
			}
		}
	}
	return out
}

// percentOne decodes what s begins with: %XX, or one byte as it is.
func percentOne(dst []byte, s string) ([]byte, int) {
	if s[0] == '%' && len(s) >= 3 {
		if n, ok := hexValue(s[1:3]); ok {
			return append(dst, byte(n)), 3
		}
	}
	return append(dst, s[0]), 1
}

// escapeOne decodes what s begins with: one of JSON's escapes, or one byte as it
// is. A lone surrogate becomes U+FFFD.
func escapeOne(dst []byte, s string) ([]byte, int) {
	if s[0] != '\\' || len(s) < 2 {
		return append(dst, s[0]), 1
	}
	switch c := s[1]; c {
	case '"', '\\', '/':
		return append(dst, c), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		if r, ok := unit(s); ok {
			if low, ok := unit(s[6:]); ok && utf16.IsSurrogate(r) {
				if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
					return utf8.AppendRune(dst, both), 12
				}
			}
			return utf8.AppendRune(dst, r), 6
		}
	}
	return append(dst, s[0]), 1
}

// unit reads \uXXXX.
func unit(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, ok := hexValue(s[2:6])
	return rune(n), ok
}

func hexValue(s string) (n uint32, ok bool) {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = (c | 0x20) - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | uint32(c)
	}
	return n, true
}

// unescape undoes JSON's escapes in the inside of a string.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		var used int
		out, used = escapeOne(out, s[i:])
		i += used
	}
	return string(out)
}
