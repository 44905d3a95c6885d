package gateway

import (
	"context"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// fromClient takes one message of the client. It is called by one goroutine, in
// the order of the messages; requests go on by themselves.
func (d *door) fromClient(ctx context.Context, line []byte, tooLong bool) {
	if !d.under.enter() {
		return
	}
	m, err := d.parse(line, tooLong)
	if err == nil && d.ids.isOwn(m.Key) {
		err = &ostiary.Error{Code: ostiary.CodeWireID,
			Message: "this id belongs to the door's own requests: give your requests other ids"}
	}
	if err != nil {
		defer d.under.leave()
		d.refuseMalformed(ctx, line, err)
		return
	}
	switch m.Kind {
	case wire.KindRequest:
		d.clientRequest(ctx, m)
	case wire.KindNotification:
		defer d.under.leave()
		d.clientNotification(ctx, m)
	default:
		go func() {
			defer d.under.leave()
			d.clientAnswer(ctx, m)
		}()
	}
}

// refuseMalformed answers bytes that are no acceptable message.
func (d *door) refuseMalformed(ctx context.Context, line []byte, err error) {
	c := d.newCall("", ostiary.ClassMalformed)
	dec := d.o.Line.Refuse(c, ostiary.Refused("wire", err))
	d.reply(ctx, wire.RefusalMalformed(line, c.ID, dec))
}

// clientRequest starts a request. Others overtake it while it is judged, but a
// handshake comes first: what a client sends behind `initialize` waits for it.
func (d *door) clientRequest(ctx context.Context, m *wire.Message) {
	callID, err := d.ids.call()
	running, cancel := context.WithCancelCause(ctx)
	p := &pending{method: m.Method, callID: callID, cancel: cancel, reply: make(chan *wire.Message, 1)}
	if err == nil {
		err = d.down.add(m.Key, p)
	}
	if err != nil {
		defer d.under.leave()
		cancel(nil)
		c := d.newCall(m.Method, ostiary.ClassMalformed)
		d.reply(ctx, wire.Refusal(m, c.ID, d.o.Line.Refuse(c, ostiary.Refused("wire", err))))
		return
	}
	serve := func() {
		defer d.under.leave()
		defer cancel(nil)
		d.serveRequest(running, m, p)
	}
	if m.Method == "initialize" {
		serve()
		return
	}
	go serve()
}

// serveRequest takes one request through the line and answers it.
func (d *door) serveRequest(ctx context.Context, m *wire.Message, p *pending) {
	answered := false
	defer func() { d.down.remove(m.Key, !answered) }()
	c, err := d.clientCall(ctx, m, p.callID)
	var r *ostiary.Result
	var reply *wire.Message
	var dec ostiary.Decision
	if err != nil {
		dec = d.o.Line.Refuse(c, ostiary.Refused("wire", err))
	} else {
		r, dec = d.o.Line.Do(ctx, c, func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
			r, m, err := d.forward(ctx, m, p)
			reply = m
			return r, err
		})
	}
	answered = reply != nil || !p.sent
	switch {
	case dec.Code == ostiary.CodeGatewayCancelled && d.down.withdrawal(m.Key) != nil:
		// Who withdraws a request gets no answer (MCP, cancellation).
	case r == nil:
		d.reply(ctx, wire.Refusal(m, c.ID, dec))
	case reply == nil:
		d.reply(ctx, wire.ResultReply(m.ID, r.Body))
	default:
		d.release(ctx, reply, r)
		d.observe(ctx, m, reply)
	}
}

// forward sends the request as it came and waits for its answer.
func (d *door) forward(ctx context.Context, m *wire.Message, p *pending) (*ostiary.Result, *wire.Message, error) {
	if !d.down.markSent(m.Key) {
		if err := context.Cause(ctx); err != nil {
			return nil, nil, err
		}
		return nil, nil, errUpstreamGone
	}
	if err := d.toServer.send(ctx, m.Raw); err != nil {
		return nil, nil, d.gone(ctx, err)
	}
	select {
	case reply := <-p.reply:
		r, changed, err := d.inspect(m, reply)
		return r, changed, err
	case <-ctx.Done():
		d.withdrawUpstream(ctx, m)
		return nil, nil, context.Cause(ctx)
	}
}

// withdrawUpstream tells the server that nobody waits any more: with the
// client's own words where the client withdrew, else with ours. The handshake
// cannot be withdrawn (MCP, cancellation).
func (d *door) withdrawUpstream(ctx context.Context, m *wire.Message) {
	if m.Method == "initialize" {
		return
	}
	raw := d.down.withdrawal(m.Key)
	if raw == nil {
		raw = wire.Cancelled(m.ID, "the door ended the call")
	}
	// The call's own context has ended; the message is small and the server may
	// be gone, which the reader of the server notices.
	if err := d.toServer.send(context.WithoutCancel(ctx), raw); err != nil {
		d.o.Log.Debug("the server does not take a cancellation", "error", err)
	}
}

// clientNotification forwards a notification in its place among the messages.
func (d *door) clientNotification(ctx context.Context, m *wire.Message) {
	if m.Method == "notifications/cancelled" {
		if d.down.withdraw(m.CancelKey, m.Raw, errWithdrawn) {
			return // the call's own record says it, and its runner passes it on
		}
		d.odd.refuse(m.Method, &ostiary.Error{Code: ostiary.CodeGatewayOrphan,
			Message: "a cancellation of a request that is not open was dropped"})
		return
	}
	c, err := d.messageCall(m, wire.FromClient, m.Params)
	if err != nil {
		d.odd.refuse(m.Method, err)
		return
	}
	d.o.Line.Do(ctx, c, func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
		if err := d.toServer.send(ctx, m.Raw); err != nil {
			return nil, d.gone(ctx, err)
		}
		return &ostiary.Result{Status: ostiary.StatusOK}, nil
	})
	if m.Method == "notifications/initialized" {
		d.catalog.legacyReady(ctx)
	}
}

// clientAnswer forwards the client's answer to one of the server's requests. It
// carries what the client's side knows to the server: a sink.
func (d *door) clientAnswer(ctx context.Context, m *wire.Message) {
	p := d.up.take(m.Key)
	if p == nil {
		d.odd.refuse("", &ostiary.Error{Code: ostiary.CodeGatewayOrphan,
			Message: "an answer of the client to no open request was dropped"})
		return
	}
	body := m.Result
	if m.Kind == wire.KindError {
		body = m.Error
	}
	c, err := d.messageCall(m, wire.FromClient, body)
	if err == nil {
		c.Class = ostiary.ClassAnswer
		c.Method = p.method
		d.ruleFor(c, d.catalog.base())
		_, dec := d.o.Line.Do(ctx, c, func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
			if err := d.toServer.send(ctx, m.Raw); err != nil {
				return nil, d.gone(ctx, err)
			}
			return &ostiary.Result{Status: ostiary.StatusOK}, nil
		})
		if dec.Verdict == ostiary.Allow {
			return
		}
		err = &ostiary.Error{Code: dec.Code, Message: dec.Message}
	}
	// The server must not wait for an answer that was kept back.
	e := ostiary.AsError(err)
	if err := d.toServer.send(ctx, wire.ErrorReply(m.ID, wire.RPCCode(e.Code), e.Message, nil)); err != nil {
		d.o.Log.Debug("the server does not take an answer", "error", err)
	}
}

// gone explains why something could not be handed to the server.
func (d *door) gone(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Message: errUpstreamGone.Message, Err: err}
}
