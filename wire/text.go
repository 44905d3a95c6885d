package wire

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Text returns at most max characters (Unicode code points) of the text that a
// result or an error carries: the text blocks of a tool's result, of resource
// contents and of prompt messages, or the message of an error. Blocks are
// separated by a line break. It is for the record: it reads no further than it
// needs, and returns what it found so far if body is not JSON.
func Text(body []byte, max int) string {
	t := texter{left: max}
	if _, ok := t.quickly(&quick{b: body}, false, quickDepth); ok && !t.garbled {
		return string(t.out)
	}
	t = texter{left: max, dec: jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))}
	t.walk("")
	return string(t.out)
}

type texter struct {
	dec  *jsontext.Decoder
	out  []byte
	left int
	// garbled says that text was taken as it is and is no UTF-8.
	garbled bool
}

// walk reads the next value, which is the member key of its object. It is false
// when there is nothing more to find or to read.
func (t *texter) walk(key string) bool {
	if t.left <= 0 {
		return false
	}
	switch t.dec.PeekKind() {
	case '{':
		return t.members()
	case '[':
		if _, err := t.dec.ReadToken(); err != nil {
			return false
		}
		for t.dec.PeekKind() != ']' {
			if !t.walk(key) {
				return false
			}
		}
		_, err := t.dec.ReadToken()
		return err == nil
	}
	v, err := t.dec.ReadValue()
	if err != nil {
		return false
	}
	if v[0] == '"' && (key == "text" || key == "message") {
		t.add(v[1:len(v)-1], true)
	}
	return t.left > 0
}

// members reads an object and goes into the members that lead to text.
func (t *texter) members() bool {
	if _, err := t.dec.ReadToken(); err != nil {
		return false
	}
	for t.dec.PeekKind() != '}' {
		name, err := t.dec.ReadValue()
		if err != nil {
			return false
		}
		switch key, _ := decodeString(name); key {
		case "content", "contents", "messages", "resource", "text", "message", "result", "error":
			if !t.walk(key) {
				return false
			}
		default:
			if err := t.dec.SkipValue(); err != nil {
				return false
			}
		}
	}
	_, err := t.dec.ReadToken()
	return err == nil
}

// quickDepth is how deep quick reading goes for text.
const quickDepth = 128

// quickly is walk without a decoder. text says that the value is text if it is a
// string. It is not ok if that is left to the decoder.
func (t *texter) quickly(q *quick, text bool, depth int) (more, ok bool) {
	if t.left <= 0 {
		return false, true
	}
	if depth == 0 {
		return false, false
	}
	switch q.peek() {
	case '{':
		return t.quickMembers(q, depth)
	case '[':
		q.i++
		for first := true; !q.eat(']'); first = false {
			if !first && !q.eat(',') {
				return false, false
			}
			if more, ok := t.quickly(q, text, depth-1); !more || !ok {
				return false, ok
			}
		}
	case '"':
		if text {
			if s, ok := q.start(t.left * utf8.UTFMax); ok { // more than is wanted
				t.add(s, false)
				return false, true
			}
		}
		raw, escaped, ok := q.str()
		if ok && text {
			t.add(raw[1:len(raw)-1], escaped)
		}
		return t.left > 0, ok
	default:
		return true, q.scalar()
	}
	return true, true
}

func (t *texter) quickMembers(q *quick, depth int) (more, ok bool) {
	q.i++
	for first := true; !q.eat('}'); first = false {
		if !first && !q.eat(',') {
			return false, false
		}
		name, escaped, ok := q.str()
		if !ok || escaped || !q.eat(':') {
			return false, false
		}
		text := false
		switch string(name[1 : len(name)-1]) {
		case "text", "message":
			text = true
			fallthrough
		case "content", "contents", "messages", "resource", "result", "error":
			if more, ok := t.quickly(q, text, depth-1); !more || !ok {
				return false, ok
			}
		default:
			if !q.skip(depth - 1) {
				return false, false
			}
		}
	}
	return true, true
}

// add appends the beginning of the inside of a raw string, which may have escapes.
func (t *texter) add(s []byte, escaped bool) {
	if len(t.out) > 0 && t.left > 0 {
		t.out = append(t.out, '\n')
		t.left--
	}
	end := 0
	if !escaped {
		for ; end < len(s) && t.left > 0; t.left-- {
			if s[end] < utf8.RuneSelf {
				end++
				continue
			}
			_, n := utf8.DecodeRune(s[end:])
			end += n
		}
		t.out, t.garbled = append(t.out, s[:end]...), t.garbled || !utf8.Valid(s[:end])
		return
	}
	for ; end < len(s) && t.left > 0; t.left-- {
		end += charLen(s[end:])
	}
	t.garbled = t.garbled || !utf8.Valid(s[:end])
	cut := append(append(append(make([]byte, 0, end+2), '"'), s[:end]...), '"')
	t.out, _ = jsontext.AppendUnquote(t.out, cut) // half a surrogate pair becomes U+FFFD
}

// charLen returns how many bytes of a valid raw string the first character takes.
func charLen(s []byte) int {
	if s[0] != '\\' {
		_, n := utf8.DecodeRune(s)
		return n
	}
	if s[1] != 'u' {
		return 2
	}
	if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' && !hasLoneSurrogate(s[:12]) && hex4(s[2:])>>10 == 0xd800>>10 {
		return 12
	}
	return 6
}
