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
	t := texter{dec: jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true)), left: max}
	t.walk("")
	return string(t.out)
}

type texter struct {
	dec  *jsontext.Decoder
	out  []byte
	left int
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
		t.add(v)
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

// add appends the beginning of a raw string.
func (t *texter) add(raw []byte) {
	if len(t.out) > 0 && t.left > 0 {
		t.out = append(t.out, '\n')
		t.left--
	}
	s := raw[1 : len(raw)-1]
	end := 0
	for ; end < len(s) && t.left > 0; t.left-- {
		end += charLen(s[end:])
	}
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
