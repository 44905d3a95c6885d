package wire

import (
	"github.com/ostiary/ostiary"
)

// readAsks reads what a message asks for, whatever the message says it is: a
// client may look at the requests alone. null is as good as nothing, but not
// where a result says that it needs input.
func (p *parser) readAsks(m *Message, at ...slot) error {
	for _, s := range at {
		raw := p.get(s)
		if raw == nil || raw[0] == 'n' && m.ResultKind != ResultInputRequired {
			continue
		}
		asks, err := readInputs(raw, p.maxDepth)
		if err != nil {
			return err
		}
		m.InputRequests = append(m.InputRequests, asks...)
	}
	return nil
}

// readInputs reads one inputRequests as strictly as requests, which is what
// they are.
func readInputs(raw []byte, maxDepth int) ([]InputRequest, error) {
	bad := refuse(ostiary.CodeWireEnvelope, "inputRequests must be an object of requests, each with a method and params that is an object")
	if raw[0] != '{' {
		return nil, bad
	}
	dec := newParser(raw, Limits{}).dec
	if _, err := dec.ReadToken(); err != nil {
		return nil, refuseSyntax(err)
	}
	var out []InputRequest
	var keys keySet
	scope := keys.open()
	for dec.PeekKind() == '"' {
		name, err := dec.ReadValue()
		if err != nil {
			return nil, refuseSyntax(err)
		}
		if _, twin := keys.add(&scope, name, true); twin {
			return nil, refuseTwin(int(dec.InputOffset()))
		}
		key, ok := decodeString(name)
		if !ok {
			return nil, refuse(ostiary.CodeWireUTF8, "a key of inputRequests has half of a surrogate pair")
		}
		v, err := dec.ReadValue()
		if err != nil {
			return nil, refuseSyntax(err)
		}
		if v[0] != '{' {
			return nil, bad
		}
		end := int(dec.InputOffset())
		p := newParser(raw[end-len(v):end:end], Limits{MaxDepth: maxDepth})
		if _, err := p.value(inEnvelope); err != nil {
			return nil, err
		}
		in := InputRequest{Key: key, Params: p.get(slotParams)}
		if in.Method, ok = decodeString(p.get(slotMethod)); !ok || in.Method == "" || in.Params != nil && in.Params[0] != '{' {
			return nil, bad
		}
		if p.loneEnd > 0 {
			return nil, refuse(ostiary.CodeWireUTF8, "a string of inputRequests has half of a surrogate pair")
		}
		if in.Method == "elicitation/create" {
			if in.ElicitationMode, err = p.mode(); err != nil {
				return nil, err
			}
		}
		out = append(out, in)
	}
	return out, nil
}

// readElicitations reads error.data.elicitations, whatever the code of the error
// is, as strictly as the params of requests, which is what its entries are.
func (p *parser) readElicitations(m *Message) error {
	raw := p.get(slotElicitations)
	if raw == nil || raw[0] == 'n' {
		return nil
	}
	bad := refuse(ostiary.CodeWireEnvelope, "error.data.elicitations must be a list of objects, each the params of an elicitation")
	if raw[0] != '[' {
		return bad
	}
	dec := newParser(raw, Limits{}).dec
	if _, err := dec.ReadToken(); err != nil {
		return refuseSyntax(err)
	}
	for dec.PeekKind() != ']' {
		v, err := dec.ReadValue()
		if err != nil {
			return refuseSyntax(err)
		}
		if v[0] != '{' {
			return bad
		}
		end := int(dec.InputOffset())
		entry := raw[end-len(v) : end : end]
		e := newParser(entry, Limits{MaxDepth: p.maxDepth})
		if _, err := e.value(inParams); err != nil {
			return err
		}
		if e.loneEnd > 0 {
			return refuse(ostiary.CodeWireUTF8, "a string of error.data.elicitations has half of a surrogate pair")
		}
		in := InputRequest{Method: "elicitation/create", Params: entry, ElicitationMode: "url"}
		if e.get(slotMode) != nil {
			if in.ElicitationMode, err = e.mode(); err != nil {
				return err
			}
		}
		m.InputRequests = append(m.InputRequests, in)
	}
	return nil
}
