package wire

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Member returns the value of the object's member with exactly this name, as a
// subslice of obj. It is false if obj is no object or has no such member.
func Member(obj []byte, name string) ([]byte, bool) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(obj), jsontext.AllowInvalidUTF8(true)) // results may have lone surrogates
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return nil, false
	}
	for dec.PeekKind() == '"' {
		key, err := dec.ReadToken()
		if err != nil {
			return nil, false
		}
		found := key.String() == name
		value, err := dec.ReadValue()
		if err != nil {
			return nil, false
		}
		if found {
			end := int(dec.InputOffset())
			return obj[end-len(value) : end : end], true
		}
	}
	return nil, false
}

// Quote returns s as a JSON string; invalid UTF-8 becomes U+FFFD.
func Quote(s string) []byte { return appendString(nil, s) }

// IDKey returns the canonical form of an id as in Message.Key, or "".
func IDKey(id []byte) string { return idKey(id) }

// Cancelled builds a notification that withdraws the request with this id.
func Cancelled(id []byte, reason string) []byte {
	b := append([]byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":`), id...)
	return append(appendString(append(b, `,"reason":`...), reason), "}}"...)
}

// ResultReply builds a response with this result, which must be valid JSON.
func ResultReply(id, result []byte) []byte {
	b := append(appendHead(nil, id), `"result":`...)
	return append(append(b, result...), '}')
}

// FailureReply builds a response with this error, which must be a valid JSON-RPC
// error object.
func FailureReply(id, failure []byte) []byte {
	b := append(appendHead(nil, id), `"error":`...)
	return append(append(b, failure...), '}')
}
