package gateway

import (
	"bytes"
	"context"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// fromServer takes one message of the server, in order. When the client has
// left, calls under way still get their answers. While too much of what the
// server said waits for the client to read, nothing more is read.
func (d *door) fromServer(ctx context.Context, l line) {
	if !d.under.join() {
		return
	}
	l = d.masked(l)
	m, err := d.parse(l)
	d.serverMessage(ctx, l, m, err)
}

// masked is a message of the server without what must not reach a client, so that
// what is judged, kept and forwarded is the same: answers and what stands in them,
// notifications, questions, lists, instructions.
func (d *door) masked(l line) line {
	if d.o.Mask != nil && !l.tooLong {
		l.raw = d.o.Mask(l.raw)
	}
	return l
}

// maskedEvent is an event whose id may reach the client: one with a secret goes
// without, since what would be left of it is no place to come back to.
func (d *door) maskedEvent(e event) event {
	if d.o.Mask != nil && e.id != "" {
		if quoted := wire.Quote(e.id); !bytes.Equal(d.o.Mask(quoted), quoted) {
			e.id = ""
		}
	}
	return e
}

// serverMessage handles one message, or what is none because of err.
func (d *door) serverMessage(ctx context.Context, l line, m *wire.Message, err error) {
	if err == nil && (m.Kind == wire.KindRequest || m.Kind == wire.KindNotification) {
		err = misnamed(m, wire.FromServer)
	}
	if err == nil && m.Kind == wire.KindRequest && d.ids.isOwn(m.Key) {
		err = errOwnID // its answer would be taken for that of the door's own question
	}
	if err == nil && m.Kind == wire.KindRequest && d.o.Clean.finds(m.ID) {
		err = errSecretID
	}
	switch {
	case err != nil:
		defer d.under.leave()
		d.serverMalformed(l, err)
	case m.Kind == wire.KindRequest:
		d.serverRequest(ctx, m, l.on)
	case m.Kind == wire.KindNotification:
		defer d.under.leave()
		d.serverNotification(ctx, m, l.on)
	default:
		defer d.under.leave()
		d.noteTask(m)
		if delivered, late := d.down.deliver(m); !delivered {
			d.odd.answer(late)
		}
		d.down.room(ctx)
	}
}

// serverMalformed drops what the server should not have written. If it can be
// told which call it was to answer, that call ends now and not by time-out; a
// request is refused, so that the server does not wait.
func (d *door) serverMalformed(l line, err error) {
	e := ostiary.AsError(err)
	d.odd.refuse("", e)
	if id := wire.RecoverAnswerID(l.raw, l.tail); id != nil {
		d.down.fail(wire.IDKey(id), &ostiary.Error{Code: e.Code, Reason: e.Reason,
			Message: "the server's answer was refused (" + e.Message + "); whether the call took effect is unknown: look before you repeat it, and tell the operator about the server"})
	} else if id := wire.RecoverID(l.raw); id != nil && !d.up.has(wire.IDKey(id)) {
		d.answerServer(wire.ErrorReply(id, wire.RPCCode(e.Code), e.Message, nil))
	}
}

// serverRequest takes a request of the server through the line. What reaches the
// client's person or model is forwarded only if policy lets it; the answer is a
// call of its own.
func (d *door) serverRequest(ctx context.Context, m *wire.Message, on *stream) {
	class := wire.Describe(m.Method, wire.FromServer).Class
	running, cancel := context.WithCancelCause(ctx)
	c, err := d.messageCall(m, wire.FromServer, on, m.Params)
	if err == nil {
		err = d.up.add(m.Key, &pending{method: m.Method, class: class, callID: c.ID, cancel: cancel, size: len(m.Raw)})
	}
	if err != nil {
		// A server could send these without end, so they are counted.
		defer d.under.leave()
		defer cancel(nil)
		e := ostiary.AsError(err)
		d.odd.refuse(m.Method, e)
		id := m.ID
		if d.up.has(m.Key) {
			id = nil // the answer would be taken for the open one's
		}
		d.answerServer(wire.ErrorReply(id, wire.RPCCode(e.Code), e.Message, nil))
		return
	}
	go func() {
		defer d.under.leave()
		defer cancel(nil)
		defer d.breaks()
		_, dec := d.o.Line.Do(running, c, func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
			return d.forwardUp(ctx, m, c, on)
		})
		if dec.Verdict == ostiary.Allow {
			return
		}
		withdrawn := d.up.withdrawal(m.Key) != nil
		d.up.remove(m.Key)
		if !withdrawn {
			d.answerServer(wire.Refusal(m, c.ID, dec))
		}
	}()
}

// forwardUp hands a request of the server to the client.
func (d *door) forwardUp(ctx context.Context, m *wire.Message, c *ostiary.Call, on *stream) (*ostiary.Result, error) {
	found := &ostiary.Result{Status: ostiary.StatusPending}
	shown, err := d.attributed(m, c)
	if err != nil {
		return nil, err
	}
	if shown, err = d.treated(ctx, c, shown, found); err != nil {
		return found, err
	}
	if !d.up.markSent(m.Key) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		return nil, errShutdown
	}
	if err := d.toClient.send(ctx, on, shown.Raw); err != nil {
		d.up.unsend(m.Key)
		return nil, err
	}
	return found, nil
}

// fromRemote takes one message of a server over HTTP, which came by the answer to
// the request q, or by the server's own stream. It reports whether it answers q.
func (d *door) fromRemote(ctx context.Context, l line, q *outgoing) (answers bool) {
	if !d.under.join() {
		return true
	}
	l = d.masked(l)
	m, err := wire.Parse(l.raw, d.o.Limits)
	if l.tooLong {
		m, err = d.parse(line{tooLong: true})
	}
	switch {
	case err != nil && q != nil:
		// Nothing else can answer the request, so it ends here.
		defer d.under.leave()
		d.odd.refuse("", err)
		e := ostiary.AsError(err)
		d.down.fail(q.key, &ostiary.Error{Code: e.Code, Reason: e.Reason,
			Message: "the server's answer was refused (" + e.Message + "); whether the call took effect is unknown: look before you repeat it, and tell the operator about the server"})
		return true
	case err == nil && q != nil && (m.Kind == wire.KindResult || m.Kind == wire.KindError):
		if m.Key == wire.IDKey(q.m.ID) || m.Kind == wire.KindError && m.Key == "" {
			m.Key, answers = q.key, true
		}
	case err == nil:
		l.on.keyed(m)
		if l.on != nil && (m.Kind == wire.KindResult || m.Kind == wire.KindError) {
			d.down.takenUp(m.Key, l.on)
		}
	}
	d.serverMessage(ctx, l, m, err)
	return answers
}
