package wire

import (
	"bytes"

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
