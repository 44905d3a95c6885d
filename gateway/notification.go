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
		c, found := d.noteCall(m, rule, on), &ostiary.Result{Status: ostiary.StatusOK}
		d.tells(c, m)
		if err := d.passNotification(ctx, c, m, on, found); err != nil {
			d.odd.refuse(m.Method, err)
		}
		d.heard.found(c, found)
	default:
		c, err := d.messageCall(m, wire.FromServer, on, m.Params)
		if err != nil {
			d.odd.refuse(m.Method, err)
			return
		}
		d.tells(c, m)
		d.o.Line.Do(ctx, c, func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
			found := &ostiary.Result{Status: ostiary.StatusOK}
			if err := d.passNotification(ctx, c, m, on, found); err != nil {
				found.Status = ostiary.StatusWithheld
				return found, err
			}
			return found, nil
		})
	}
}

// conditional reports whether a rule that does not forbid has more to say.
func conditional(r *ostiary.Rule) bool {
	return len(r.Deny) > 0 || len(r.Scopes) > 0 || r.When != nil || len(r.Checks) > 0 || len(r.Limits) > 0 || r.Ask != ""
}

// passNotification forwards a notification that may pass and makes sense: one
// that speaks of a request needs that request. What asks for input (tasks
// extension) is judged as in a result; the error says why it was dropped. c is the
// call as which the filters see it, found gets what they find.
func (d *door) passNotification(ctx context.Context, c *ostiary.Call, m *wire.Message, on *stream, found *ostiary.Result) error {
	if d.foreign(m) {
		return errTask
	}
	if m.Method == "notifications/progress" && !d.down.hasToken(m.ProgressKey) {
		d.odd.count(ostiary.CodeGatewayOrphan)
		return nil
	}
	if paced(m) && !d.notes.allow(d.o.Now(), notesPerSecond) {
		d.odd.count(ostiary.CodeLimitRate)
		return nil
	}
	if (on != nil || !d.shared) && !d.shows(on, m) { // else each who hears it is looked at
		return errUnseen
	}
	raw, err := d.judgeAsks(ctx, m, on)
	if err == nil && len(raw) != len(m.Raw) {
		m, err = d.again(m, raw)
	}
	if err == nil {
		m, err = d.treated(ctx, c, m, found)
	}
	if err != nil {
		return err
	}
	switch m.Method {
	case "notifications/tools/list_changed", "notifications/resources/list_changed", "notifications/prompts/list_changed":
		d.catalog.changed()
	case "notifications/cancelled":
		// The server withdraws its own request, or ends a subscription.
		p, sent := d.up.withdraw(m.CancelKey, m.Raw, errWithdrawn)
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
	d.reply(ctx, on, m.Raw)
	return nil
}

// paced reports whether a notification counts among those of which only so many pass.
func paced(m *wire.Message) bool {
	return m.Method == "notifications/progress" || m.Method == "notifications/message" || len(m.InputRequests) > 0
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
