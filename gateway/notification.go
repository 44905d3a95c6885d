package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// notesPerSecond is how many progress and log notifications of the server pass
// in a second; what is more is dropped and counted.
const notesPerSecond = 100

// pace counts within a second. Over HTTP the server speaks in many exchanges at
// once.
type pace struct {
	mu     sync.Mutex
	second time.Time
	n      int
}

func (p *pace) allow(now time.Time, most int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if since := now.Sub(p.second); since >= time.Second || since < 0 {
		p.second, p.n = now, 0
	}
	p.n++
	return p.n <= most
}

// serverNotification passes on what the protocol knows. Notifications are no
// results: they are not recorded one by one, unless a row of the operator's must
// be judged.
func (d *door) serverNotification(ctx context.Context, m *wire.Message, on *stream) {
	rule := d.catalog.base().Method(m.Method, wire.Describe(m.Method, wire.FromServer).Class, "")
	switch {
	case rule.Forbid != nil:
		d.odd.refuse(m.Method, rule.Forbid)
	case !conditional(rule):
		if err := d.passNotification(ctx, m, on); err != nil {
			d.odd.refuse(m.Method, err)
		}
	default:
		c, err := d.messageCall(m, wire.FromServer, on, m.Params)
		if err != nil {
			d.odd.refuse(m.Method, err)
			return
		}
		d.o.Line.Do(ctx, c, func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
			if err := d.passNotification(ctx, m, on); err != nil {
				return &ostiary.Result{Status: ostiary.StatusWithheld}, err
			}
			return &ostiary.Result{Status: ostiary.StatusOK}, nil
		})
	}
}

// conditional reports whether a rule that does not forbid has more to say.
func conditional(r *ostiary.Rule) bool {
	return len(r.Deny) > 0 || len(r.Scopes) > 0 || r.When != nil || len(r.Checks) > 0 || len(r.Limits) > 0 || r.Ask != ""
}

// passNotification forwards a notification that may pass and makes sense: one
// that speaks of a request needs that request. What asks for input (tasks
// extension) is judged as in a result; the error says why it was dropped.
func (d *door) passNotification(ctx context.Context, m *wire.Message, on *stream) error {
	raw := m.Raw
	if len(m.InputRequests) > 0 {
		if !d.notes.allow(d.o.Now(), notesPerSecond) {
			d.odd.count(ostiary.CodeLimitRate)
			return nil
		}
		var err error
		if raw, err = d.judgeAsks(ctx, m, on); err != nil {
			return err
		}
	}
	if d.foreign(m) {
		d.odd.refuse(m.Method, errTask)
		return nil
	}
	switch m.Method {
	case "notifications/progress", "notifications/message":
		if m.Method == "notifications/progress" && !d.down.hasToken(m.ProgressKey) {
			d.odd.count(ostiary.CodeGatewayOrphan)
			return nil
		}
		if !d.notes.allow(d.o.Now(), notesPerSecond) {
			d.odd.count(ostiary.CodeLimitRate)
			return nil
		}
	case "notifications/tools/list_changed", "notifications/resources/list_changed", "notifications/prompts/list_changed":
		d.catalog.changed()
	case "notifications/cancelled":
		// The server withdraws its own request, or ends a subscription.
		p, sent := d.up.withdraw(m.CancelKey, raw, errWithdrawn)
		if p == nil && !d.down.has(m.CancelKey) {
			d.odd.refuse(m.Method, &ostiary.Error{Code: ostiary.CodeGatewayOrphan,
				Message: "a cancellation of a request that is not open was dropped"})
			return nil
		}
		if p != nil {
			if !sent {
				return nil // the client has not seen the request and will not
			}
			d.up.remove(m.CancelKey) // a late answer is not passed on
		} else if on != nil {
			d.subscriptionEnded(m.CancelKey, m.CancelID, on)
			return nil
		}
	}
	if on == nil && d.shared && d.local != nil {
		return d.tellWhoAsked(ctx, m)
	}
	d.reply(ctx, on, raw)
	return nil
}

// tellWhoAsked is passNotification for what a server says to nobody in particular
// where clients share it.
func (d *door) tellWhoAsked(ctx context.Context, m *wire.Message) error {
	if !d.notes.allow(d.o.Now(), notesPerSecond) {
		d.odd.count(ostiary.CodeLimitRate)
		return nil
	}
	heard, err := d.local.tell(ctx, m)
	if !heard && err == nil {
		d.odd.count(ostiary.CodeGatewayOrphan)
	}
	return err
}
