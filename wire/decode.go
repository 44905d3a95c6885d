package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ostiary/ostiary"
)

// Decode decodes a JSON value into map[string]any, []any, string, bool, nil and
// json.Number, as strictly as Parse reads params: it refuses equal keys, keys
// that differ only by case, invalid UTF-8, lone surrogates and trailing data.
// The error is an *ostiary.Error.
func Decode(raw []byte) (any, error) {
	v, _, err := decode(raw)
	return v, err
}

// Valid reports whether raw is one JSON value in UTF-8, with nothing but white
// space around it (RFC 8259).
func Valid(raw []byte) bool {
	if !utf8.Valid(raw) {
		return false
	}
	q := quick{b: raw}
	if q.skip(highestMaxDepth) {
		if q.space(); q.i == len(raw) {
			return true
		}
	}
	return json.Valid(raw) // slower, and knows what is rare
}

// DecodeDigest is Decode and Digest of one value in one go.
func DecodeDigest(raw []byte) (any, ostiary.Digest, error) {
	v, canonical, err := decode(raw)
	if err != nil {
		return nil, ostiary.Digest{}, err
	}
	if canonical {
		return v, sha256.Sum256(raw), nil
	}
	d, err := Digest(raw)
	return v, d, err
}

// decode tells too whether raw is known to be the canonical form of the value.
func decode(raw []byte) (v any, canonical bool, err error) {
	if !utf8.Valid(raw) {
		return nil, false, refuseAt(ostiary.CodeWireUTF8, invalidAt(raw), "the value is not valid UTF-8; encode it as UTF-8")
	}
	lim := Limits{MaxDepth: highestMaxDepth}
	q, canonical := quick{b: raw}, true
	fast := parser{raw: raw, maxDepth: lim.maxDepth()} // on the stack
	if v, ok := fast.quickTree(&q, 1, &canonical); ok {
		canonical = canonical && q.i == len(raw)
		if q.space(); q.i == len(raw) {
			return v, canonical, nil
		}
	}
	p := newParser(raw, lim)
	if v, err = p.decode(); err != nil {
		return nil, false, err
	}
	if rest := bytes.TrimLeft(raw[p.offset():], space); len(rest) > 0 {
		return nil, false, refuseAt(ostiary.CodeWireTrailing, len(raw)-len(rest), "there is data behind the value; send one value")
	}
	return v, false, nil
}

func (p *parser) decode() (any, error) {
	switch p.dec.PeekKind() {
	case '{':
		return p.decodeObject()
	case '[':
		return p.decodeArray()
	}
	v, err := p.dec.ReadValue()
	if err != nil {
		return nil, refuseSyntax(err)
	}
	switch v[0] {
	case '"':
		return p.decodeString(v)
	case 't':
		return true, nil
	case 'f':
		return false, nil
	case 'n':
		return nil, nil
	}
	return json.Number(v), nil
}

func (p *parser) decodeString(v jsontext.Value) (string, error) {
	s, ok := decodeString(v)
	if !ok {
		return "", refuseAt(ostiary.CodeWireUTF8, p.offset(), "a string has half of a surrogate pair; send whole characters")
	}
	return s, nil
}

func (p *parser) decodeObject() (any, error) {
	if _, err := p.open(); err != nil {
		return nil, err
	}
	keys := p.keys.open()
	out := make(map[string]any)
	for p.dec.PeekKind() != '}' {
		name, err := p.dec.ReadValue()
		if err != nil {
			return nil, refuseSyntax(err)
		}
		key, err := p.decodeString(name)
		if err != nil {
			return nil, err
		}
		if _, twin := p.keys.add(&keys, name, true); twin {
			return nil, refuseTwin(p.offset() - len(name))
		}
		if out[key], err = p.decode(); err != nil {
			return nil, err
		}
	}
	p.keys.close(keys)
	_, err := p.dec.ReadToken()
	return out, refuseSyntax(err)
}

func (p *parser) decodeArray() (any, error) {
	if _, err := p.open(); err != nil {
		return nil, err
	}
	out := []any{}
	for p.dec.PeekKind() != ']' {
		v, err := p.decode()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := p.dec.ReadToken()
	return out, refuseSyntax(err)
}
