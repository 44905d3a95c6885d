package redact

import (
	"bytes"
	"strings"
)

// Message returns a message of a server without what must not come back to a
// client: Options.Returned, what was learned, and the door's own tokens. Each is
// replaced by its mark in whatever string, key or number it stands: plain, in
// hexadecimal, in base64 wherever it begins, percent-encoded or JSON-escaped, two
// levels deep below the escapes of the message itself, and in each of these also where
// hidden characters interrupt it. Nothing else of the message
// changes, and one without a secret is returned itself. What is no JSON is treated
// alike as far as its strings can be told apart.
func (r *Redactor) Message(raw []byte) []byte {
	x := r.messages.Load()
	if !x.has(raw) && !x.suspicious(raw) {
		return raw
	}
	return x.mask(raw)
}

// messages finds in one pass whether a message may hold a secret. It looks at the
// end of a window as long as the shortest form and skips as much as those three
// bytes allow (S. Wu and U. Manber, A fast algorithm for multi-pattern searching,
// TR-94-17, 1994), so that most bytes are never looked at.
type messages struct {
	least int // the length of the shortest form
	shift [1 << shiftBits]uint8
	ends  map[uint32][]string // forms by the last three bytes of their first least
	// letters are the bytes of all forms, and escaped beside them what may begin
	// another escape.
	letters, escaped [256]bool
	// behind are the bytes that stand behind a backslash for one of letters, and u.
	behind [256]bool
	index  *index
}

const (
	shiftBits = 14
	block     = 3
)

func (l *live) messages(r *Redactor, own *index) {
	x := &messages{index: own, ends: map[uint32][]string{}}
	var all []string
	for _, of := range own.known {
		all = append(all, of...)
	}
	x.least = 255
	for _, f := range all {
		x.least = min(x.least, len(f))
	}
	most := uint8(x.least - block + 1)
	for i := range x.shift {
		x.shift[i] = most
	}
	for _, f := range all {
		for end := block; end <= x.least; end++ {
			h := blockHash(f[end-3], f[end-2], f[end-1])
			x.shift[h] = min(x.shift[h], uint8(x.least-end))
		}
		h := blockHash(f[x.least-3], f[x.least-2], f[x.least-1])
		x.ends[h] = append(x.ends[h], f)
		for i := range len(f) {
			x.letters[f[i]] = true
		}
	}
	for c := byte('0'); c <= 'z'; c++ { // of which the door's own tokens are made
		x.letters[c] = x.letters[c] || isWord(c)
	}
	x.letters['-'], x.letters['+'] = true, true
	x.escaped = x.letters
	x.escaped['\\'], x.escaped['%'] = true, true
	for c, plain := range map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'} {
		x.behind[c] = x.letters[plain]
	}
	x.behind['u'] = true
	r.messages.Store(x)
}

func blockHash(a, b, c byte) uint32 {
	return (uint32(a) | uint32(b)<<8 | uint32(c)<<16) * 2654435761 >> (32 - shiftBits)
}

// has reports whether a form stands in raw as it is.
func (x *messages) has(raw []byte) bool {
	for at := x.least - 1; at < len(raw); {
		h := blockHash(raw[at-2], raw[at-1], raw[at])
		if s := x.shift[h]; s > 0 {
			at += int(s)
			continue
		}
		from := raw[at-x.least+1:]
		for _, f := range x.ends[h] {
			if len(from) >= len(f) && string(from[:len(f)]) == f {
				return true
			}
		}
		at++
	}
	return false
}

// suspicious reports whether raw holds one of the door's own tokens, a hidden character,
// or an escape that stands for what may belong to a form, at any depth: each backslash and
// each percent sign is looked at by itself.
func (x *messages) suspicious(raw []byte) bool {
	if ownBegins(raw) || len(x.ends) > 0 && lookAt(borrow(raw), true)&lookHidden != 0 {
		return true
	}
	for at := bytes.IndexByte(raw, '\\'); at >= 0 && at+1 < len(raw); {
		if after := raw[at+1]; x.behind[after] && (after != 'u' || x.unit(raw[at+1:])) {
			return true
		}
		at = next(raw, at+1, '\\')
	}
	for at := bytes.IndexByte(raw, '%'); at >= 0 && at+2 < len(raw); {
		if n, ok := hexValue(string(raw[at+1 : at+3])); ok && (x.escaped[n] || n < ' ' || n >= 0x7f) {
			return true
		}
		at = next(raw, at+1, '%')
	}
	return false
}

// next is where c stands in raw from at on, or -1.
func next(raw []byte, at int, c byte) int {
	if i := bytes.IndexByte(raw[at:], c); i >= 0 {
		return at + i
	}
	return -1
}

// unit reports the same of what stands behind a backslash: "u" and four digits.
func (x *messages) unit(behind []byte) bool {
	if len(behind) < 5 {
		return false
	}
	n, ok := hexValue(string(behind[1:5]))
	if !ok {
		return false
	}
	if isHidden(rune(n)) || n>>11 == 0x1b { // of a surrogate it is not known yet
		return true
	}
	if n < 0x80 {
		return x.escaped[n]
	}
	var utf8 [12]byte
	piece, _ := escapeOne(utf8[:0], `\`+string(behind[:5]))
	return x.letters[piece[0]]
}

// mask goes over the strings and numbers of raw.
func (x *messages) mask(raw []byte) []byte {
	s := string(raw)
	var out []byte
	done := 0
	put := func(start, end int, text string) {
		out = append(append(out, s[done:start]...), text...)
		done = end
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '"':
			end := stringEnd(s, i+1)
			for _, p := range x.within(s[i+1 : end]) {
				put(i+1+p.start, i+1+p.end, marker(p.rule))
			}
			i = end + 1
		case c == '-' || isDigit(c):
			end := i + 1
			for end < len(s) && (isDigit(s[end]) || strings.IndexByte("+-.eE", s[end]) >= 0) {
				end++
			}
			if found := x.index.scan(nil, s[i:end], false); len(found) > 0 {
				put(i, end, `"`+marker(ruleKnown)+`"`) // a number cannot be cut
			}
			i = end
		default:
			i++
		}
	}
	if out == nil {
		return raw
	}
	return append(out, s[done:]...)
}

// stringEnd is where the quotation mark stands that ends a string.
func stringEnd(s string, from int) int {
	for i := from; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return len(s)
}

// within are the places of secrets in the inside of a JSON string. Its own escapes
// are undone first, so that no place begins within one.
func (x *messages) within(inside string) []span {
	if strings.IndexByte(inside, '\\') < 0 {
		return merge(x.index.scanViews(x.index.scan(nil, inside, true), inside, maxViews))
	}
	plain := unescape(inside)
	found := merge(x.index.scanViews(x.index.scan(nil, plain, true), plain, maxViews))
	return view{'\\', escapeOne}.source(inside, found)
}
