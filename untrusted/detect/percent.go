package detect

import (
	"bytes"
	"slices"
)

// percents finds what is written as addresses write it, with %20 between words, and
// reads that. Only one layer is taken off.
func (s *scan) percents(v *view) {
	text := v.text
	for i, done := 0, 0; ; {
		next := bytes.IndexByte(text[i:], '%')
		if next < 0 {
			return
		}
		if i += next; !bytes.HasPrefix(text[i:], []byte("%20")) {
			i++
			continue
		}
		from, to := i, i
		for from > done && encodedByte(text[from-1]) {
			from--
		}
		for to < len(text) && encodedByte(text[to]) {
			to++
		}
		s.decoded = decodePercents(slices.Grow(s.decoded[:0], to-from), text[from:to])
		if readable(s.decoded) {
			s.within(s.decoded, v, from, to)
		}
		i, done = to, to
	}
}

// encodedByte reports whether an address may have a byte.
func encodedByte(c byte) bool {
	switch c {
	case '"', '<', '>', '`', '\\', '|', '^', '{', '}':
		return false
	}
	return c > ' ' && c < 0x7f
}

// decodePercents appends what a part of an address means (RFC 3986, section 2.1), where
// + is a space as in forms, and what parts the address begins a line, so that its
// parts are read as words and not as one address.
func decodePercents(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			dst = append(dst, ' ')
		case c == '/', c == '?', c == '&', c == '=', c == '#':
			dst = append(dst, '\n')
		case c == '%' && i+2 < len(s) && hexDigit(s[i+1]) < 16 && hexDigit(s[i+2]) < 16:
			dst = append(dst, hexDigit(s[i+1])<<4|hexDigit(s[i+2]))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// hexDigit is what a digit stands for, 16 for what is none.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

// within reads a text that stands encoded at [from, to).
func (s *scan) within(plain []byte, v *view, from, to int) {
	inner := s.d.scan()
	inner.begin(s.d, s.upstream, s.as)
	inner.inside = true
	inner.text(plain, 0)
	for r, seen := range inner.last {
		if seen != 0 {
			s.hit(ruleID(r), v, from, to)
		}
	}
	if inner.score > 0 {
		s.hit(ruleEncoded, v, from, to)
	}
	inner.end()
	s.d.room.Put(inner)
}
