package redact

import (
	"bytes"

	"github.com/ostiary/ostiary/wire"
)

// part is one member of the object that a body is: body[start:end], its value
// body[value:end].
type part struct{ start, value, end int }

// member finds a member of the object that a body is.
func member(body []byte, name string) (p part, ok bool) {
	p.start = -1
	for w := wire.Texts(body); w.Next(); {
		if w.Depth() != 1 || !w.IsKey() {
			continue
		}
		if p.start >= 0 {
			p.end = shrunk(body, p.value, shrunk(body, p.value, w.Start())-1) // without the comma
			return p, true
		}
		if key := body[w.Start():w.End()]; string(key[1:len(key)-1]) == name || string(wire.AppendUnquoted(nil, key)) == name {
			at := w.End() + bytes.IndexByte(body[w.End():], ':') + 1
			for at < len(body) && bytes.IndexByte([]byte(blanks), body[at]) >= 0 {
				at++
			}
			p.start, p.value = w.Start(), at
		}
	}
	if p.start < 0 {
		return part{}, false
	}
	p.end = shrunk(body, p.value, bytes.LastIndexByte(body, '}'))
	return p, p.end > p.value
}

const blanks = " \t\r\n"

// shrunk is where body[from:end] ends without the white space behind it.
func shrunk(body []byte, from, end int) int {
	return from + len(bytes.TrimRight(body[from:max(from, end)], blanks))
}

// with is a body whose member has another value; it becomes the first if there is
// none. What is no object stays as it is.
func with(body []byte, name string, value []byte) []byte {
	if p, ok := member(body, name); ok {
		return replaced(body, p.value, p.end, value)
	}
	open := bytes.IndexByte(body, '{')
	if open < 0 {
		return body
	}
	entry := append(append(wire.Quote(name), ':'), value...)
	if rest := bytes.TrimLeft(body[open+1:], blanks); len(rest) > 0 && rest[0] != '}' {
		entry = append(entry, ',')
	}
	return replaced(body, open+1, open+1, entry)
}

// without is a body without a member.
func without(body []byte, name string) []byte {
	p, ok := member(body, name)
	if !ok {
		return body
	}
	if rest := bytes.TrimLeft(body[p.end:], blanks); len(rest) > 0 && rest[0] == ',' {
		return replaced(body, p.start, len(body)-len(rest)+1, nil)
	}
	if before := bytes.TrimRight(body[:p.start], blanks); len(before) > 0 && before[len(before)-1] == ',' {
		return replaced(body, len(before)-1, p.end, nil)
	}
	return replaced(body, p.start, p.end, nil)
}

func replaced(body []byte, start, end int, value []byte) []byte {
	out := make([]byte, 0, len(body)-(end-start)+len(value))
	return append(append(append(out, body[:start]...), value...), body[end:]...)
}
