package gateway

import (
	"fmt"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// attributed returns the server's request as the client gets it: a question to
// the person says which server asks, unless a rule of the operator's vouches for
// the method.
func (d *door) attributed(m *wire.Message, c *ostiary.Call) []byte {
	if c.Class != ostiary.ClassElicitation || c.Rule.Written() {
		return m.Raw
	}
	edit, ok := d.sourceEdit(m, m.Params)
	if !ok {
		return m.Raw
	}
	out, err := wire.Splice(m.Raw, edit)
	if err != nil {
		return m.Raw
	}
	return out
}

// sourceEdit puts the name of the server before the message of an elicitation.
func (d *door) sourceEdit(m *wire.Message, params []byte) (wire.Edit, bool) {
	raw, ok := wire.Member(params, "message")
	if !ok || len(raw) < 2 || raw[0] != '"' {
		return wire.Edit{}, false
	}
	start, _, ok := m.Offset(raw)
	if !ok {
		return wire.Edit{}, false
	}
	source := wire.Quote("[asked by the server " + d.o.Upstream + "] ")
	return wire.Edit{Start: start + 1, End: start + 1, With: source[1 : len(source)-1]}, true
}

// inspect makes the Result of a server's answer. A result that asks for input
// (revision 2026-07-28) carries requests to the client's person or model; they
// are judged like those that come by themselves.
func (d *door) inspect(m, reply *wire.Message) (*ostiary.Result, *wire.Message, error) {
	r := resultOf(reply)
	var edits []wire.Edit
	for _, ask := range reply.InputRequests {
		class := wire.Describe(ask.Method, wire.FromServer).Class
		rule := d.catalog.base().Method(ask.Method, class, ask.ElicitationMode)
		if rule == nil || rule.Forbid != nil || len(rule.Deny) > 0 {
			return r, nil, &ostiary.Error{Code: ostiary.CodePolicyMethod,
				Message: fmt.Sprintf("the server asked for %s in its answer to %s, which no rule allows; the answer was withheld: "+
					"use the tool in a way that needs no question, or ask the operator for a rule with `method: %s/%s`",
					visible([]byte(ask.Method)), m.Method, d.o.Upstream, visible([]byte(ask.Method)))}
		}
		if class == ostiary.ClassElicitation && !rule.Written() {
			if edit, ok := d.sourceEdit(reply, ask.Params); ok {
				edits = append(edits, edit)
			}
		}
	}
	if len(edits) == 0 {
		return r, reply, nil
	}
	raw, err := wire.Splice(reply.Raw, edits...)
	if err != nil {
		return r, nil, err
	}
	changed, err := wire.Parse(raw, d.o.Limits)
	if err != nil {
		return r, nil, err
	}
	return resultOf(changed), changed, nil
}

// textRunes is how much of a result's text the record keeps.
const textRunes = 200

func resultOf(m *wire.Message) *ostiary.Result {
	if m.Kind == wire.KindError {
		return &ostiary.Result{Status: ostiary.StatusRPCError, Body: m.Error, Text: wire.Text(m.Error, textRunes)}
	}
	r := &ostiary.Result{Status: ostiary.StatusOK, Body: m.Result, Text: wire.Text(m.Result, textRunes)}
	switch {
	case m.IsError:
		r.Status = ostiary.StatusToolError
	case m.ResultKind == wire.ResultInputRequired, m.ResultKind == wire.ResultTask:
		r.Status = ostiary.StatusPending
	}
	return r
}
