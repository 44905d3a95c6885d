package gateway

import (
	"context"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// fromClient takes one message of the client. It is called by one goroutine, in
// the order of the messages, and does not wait for the server or for the client
// to read: the client's end and its cancellations must be seen.
func (d *door) fromClient(ctx context.Context, l line) {
	if !d.under.enter() {
		l.share.close()
		return
	}
	if d.shake.hold(ctx, l) {
		return
	}
	d.clientLine(ctx, l)
}

// clientLine handles one message; requests go on by themselves.
func (d *door) clientLine(ctx context.Context, l line) {
	m, err := d.parse(l)
	if err == nil && d.many && d.remote == nil {
		unbroken(m.Raw)
	}
	d.clientMessage(ctx, l, m, err)
}

// clientMessage handles one message, or what is none because of err.
func (d *door) clientMessage(ctx context.Context, l line, m *wire.Message, err error) {
	if err == nil && (m.Kind == wire.KindRequest || m.Kind == wire.KindNotification) {
		err = misnamed(m, wire.FromClient)
	}
	if err != nil || m.Kind != wire.KindRequest {
		defer l.share.close()
	}
	if err == nil && d.ids.isOwn(m.Key) && m.Kind != wire.KindRequest {
		defer d.under.leave()
		d.ownAnswer(m)
		return
	}
	if err == nil && d.ids.isOwn(m.Key) {
		defer l.share.close()
		err = errOwnID
	}
	switch {
	case err != nil:
		defer d.under.leave()
		d.refuseMalformed(l, err)
	case m.Kind == wire.KindRequest:
		d.clientRequest(ctx, m, l)
	case m.Kind == wire.KindNotification:
		defer d.under.leave()
		d.clientNotification(ctx, m, l.on)
	default:
		d.clientAnswer(ctx, m, l.on)
	}
}

// refuseMalformed answers bytes that are no acceptable message. An id that an
// open request has is not repeated: the answer would be taken for that one's.
func (d *door) refuseMalformed(l line, err error) {
	c := d.newCall("", ostiary.ClassMalformed, l.on)
	dec := d.garbled.refuse(c, err)
	l.on.asRefusal(dec, nil)
	id := wire.RecoverID(l.raw)
	if l.tooLong {
		id = wire.RecoverHeadID(l.raw)
	}
	if id != nil && d.down.has(wire.IDKey(id)) {
		id = nil
	}
	d.answerNow(l.on, wire.Refusal(&wire.Message{Kind: wire.KindRequest, ID: id}, c.ID, dec))
}

// clientNotification forwards a notification in its place among the messages.
func (d *door) clientNotification(ctx context.Context, m *wire.Message, on *stream) {
	m, err := d.withoutToken(m)
	if err == nil {
		err = misplaced(m)
	}
	if err != nil {
		d.odd.refuse("", err)
		return
	}
	if m.Method == "notifications/cancelled" {
		if !d.ids.isOwn(m.CancelKey) {
			if p, _ := d.down.withdraw(m.CancelKey, m.Raw, errWithdrawn); p != nil {
				return // the call's own record says it, and its runner passes it on
			}
		}
		d.odd.refuse(m.Method, &ostiary.Error{Code: ostiary.CodeGatewayOrphan,
			Message: "a cancellation of a request that is not open was dropped"})
		return
	}
	c, err := d.messageCall(m, wire.FromClient, on, m.Params)
	if err != nil {
		d.odd.refuse(m.Method, err)
		return
	}
	_, dec := d.o.Line.Do(ctx, c, func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		if err := d.toServer.sendNow(m.Raw); err != nil {
			return nil, gone(err)
		}
		return &ostiary.Result{Status: ostiary.StatusOK}, nil
	})
	if m.Method == "notifications/initialized" && dec.Verdict == ostiary.Allow {
		d.catalog.legacyReady()
		if d.read != nil && d.remote != nil { // its client has no stream to ask for
			d.remote.busy.Go(func() {
				defer d.breaks()
				d.remote.follow(d.remote.ctx)
			})
		}
	}
}

// clientAnswer forwards the client's answer to one of the server's requests. It
// carries what the client's side knows to the server: a sink.
func (d *door) clientAnswer(ctx context.Context, m *wire.Message, on *stream) {
	p, late := d.up.take(m.Key)
	if p == nil {
		defer d.under.leave()
		d.odd.answer(late)
		return
	}
	go func() {
		defer d.under.leave()
		defer d.breaks()
		if err := d.judgeAnswer(ctx, m, p, on); err != nil {
			// The server must not wait for an answer that was kept back.
			e := ostiary.AsError(err)
			d.answerServer(wire.ErrorReply(m.ID, wire.RPCCode(e.Code), e.Message, nil))
		}
	}()
}

// judgeAnswer returns why an answer was kept back.
func (d *door) judgeAnswer(ctx context.Context, m *wire.Message, p *pending, on *stream) error {
	body := m.Result
	if m.Kind == wire.KindError {
		body = m.Error
	}
	c := d.newCall(p.method, ostiary.ClassAnswer, on)
	c.Meta = m.Meta
	err := misplaced(m)
	if err == nil {
		err = setArguments(c, body)
	}
	if err != nil {
		dec := d.o.Line.Refuse(c, ostiary.Refused("wire", err))
		return &ostiary.Error{Code: dec.Code, Message: dec.Message}
	}
	d.ruleFor(c, d.catalog.base())
	c.Closed = p.class == ostiary.ClassControl // whatever a row says of the question
	_, dec := d.o.Line.Do(ctx, c, func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
		if err := d.toServer.send(ctx, on, m); err != nil {
			return nil, gone(err)
		}
		return &ostiary.Result{Status: ostiary.StatusOK}, nil
	})
	if dec.Verdict == ostiary.Allow {
		return nil
	}
	return &ostiary.Error{Code: dec.Code, Message: dec.Message}
}

// gone explains why something could not be handed to the server. The cause of a
// context that ended is the explanation.
func gone(err error) error {
	if e := ostiary.AsError(err); e.Code != ostiary.CodeInternal {
		return e
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Message: errUpstreamGone.Message, Err: err}
}
