package gateway

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// attributed returns the server's request as the client gets it: a question to
// the person says which server asks, unless a rule of the operator's vouches for
// the method.
func (d *door) attributed(m *wire.Message, c *ostiary.Call) (*wire.Message, error) {
	if c.Class != ostiary.ClassElicitation || c.Rule.Written() {
		return m, nil
	}
	edit, err := d.sourceEdit(m, m.Params)
	if err != nil {
		return nil, err
	}
	raw, err := wire.Splice(m.Raw, edit)
	if err != nil {
		return nil, err
	}
	return d.again(m, raw)
}

// sourceEdit puts the name of the server before the message of an elicitation. A
// question without a message could not say who asks, so it is refused.
func (d *door) sourceEdit(m *wire.Message, params []byte) (wire.Edit, error) {
	raw, ok := wire.Member(params, "message")
	start, _, inside := m.Offset(raw)
	if !ok || !inside || raw[0] != '"' {
		return wire.Edit{}, &ostiary.Error{Code: ostiary.CodeWireParams,
			Message: "an elicitation needs a message: send params.message as a string"}
	}
	source := wire.Quote("[asked by the server " + d.o.Upstream + "] ")
	return wire.Edit{Start: start + 1, End: start + 1, With: source[1 : len(source)-1]}, nil
}

// asksMost is how many requests one result may carry.
const asksMost = 16

// inspect makes the Result of a server's answer. An answer may carry requests to
// the client's person or model: a result of any kind in inputRequests (revision
// 2026-07-28 and its tasks extension), an error in data.elicitations (revision
// 2025-11-25). Each is a call of its own, judged and recorded like one that comes
// by itself.
func (d *door) inspect(ctx context.Context, on *stream, m, reply *wire.Message) (*ostiary.Result, *wire.Message, error) {
	r := resultOf(reply)
	if reply.ResultTwin && (m.Era == wire.EraModern || reply.Kind == wire.KindError) {
		return r, nil, &ostiary.Error{Code: ostiary.CodeWireDuplicate,
			Message: "the server's answer spells resultType, inputRequests or data.elicitations in another case, which clients read differently, so it was withheld: " +
				"whether the call took effect is unknown; tell the operator about the server"}
	}
	if m.Era == wire.EraModern && reply.ResultKind == wire.ResultOther {
		return r, nil, &ostiary.Error{Code: ostiary.CodeWireEnvelope,
			Message: "the server's answer has a resultType that the door does not know, so what it asks of the client cannot be judged, and it was withheld: " +
				"whether the call took effect is unknown; tell the operator about the server"}
	}
	raw, err := d.judgeAsks(ctx, reply, on)
	if err != nil {
		return r, nil, err
	}
	if len(raw) == len(reply.Raw) { // sources only ever make it longer
		return r, reply, nil
	}
	changed, err := wire.Parse(raw, d.o.Limits)
	if err != nil {
		return r, nil, err
	}
	return resultOf(changed), changed, nil
}

// judgeAsks takes every request inside an answer or a notification through the
// line. It returns the message with the sources named, or why it must not pass.
func (d *door) judgeAsks(ctx context.Context, m *wire.Message, on *stream) ([]byte, error) {
	if len(m.InputRequests) > asksMost {
		return nil, &ostiary.Error{Code: ostiary.CodeLimitSize,
			Message: fmt.Sprintf("the server asked more than %d questions at once, so its answer was withheld: use the tool in a way that needs fewer", asksMost)}
	}
	var edits []wire.Edit
	for _, ask := range m.InputRequests {
		edit, err := d.judgeAsk(ctx, m, on, ask)
		if err != nil {
			return nil, err
		}
		if edit.With != nil {
			edits = append(edits, edit)
		}
	}
	if len(edits) == 0 {
		return m.Raw, nil
	}
	return wire.Splice(m.Raw, edits...)
}

// judgeAsk takes one request inside a message through the line and returns the
// edit that names its source.
func (d *door) judgeAsk(ctx context.Context, within *wire.Message, on *stream, ask wire.InputRequest) (edit wire.Edit, err error) {
	c := d.newCall(ask.Method, wire.Describe(ask.Method, wire.FromServer).Class, on)
	var dec ostiary.Decision
	if err := setArguments(c, ask.Params); err != nil {
		dec = d.o.Line.Refuse(c, ostiary.Refused("wire", err))
	} else {
		if c.Class == ostiary.ClassElicitation {
			c.Target = ask.ElicitationMode
		}
		d.ruleFor(c, d.catalog.base())
		_, dec = d.o.Line.Do(ctx, c, func(_ context.Context, c *ostiary.Call) (_ *ostiary.Result, err error) {
			if c.Class == ostiary.ClassElicitation && !c.Rule.Written() {
				edit, err = d.sourceEdit(within, ask.Params)
			}
			return &ostiary.Result{Status: ostiary.StatusPending}, err
		})
	}
	if dec.Verdict == ostiary.Allow {
		return edit, nil
	}
	return edit, &ostiary.Error{Code: dec.Code, RetryAfter: dec.RetryAfter,
		Message: "the server's answer asks for something that is refused, so it was withheld: " + dec.Message}
}

// textRunes is how much of a result's text the recorder gets. It keeps 200 runes
// of it, cut behind the redactor: a secret that a cut halves is not found.
const textRunes = 4 * 256

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
