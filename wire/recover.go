package wire

import (
	"bytes"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"
)

// RecoverID returns the id, as written, of a request that Parse refused, so that
// the refusal reaches the one who waits for it. It returns nil, which is "null"
// in a reply, unless there is no doubt: b is one JSON object to its end, at most
// 16 MiB long, with one id that is a string or a number, a method, and no
// result or error (an answer must not be answered).
func RecoverID(b []byte) []byte {
	raw := bytes.Trim(b, space)
	if len(raw) == 0 || len(raw) > defaultMaxBytes || raw[0] != '{' {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	var id span
	isRequest := false
	var folded []byte
	for dec.PeekKind() == '"' {
		name, err := dec.ReadValue()
		if err != nil {
			return nil
		}
		key, _ := jsontext.AppendUnquote(nil, name)
		folded = appendFold(folded[:0], key)
		val, err := dec.ReadValue()
		if err != nil {
			return nil
		}
		switch s, _, _ := inEnvelope.lookup(folded); s {
		case slotID:
			if id.end != 0 || string(key) != "id" || idKey(val) == "" {
				return nil
			}
			end := int(dec.InputOffset())
			id = span{end - len(val), end}
		case slotMethod:
			isRequest = true
		case slotResult, slotError:
			return nil
		}
	}
	if _, err := dec.ReadToken(); err != nil || !isRequest || int(dec.InputOffset()) != len(raw) {
		return nil
	}
	return id.in(raw)
}

// RecoverHeadID returns the id, as written, of a request of which only the
// beginning is there, because it is too long. It is nil where the beginning
// shows no id or does not show that it is a request. The rest could have a
// second id: the caller MUST NOT take it for more than whom to tell.
func RecoverHeadID(head []byte) []byte {
	h := readHead(head)
	if !h.method || h.answer {
		return nil
	}
	return h.id
}

// idAtEnd is the id of a response that has its other members before it.
var idAtEnd = regexp.MustCompile(`[,{][ \t]*"id"[ \t]*:[ \t]*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)[ \t]*(?:,[ \t]*"jsonrpc"[ \t]*:[ \t]*"2\.0"[ \t]*)?\}[ \t\r]*$`)

// RecoverAnswerID returns the id, as written, of a response that Parse refused,
// as well as it can be told: head is the response or its beginning, tail the end
// of one that is too long, else nil. It is nil for what has a method. A peer that
// may answer any request can choose the id anyway, so it decides nothing but
// which request has failed.
func RecoverAnswerID(head, tail []byte) []byte {
	h := readHead(head)
	switch {
	case h.method || !h.answer:
		return nil
	case h.id != nil:
		return h.id
	}
	if m := idAtEnd.FindSubmatch(tail); m != nil && idKey(m[1]) != "" {
		return m[1]
	}
	return nil
}

// headView is what the beginning of a message shows.
type headView struct {
	id             []byte // nil if there is none or more than one
	method, answer bool   // it has a method; it has a result or an error
}

// readHead reads the members of an object as far as they are there.
func readHead(b []byte) (h headView) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(b), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return h
	}
	ids := 0
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			break
		}
		key := name.String()
		h.method = h.method || key == "method"
		h.answer = h.answer || key == "result" || key == "error"
		val, err := dec.ReadValue()
		if err != nil {
			break
		}
		if key == "id" {
			ids++
			h.id = bytes.Clone(val)
		}
	}
	if ids != 1 || idKey(h.id) == "" {
		h.id = nil
	}
	return h
}
