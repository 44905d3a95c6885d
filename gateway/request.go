package gateway

import (
	"context"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// clientRequest starts a request of the client. Others overtake it while it is
// judged, but a handshake comes first.
func (d *door) clientRequest(ctx context.Context, m *wire.Message, l line) {
	on := l.on
	callID, err := d.ids.call()
	running, cancel := context.WithCancelCause(ctx)
	q := &caller{d: d, ctx: running, m: m, share: l.share, pending: pending{on: on, who: d.principal(on).ID, target: m.Name,
		method: m.Method, class: wire.Describe(m.Method, wire.FromClient).Class, callID: callID,
		id: m.ID, cancel: cancel, token: m.ProgressKey, size: len(m.Raw), reply: make(chan struct{}), listens: subscriptionOf(m),
	}}
	if err == nil {
		err = d.down.add(m.Key, &q.pending)
	}
	if err != nil {
		defer d.under.leave()
		defer l.share.close()
		cancel(nil)
		d.refuseRequest(m, on, err)
		return
	}
	serve := func() {
		defer d.under.leave()
		defer d.breaks()
		defer l.share.close()
		defer on.settle()
		defer cancel(nil)
		defer d.down.release(&q.pending)
		defer d.survive(q)
		d.serveRequest(ctx, q)
	}
	if m.Method == "initialize" {
		d.shake.run(serve, func(l line) { d.clientLine(ctx, l) })
		return
	}
	if on != nil && m.Era == wire.EraModern { // its exchange has a goroutine and stays as long
		serve()
		return
	}
	d.work.run(serve)
}

// refuseRequest answers a request that cannot be told apart from others. One
// with the id of an open request is answered without id, because its answer
// would be taken for the other's.
func (d *door) refuseRequest(m *wire.Message, on *stream, err error) {
	c := d.newCall(m.Method, ostiary.ClassMalformed, on)
	c.Target = m.Name
	dec := d.garbled.refuse(c, err)
	if d.down.has(m.Key) {
		m = &wire.Message{Kind: wire.KindRequest}
	}
	d.answerNow(on, wire.Refusal(m, c.ID, dec))
}

// serveRequest takes one request through the line and answers it. ctx ends with
// the door: an answer waits for the client to read even when its call was ended.
func (d *door) serveRequest(ctx context.Context, q *caller) {
	err := q.judgeable(q.ctx)
	m, c := q.m, q.c
	var r *ostiary.Result
	var reply *wire.Message
	var dec ostiary.Decision
	if err != nil {
		dec = d.o.Line.Refuse(c, ostiary.Refused("wire", err))
	} else {
		r, dec = d.o.Line.Do(q.ctx, c, func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
			r, answer, err := d.forward(ctx, q)
			reply = answer
			return r, err
		})
	}
	withdrawn := d.down.withdrawal(m.Key) != nil
	d.down.remove(m.Key)
	switch {
	case withdrawn && r == nil:
		// Who withdraws a request gets no answer (MCP, cancellation).
		q.on.silence()
	case r == nil:
		stepsUp := q.on.asRefusal(dec, c.Rule)
		d.answer(ctx, q.on, wire.Refusal(asked(m, dec.Code, stepsUp), c.ID, dec))
	case reply == nil:
		d.answer(ctx, q.on, storedReply(m.ID, r))
	default:
		d.observe(m, reply)
		d.release(ctx, q.on, reply, r)
	}
	d.tellTaken(ctx)
}

// asked is the request as its refusal is to see it: what speaks of the exchange
// and not of the tool is an error and no result, also for tools/call. Clients that
// cannot step up end their session at a 403 without an error in its body.
func asked(m *wire.Message, code ostiary.Code, stepsUp bool) *wire.Message {
	if stepsUp || code == ostiary.CodeWireHeader || code == ostiary.CodeGatewaySession {
		return &wire.Message{Kind: m.Kind, ID: m.ID, Era: m.Era}
	}
	return m
}

// storedReply is the answer to a request that got a kept result instead of a
// run, or a question: with the bytes of its body, as a result or an error.
func storedReply(id []byte, r *ostiary.Result) []byte {
	if r.Status == ostiary.StatusRPCError {
		return wire.FailureReply(id, r.Body)
	}
	return wire.ResultReply(id, r.Body)
}

// forward sends the request as it came and waits for its answer.
func (d *door) forward(ctx context.Context, q *caller) (*ostiary.Result, *wire.Message, error) {
	m := q.m
	reply, err := d.exchange(ctx, outgoing{m.Key, d.traced(q), q.on, q.parameters, q.held()}, func() { d.withdrawUpstream(m) })
	if err != nil {
		if reply == nil {
			return nil, nil, err
		}
		// The server answered, and what it said cannot be passed on.
		return &ostiary.Result{Status: ostiary.StatusWithheld}, nil, err
	}
	r, reply, err := d.inspect(ctx, q.on, m, reply)
	if err == nil {
		err = d.bound(q, reply)
	}
	if err == nil {
		err = d.entitled(ctx, q, r, reply)
	}
	if err == nil {
		err = d.accepted(ctx, q, r, reply)
	}
	return r, reply, err
}

// exchange hands a registered request to the server and waits for the answer,
// which counts even if it comes together with the end of ctx. When nobody waits
// any more, withdraw is called, unless the server needs not be told.
func (d *door) exchange(ctx context.Context, o outgoing, withdraw func()) (*wire.Message, error) {
	key := o.key
	if !d.down.markSent(key) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		return nil, errUpstreamGone
	}
	if err := d.toServer.request(ctx, o); err != nil {
		d.down.unsend(key)
		return nil, gone(err)
	}
	select {
	case <-d.down.replied(key):
	case <-ctx.Done():
	}
	answer, open, refused := d.down.abandon(key)
	switch {
	case answer != nil:
		return answer, nil
	case refused:
		return &wire.Message{}, context.Cause(ctx)
	case open:
		withdraw()
	}
	return nil, context.Cause(ctx)
}

// withdrawUpstream tells the server that nobody waits any more: with the
// client's own words where the client withdrew, else with ours. The handshake
// cannot be withdrawn (MCP, cancellation).
func (d *door) withdrawUpstream(m *wire.Message) {
	if m.Method == "initialize" {
		return
	}
	raw := d.down.withdrawal(m.Key)
	if raw == nil {
		raw = wire.Cancelled(m.ID, "the door ended the call")
	}
	d.toServer.withdraw(m.Key, raw)
}
