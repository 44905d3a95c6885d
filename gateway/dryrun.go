package gateway

import (
	"context"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// DryRun implements ostiary.Caller. The dry run is the same request under an id
// of the door's own and with the argument set; it is judged, recorded and
// filtered like any other call. What belongs to the call itself is left out of it:
// the progress token and the idempotency key in _meta, and all that stands beside
// the arguments (answers to the server, its state, the wish for a task).
func (q *caller) DryRun(ctx context.Context) (*ostiary.Result, error) {
	if q.preview || q.c.DryRun || q.c.Class != ostiary.ClassTool || q.c.Rule.Rewrite.DryRun == "" {
		return nil, &ostiary.Error{Code: ostiary.CodePreviewFailed, Message: "this call has no dry run that the operator vouches for"}
	}
	d, id := q.d, q.d.ids.request()
	m, err := q.rehearsal(wire.Quote(id), q.c.Rule.Rewrite.DryRun)
	if err != nil {
		return nil, err
	}
	callID, err := d.ids.call()
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &caller{d: d, ctx: running, m: m, preview: true, pending: pending{on: q.on,
		method: m.Method, class: q.class, callID: callID, cancel: cancel, size: len(m.Raw), reply: make(chan struct{}),
	}}
	if err := d.down.add(m.Key, &r.pending); err != nil {
		return nil, err
	}
	defer d.down.release(&r.pending)
	defer d.down.remove(m.Key)
	if err := r.judgeable(running); err != nil {
		dec := d.o.Line.Refuse(r.c, ostiary.Refused("wire", err))
		return nil, &ostiary.Error{Code: dec.Code, Message: dec.Message}
	}
	if !r.c.DryRun { // the rule has changed
		dec := d.o.Line.Refuse(r.c, ostiary.Refused("preview", &ostiary.Error{Code: ostiary.CodePreviewFailed,
			Message: "the operator does not vouch for a dry run of this tool any more"}))
		return nil, &ostiary.Error{Code: dec.Code, Message: dec.Message}
	}
	forPerson := *r.c.Rule // a mark is for a model; what hides is shown to a person too
	forPerson.Output.Mark = "off"
	r.c.Rule = &forPerson
	out, dec := d.o.Line.Do(running, r.c, func(ctx context.Context, _ *ostiary.Call) (*ostiary.Result, error) {
		out, answer, err := d.forward(ctx, r)
		if err == nil && out.Status == ostiary.StatusPending || err == nil && len(answer.InputRequests) > 0 {
			err = &ostiary.Error{Code: ostiary.CodePreviewFailed, Message: "the tool's dry run asks for something instead of showing what the call would do"}
		}
		return out, err
	})
	if dec.Verdict != ostiary.Allow {
		return nil, &ostiary.Error{Code: dec.Code, Message: dec.Message, Reason: dec.Reason, RetryAfter: dec.RetryAfter}
	}
	out.Text = wire.Text(out.Body, previewRunes)
	return out, nil
}

// previewRunes is how much of a dry run's text a person may get to see.
const previewRunes = 64 << 10

// rehearsal is the request as the dry run sends it.
func (q *caller) rehearsal(id []byte, argument string) (*wire.Message, error) {
	start, end, ok := q.m.Offset(q.m.ID)
	if !ok {
		return nil, &ostiary.Error{Code: ostiary.CodeInternal, Message: "the door could not make a dry run of this call"}
	}
	params := change{within: q.m.Params}
	if q.m.HasBeside {
		beside, err := wire.ReadMembers(q.c.Beside)
		if err != nil {
			return nil, err
		}
		params.drop = beside.Names()
	}
	// The rewrite has put the argument there.
	args := change{within: q.m.Arguments, set: []wire.Setting{{Name: argument, Value: []byte("true")}}}
	meta := change{within: q.m.Meta}
	if q.m.Meta != nil {
		meta.drop = []string{wire.MetaKey, "progressToken"}
	}
	edits := []wire.Edit{{Start: start, End: end, With: id}}
	for _, c := range []change{params, args, meta} {
		more, err := c.edits(q.m)
		if err != nil {
			return nil, err
		}
		edits = append(edits, more...)
	}
	return q.d.spliced(q.m, edits)
}
