package wire

import (
	"strconv"
	"strings"
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

// AppendUnquoted appends what a string literal means; see [AppendInside].
func AppendUnquoted(dst, literal []byte) []byte {
	if len(literal) < 2 {
		return dst
	}
	return AppendInside(dst, literal[1:len(literal)-1])
}
