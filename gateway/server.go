package gateway

import (
	"context"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// fromServer takes one message of the server, in order. When the client has
// left, calls under way still get their answers.
func (d *door) fromServer(ctx context.Context, line []byte, tooLong bool) {
	if !d.under.join() {
		return
	}
	m, err := d.parse(line, tooLong)
	if err != nil {
		defer d.under.leave()
		d.serverMalformed(line, err)
		return
	}
	switch m.Kind {
	case wire.KindResult, wire.KindError:
		defer d.under.leave()
		if delivered, late, known := d.down.deliver(m); !delivered {
			d.odd.answer(late, known)
		}
	case wire.KindNotification:
		defer d.under.leave()
		d.serverNotification(ctx, m)
	default:
		d.serverRequest(ctx, m)
	}
}

// serverMalformed drops what the server should not have written. If it can be
// told which call it was to answer, that call ends now and not by time-out.
func (d *door) serverMalformed(line []byte, err error) {
	e := ostiary.AsError(err)
	d.odd.refuse("", e)
	if id := wire.RecoverID(line); id != nil {
		d.down.fail(wire.IDKey(id), &ostiary.Error{Code: e.Code, Reason: e.Reason,
			Message: "the server's answer was refused (" + e.Message + "); whether the call took effect is unknown"})
	}
}

// serverNotification passes on what the protocol knows. Notifications are no
// results: they are not recorded one by one.
func (d *door) serverNotification(ctx context.Context, m *wire.Message) {
	rule := d.catalog.base().Method(m.Method, wire.Describe(m.Method, wire.FromServer).Class, "")
	if rule == nil || rule.Forbid != nil || len(rule.Deny) > 0 {
		d.odd.refuse(m.Method, &ostiary.Error{Code: ostiary.CodePolicyMethod,
			Message: "a notification that no rule allows was dropped; to let it pass write `rules: - {method: " + d.o.Upstream + "/" + visible([]byte(m.Method)) + ", effect: read}`"})
		return
	}
	switch m.Method {
	case "notifications/tools/list_changed", "notifications/resources/list_changed", "notifications/prompts/list_changed":
		d.catalog.changed(ctx)
	case "notifications/cancelled":
		d.up.take(m.CancelKey) // the server does not wait for this answer any more
	}
	d.reply(ctx, m.Raw)
}

// serverRequest takes a request of the server through the line. What reaches the
// client's person or model is forwarded only if policy lets it; the answer is a
// call of its own.
func (d *door) serverRequest(ctx context.Context, m *wire.Message) {
	c, err := d.messageCall(m, wire.FromServer, m.Params)
	if c == nil {
		c = d.newCall(m.Method, ostiary.ClassMalformed)
	}
	p := &pending{method: m.Method, callID: c.ID, cancel: func(error) {}}
	if err == nil {
		err = d.up.add(m.Key, p)
	}
	go func() {
		defer d.under.leave()
		var dec ostiary.Decision
		if err != nil {
			dec = d.o.Line.Refuse(c, ostiary.Refused("wire", err))
		} else {
			_, dec = d.o.Line.Do(ctx, c, func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
				d.up.markSent(m.Key)
				if err := d.toClient.send(ctx, d.attributed(m, c)); err != nil {
					return nil, err
				}
				return &ostiary.Result{Status: ostiary.StatusPending}, nil
			})
		}
		if dec.Verdict == ostiary.Allow {
			return
		}
		if err == nil {
			d.up.remove(m.Key, false)
		}
		if err := d.toServer.send(ctx, wire.Refusal(m, c.ID, dec)); err != nil {
			d.o.Log.Debug("the server does not take a refusal", "error", err)
		}
	}()
}
