package wire

import (
	"bytes"
	"encoding/json"
)

// quickTree decodes the next value as decode does. canonical stays true if the
// bytes are the canonical form of the value.
func (p *parser) quickTree(q *quick, depth int, canonical *bool) (v any, ok bool) {
	var k keySet
	return p.quickBranch(q, &k, depth, canonical)
}

func (p *parser) quickBranch(q *quick, k *keySet, depth int, canonical *bool) (v any, ok bool) {
	start := q.i
	c := q.peek()
	*canonical = *canonical && q.i == start
	start = q.i
	switch c {
	case '{':
		return p.quickMembers(q, k, depth, canonical)
	case '[':
		return p.quickElements(q, k, depth, canonical)
	case '"':
		raw, escaped, ok := q.str()
		if !ok {
			return nil, false
		}
		if !escaped {
			return string(raw[1 : len(raw)-1]), true
		}
		*canonical = false
		return decodeString(raw)
	}
	if !q.scalar() {
		return nil, false
	}
	switch c {
	case 't':
		return true, true
	case 'f':
		return false, true
	case 'n':
		return nil, true
	}
	return json.Number(q.b[start:q.i]), true
}

func (p *parser) quickElements(q *quick, k *keySet, depth int, canonical *bool) (any, bool) {
	q.i++
	if depth > p.maxDepth {
		return nil, false
	}
	out := []any{}
	for {
		at := q.i
		c := q.peek()
		*canonical = *canonical && q.i == at
		if c == ']' {
			q.i++
			return out, true
		}
		if len(out) > 0 && !q.eat(',') {
			return nil, false
		}
		v, ok := p.quickBranch(q, k, depth+1, canonical)
		if !ok {
			return nil, false
		}
		out = append(out, v)
	}
}

func (p *parser) quickMembers(q *quick, k *keySet, depth int, canonical *bool) (any, bool) {
	q.i++
	if depth > p.maxDepth {
		return nil, false
	}
	keys := k.open()
	out := make(map[string]any)
	var last []byte
	for first := true; ; first = false {
		at := q.i
		c := q.peek()
		*canonical = *canonical && q.i == at
		if c == '}' {
			q.i++
			k.close(keys)
			return out, true
		}
		if !first && !q.eat(',') {
			return nil, false
		}
		at = q.i
		name, escaped, ok := q.str()
		if !ok || escaped {
			return nil, false
		}
		inside := name[1 : len(name)-1]
		*canonical = *canonical && q.i-len(name) == at && isASCII(name) && (first || bytes.Compare(last, inside) < 0)
		last = inside
		at = q.i
		if !q.eat(':') {
			return nil, false
		}
		*canonical = *canonical && q.i == at+1
		if _, twin := k.add(&keys, name, true); twin {
			return nil, false
		}
		v, ok := p.quickBranch(q, k, depth+1, canonical)
		if !ok {
			return nil, false
		}
		out[string(inside)] = v
	}
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
