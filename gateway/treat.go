package gateway

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// treated is a question or notification of the server as the filters leave its
// params; m itself where they change nothing. What they find goes into found. With
// an error nothing of it may be sent.
func (d *door) treated(ctx context.Context, c *ostiary.Call, m *wire.Message, found *ostiary.Result) (*wire.Message, error) {
	if len(m.Params) == 0 || !d.o.Line.Treats() {
		return m, nil
	}
	r := &ostiary.Result{Status: found.Status, Body: m.Params}
	err := d.o.Line.Treat(ctx, c, r)
	found.Findings, found.Found = r.Findings, r.Found
	if err != nil || bytes.Equal(r.Body, m.Params) {
		return m, err
	}
	start, end, ok := m.Offset(m.Params)
	if !ok {
		return nil, &ostiary.Error{Code: ostiary.CodeInternal, Message: "the door could not rewrite a message of the server and dropped it"}
	}
	raw, err := wire.Splice(m.Raw, wire.Edit{Start: start, End: end, With: r.Body})
	if err != nil {
		return nil, err
	}
	return d.again(m, raw)
}

// again is a message of the server with other bytes, and with the keys under which
// the door knows it.
func (d *door) again(m *wire.Message, raw []byte) (*wire.Message, error) {
	limits := d.o.Limits
	limits.MaxBytes = max(limits.MaxBytes, len(raw)) // a mark makes it longer
	now, err := wire.Parse(raw, limits)
	if err != nil {
		return nil, err
	}
	now.Key, now.ProgressKey, now.CancelKey = m.Key, m.ProgressKey, m.CancelKey
	return now, nil
}

// noteCall is the call as which the filters see a notification that no gate need
// judge; nil where there are no filters.
func (d *door) noteCall(m *wire.Message, rule *ostiary.Rule, on *stream) *ostiary.Call {
	if len(m.Params) == 0 || !d.o.Line.Treats() {
		return nil
	}
	c := d.newCall(m.Method, wire.Describe(m.Method, wire.FromServer).Class, on)
	c.Target, c.Rule, c.Effect, c.Closed = m.Name, rule, rule.Effect, rule.Closed
	return c
}

// heard records what was found in notifications that have no record of their own,
// after the first 60 in a minute as a count.
type heard struct {
	door *door
	q    quota
}

const codeHeard ostiary.Code = "heard" // names the count; no refusal has it

func newHeard(d *door) *heard {
	h := &heard{door: d}
	h.q.now, h.q.write = d.o.Now, h.counted
	return h
}

// found records what r holds.
func (h *heard) found(c *ostiary.Call, r *ostiary.Result) {
	if r.Found == 0 {
		return
	}
	if h.q.admit(codeHeard, "", oddBurst) {
		h.record(c, "found in a notification of the server", r)
	}
}

func (h *heard) counted(t tally) {
	c := h.door.newCall("", ostiary.ClassNotification, nil)
	h.record(c, fmt.Sprintf("something was found in %d more notifications of the server within a minute", t.n), &ostiary.Result{Status: ostiary.StatusOK})
}

func (h *heard) record(c *ostiary.Call, reason string, r *ostiary.Result) {
	if d := h.door.o.Line.Heard(c, reason, r); d.Verdict != ostiary.Allow {
		h.door.o.Log.Warn("what was found in a notification could not be recorded", "code", d.Code, "reason", d.Reason)
	}
}
