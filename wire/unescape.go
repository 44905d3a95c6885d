package wire

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// decodePart is literalEnd that writes what the literal means to out, whose length is at
// least that of what is left of b, and says how much that is. It goes not much further than
// until; if the literal goes on there, it says where it came to, and is not done.
func decodePart(out, b []byte, from, until int) (i, n int, seen Seen, done bool) {
	var other uint64
	i = from
	for i+8 <= len(b) && n+8 <= len(out) {
		if i >= until {
			if other&highs != 0 {
				seen |= SeenOther
			}
			return i, n, seen, false
		}
		w := binary.LittleEndian.Uint64(b[i:])
		binary.LittleEndian.PutUint64(out[n:], w)
		for i+24 <= len(b) && n+24 <= len(out) && signs(w)&highs == 0 { // sixteen at once, while there are none
			i, n = i+8, n+8
			from, to := b[i:i+16], out[n:n+16]
			v, x := binary.LittleEndian.Uint64(from), binary.LittleEndian.Uint64(from[8:])
			binary.LittleEndian.PutUint64(to, v)
			binary.LittleEndian.PutUint64(to[8:], x)
			if w = v; signs(v)&highs == 0 {
				i, n, w = i+8, n+8, x
			}
		}
		quote, back := w^'"'*ones, w^'\\'*ones
		found := ((quote-ones)&^quote | (back-ones)&^back) & highs
		beyond := w | (w - ' '*ones) | (w + ones)
		if found == 0 {
			other |= beyond
			i, n = i+8, n+8
			continue
		}
		k := bits.TrailingZeros64(found) & 0x38 // the first that is found is one
		other |= beyond & (1<<k - 1)
		i, n = i+k/8, n+k/8
		if b[i] == '"' {
			if other&highs != 0 {
				seen |= SeenOther
			}
			return i + 1, n, seen, true
		}
		if i+1 == len(b) {
			return -1, 0, 0, true
		}
		e := b[i+1]
		seen |= escapes[e]
		if c := shortEscape[e]; c != 0 {
			if c == '\\' {
				seen |= nested(b, i)
			}
			out[n] = c
			i, n = i+2, n+1
			for i+1 < len(b) && b[i] == '\\' && b[i+1] == 't' && n < len(out) { // source is indented
				out[n] = '\t'
				i, n = i+2, n+1
			}
			continue
		}
		used, size := longEscape(out[n:], b[i:])
		i, n = i+used, n+size
	}
	if other&highs != 0 {
		seen |= SeenOther
	}
	for i < len(b) {
		c := b[i]
		switch {
		case c == '"':
			return i + 1, n, seen, true
		case c == '\\':
			if i+1 == len(b) {
				return -1, 0, 0, true
			}
			if seen |= escapes[b[i+1]]; b[i+1] == '\\' {
				seen |= nested(b, i)
			}
			used, size := longEscape(out[n:], b[i:])
			i, n = i+used, n+size
			continue
		case c < ' ' || c >= 0x7f:
			seen |= SeenOther
		}
		out[n] = c
		i, n = i+1, n+1
	}
	return -1, 0, 0, true
}

// signs marks quotation marks, backslashes and what is no printable ASCII, the lowest of
// them for sure: where nothing is marked, there is none.
func signs(w uint64) uint64 {
	return (w ^ '"'*ones - ones) | (w ^ '\\'*ones - ones) | w | (w - ' '*ones) | (w + ones)
}

// AppendInside appends what the inside of a string literal means, between its
// quotation marks. Half of a surrogate pair becomes U+FFFD; what is no escape, and no
// UTF-8, stays as it is.
func AppendInside(dst, inside []byte) []byte {
	n := len(dst)
	out := slices.Grow(dst, len(inside)) // an escape is longer than what it stands for
	out = out[:cap(out)]
	i := 0
	for i+8 <= len(inside) {
		w := binary.LittleEndian.Uint64(inside[i:])
		binary.LittleEndian.PutUint64(out[n:], w)
		back := w ^ '\\'*ones
		found := (back - ones) &^ back & highs
		if found == 0 {
			i, n = i+8, n+8
			continue
		}
		k := bits.TrailingZeros64(found) / 8 // the first that is found is one
		i, n = i+k, n+k
		if i+1 < len(inside) {
			if c := shortEscape[inside[i+1]]; c != 0 {
				out[n] = c
				i, n = i+2, n+1
				continue
			}
		}
		used, size := longEscape(out[n:], inside[i:])
		i, n = i+used, n+size
	}
	for i < len(inside) {
		if inside[i] != '\\' {
			out[n] = inside[i]
			i, n = i+1, n+1
			continue
		}
		used, size := longEscape(out[n:], inside[i:])
		i, n = i+used, n+size
	}
	return out[:n]
}

// plainBefore is how much of what b begins with is no escape; at most, about, most.
func plainBefore(b []byte, most int) int {
	i := 0
	for ; i < most && i+8 <= len(b); i += 8 {
		back := binary.LittleEndian.Uint64(b[i:]) ^ '\\'*ones
		if found := (back - ones) &^ back & highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8 // the first that is found is one
		}
	}
	for ; i < most && i < len(b) && b[i] != '\\'; i++ {
	}
	return i
}

// shortEscape is what a letter behind a backslash stands for; 0 is none.
var shortEscape = [256]byte{'"': '"', '\\': '\\', '/': '/', 'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// longEscape writes what s begins with, a backslash, and says how much of s it took
// and how much it wrote: at most as much.
func longEscape(dst, s []byte) (used, size int) {
	r, ok := unit(s)
	if !ok {
		if len(s) > 1 && shortEscape[s[1]] != 0 {
			dst[0] = shortEscape[s[1]]
			return 2, 1
		}
		dst[0] = s[0]
		return 1, 1
	}
	used = 6
	if utf16.IsSurrogate(r) {
		if low, ok := unit(s[6:]); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				r, used = both, 12
			}
		}
	}
	return used, utf8.EncodeRune(dst, r)
}

// unit reads \uXXXX.
func unit(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, c := range s[2:6] {
		if !isDigit(c) && (c|0x20 < 'a' || 'f' < c|0x20) {
			return 0, false
		}
	}
	return rune(hex4(s[2:])), true
}
