package wire

// quick reads JSON as nearly all of it is written. Whatever is not right, or is
// rare (a key with an escape, a surrogate), it leaves to the decoder, which
// judges it and says what is wrong. So it must never take what the decoder
// refuses, and find the same values; FuzzQuick compares the two. The bytes have
// to be UTF-8.
type quick struct {
	b []byte
	i int
}

func (q *quick) space() {
	for q.i < len(q.b) {
		switch q.b[q.i] {
		case ' ', '\t', '\n', '\r':
			q.i++
		default:
			return
		}
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (q *quick) peek() byte {
	if q.i < len(q.b) && q.b[q.i] > ' ' {
		return q.b[q.i]
	}
	q.space()
	if q.i < len(q.b) {
		return q.b[q.i]
	}
	return 0
}

// eat skips white space and the byte c, if it is next.
func (q *quick) eat(c byte) bool {
	if q.peek() != c {
		return false
	}
	q.i++
	return true
}

// str reads the string that is next and reports whether it has escapes.
func (q *quick) str() (raw []byte, escaped, ok bool) {
	if q.peek() != '"' {
		return nil, false, false
	}
	start := q.i
	for i := start + 1; ; {
		if i = Plain(q.b, i); i >= len(q.b) {
			break
		}
		if q.b[i] == '"' {
			q.i = i + 1
			return q.b[start:q.i], escaped, true
		}
		n := 0
		if q.b[i] == '\\' {
			n = q.escape(i)
		}
		if n == 0 { // none, or a control character
			break
		}
		escaped = true
		i += n
	}
	return nil, false, false
}

// start reads the first n bytes inside of a string that has more, if they have no escape.
func (q *quick) start(n int) ([]byte, bool) {
	from := q.i + 1
	if end := from + n; end < len(q.b) && Plain(q.b[:end], from) == end {
		q.i = end
		return q.b[from:end], true
	}
	return nil, false
}

// escape returns how long the escape at i is, 0 if it is none or a surrogate.
func (q *quick) escape(i int) int {
	if i+1 >= len(q.b) {
		return 0
	}
	switch q.b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if i+6 > len(q.b) {
			return 0
		}
		for _, c := range q.b[i+2 : i+6] {
			if !isDigit(c) && (c|0x20 < 'a' || 'f' < c|0x20) {
				return 0
			}
		}
		if hex4(q.b[i+2:])&0xf800 != 0xd800 {
			return 6
		}
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// scalar reads what is neither object nor array nor string.
func (q *quick) scalar() bool {
	switch c := q.peek(); {
	case c == 't':
		return q.word("true")
	case c == 'f':
		return q.word("false")
	case c == 'n':
		return q.word("null")
	case c == '-' || isDigit(c):
		return q.number()
	}
	return false
}

func (q *quick) word(w string) bool {
	if len(q.b)-q.i < len(w) || string(q.b[q.i:q.i+len(w)]) != w {
		return false
	}
	q.i += len(w)
	return true
}

func (q *quick) number() bool {
	q.one('-')
	if !q.one('0') && !q.digits() {
		return false
	}
	if q.one('.') && !q.digits() {
		return false
	}
	if q.one('e') || q.one('E') {
		if !q.one('+') {
			q.one('-')
		}
		return q.digits()
	}
	return true
}

func (q *quick) one(c byte) bool {
	if q.i < len(q.b) && q.b[q.i] == c {
		q.i++
		return true
	}
	return false
}

func (q *quick) digits() bool {
	from := q.i
	for q.i < len(q.b) && isDigit(q.b[q.i]) {
		q.i++
	}
	return q.i > from
}

// skip reads a value of at most this depth.
func (q *quick) skip(depth int) bool {
	if depth == 0 {
		return false
	}
	switch c := q.peek(); c {
	case '{', '[':
		q.i++
		for first := true; !q.eat(c + 2); first = false { // ] and } come two behind
			if !first && !q.eat(',') {
				return false
			}
			if c == '{' {
				if _, _, ok := q.str(); !ok || !q.eat(':') {
					return false
				}
			}
			if !q.skip(depth - 1) {
				return false
			}
		}
		return true
	case '"':
		_, _, ok := q.str()
		return ok
	}
	return q.scalar()
}
