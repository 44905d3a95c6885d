package wire

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Pointer is the JSON pointer (RFC 6901) of the literal, for a key that of its
// member. It is made anew each time.
func (w *TextWalk) Pointer() string {
	var p strings.Builder
	for depth := 1; depth <= w.open; depth++ {
		p.WriteByte('/')
		l := w.level(depth)
		if !l.object {
			p.WriteString(strconv.Itoa(l.index))
			continue
		}
		if l.keyFrom == 0 {
			continue // no JSON: a literal where a key should be
		}
		key := w.body[l.keyFrom-1 : l.keyTo+1]
		p.WriteString(pointerToken.Replace(string(AppendUnquoted(nil, key))))
	}
	return p.String()
}

var pointerToken = strings.NewReplacer("~", "~0", "/", "~1")

// AppendUnquoted appends what a string literal means. Half of a surrogate pair
// and what is no JSON becomes U+FFFD or stops it.
func AppendUnquoted(dst, literal []byte) []byte {
	if len(literal) < 2 {
		return dst
	}
	begun, inside := len(dst), literal[1:len(literal)-1]
	for {
		next := bytes.IndexByte(inside, '\\')
		if next < 0 {
			return append(dst, inside...)
		}
		dst = append(dst, inside[:next]...)
		plain := byte(0)
		if next+1 < len(inside) {
			plain = shortEscape(inside[next+1])
		}
		if plain == 0 { // by its number, or no JSON
			dst, _ = jsontext.AppendUnquote(dst[:begun], literal)
			return dst
		}
		dst, inside = append(dst, plain), inside[next+2:]
	}
}

// shortEscape is what a letter behind a backslash stands for; 0 is none.
func shortEscape(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	}
	return 0
}
