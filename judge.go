package ostiary

import (
	"cmp"
	"context"
	"time"
)

// fresh is how long a call may be under way and run by what the gates saw first,
// if none of them says that it waited.
const fresh = 250 * time.Millisecond

// judge asks every gate until one denies. What was asked is settled at the end,
// and after a wait everything that may have changed is looked at once more.
func (l *Line) judge(ctx context.Context, c *Call, w Watch) (Decision, *holds) {
	verdict := Allowed()
	var asks []Decision
	held := &holds{}
	for _, g := range l.o.Gates {
		d := check(ctx, g, c)
		tellStage(w, &d)
		held.add(d.Hold)
		verdict.Waited = verdict.Waited || d.Waited
		switch d.Verdict {
		case Allow:
			if d.Settles {
				asks = asks[:0]
			}
			verdict.Under = cmp.Or(verdict.Under, d.Under)
		case Ask:
			asks = append(asks, d)
		case Answer:
			// It runs nothing, so the tool's definition does not matter.
			if changed := l.again(ctx, c, &verdict, false); changed.Verdict != Allow {
				return changed, held
			}
			return d, held
		default:
			d.Verdict = Deny
			if !c.onlyReports(d) {
				return d, held
			}
			verdict.would(d)
		}
	}
	if err := context.Cause(ctx); err != nil {
		return ended("line", err), held
	}
	switch {
	case len(asks) == 0:
	case c.reportsOnly():
		verdict.would(asks[0])
	default:
		d := l.settle(ctx, c, asks)
		tellStage(w, &d)
		held.add(d.Hold)
		if d.Verdict != Allow {
			return d, held
		}
		d.Would, d.WouldReason = verdict.Would, verdict.WouldReason
		d.Under = cmp.Or(d.Under, verdict.Under)
		d.Waited = true // for a person, or at least for the store
		verdict = d
	}
	if changed := l.again(ctx, c, &verdict, true); changed.Verdict != Allow {
		return changed, held
	}
	return verdict, held
}

// again looks once more at what may have changed while a call waited. One that
// did not wait pays for a look at the clock.
func (l *Line) again(ctx context.Context, c *Call, verdict *Decision, runs bool) Decision {
	if !verdict.Waited && l.o.Now().Sub(c.Received) < fresh {
		return Allowed()
	}
	for _, g := range l.o.Gates {
		r, ok := g.(Rechecker)
		if !ok {
			continue
		}
		d := judged(r.Name(), func() (Decision, error) { return r.Recheck(ctx, c) })
		if d.Verdict == Allow {
			continue
		}
		d.Verdict = Deny // there is nobody left to ask
		if !c.onlyReports(d) {
			return d
		}
		verdict.would(d)
	}
	if runs && c.Caller != nil {
		if _, err := safely(func() (*Result, error) { return nil, c.Caller.Current() }); err != nil {
			return Refused("line", err)
		}
	}
	return Allowed()
}

func (l *Line) settle(ctx context.Context, c *Call, asks []Decision) (d Decision) {
	if l.o.Settler == nil {
		d = asks[0]
		d.Verdict = Deny
		return d
	}
	var err error
	func() {
		defer recoverTo(&err)
		d, err = l.o.Settler.Settle(ctx, c, asks)
	}()
	if err != nil {
		return Refused(l.o.Settler.Name(), err)
	}
	if d.Verdict != Allow && d.Verdict != Answer {
		d.Verdict = Deny // a question is no answer
	}
	return named(d, l.o.Settler.Name())
}

// check asks one gate; an error and a panic deny.
func check(ctx context.Context, g Gate, c *Call) Decision {
	return judged(g.Name(), func() (Decision, error) { return g.Check(ctx, c) })
}

func judged(stage string, look func() (Decision, error)) (d Decision) {
	var err error
	func() {
		defer recoverTo(&err)
		d, err = look()
	}()
	if err != nil {
		hold := d.Hold
		d = Refused(stage, err)
		d.Hold = hold
		return d
	}
	return named(d, stage)
}

func named(d Decision, stage string) Decision {
	if d.Stage == "" {
		d.Stage = stage
	}
	return d
}

func (d *Decision) would(denied Decision) {
	if d.Would == "" {
		d.Would, d.WouldReason, d.Stage = denied.Code, denied.Reason, denied.Stage
	}
}

func (c *Call) reportsOnly() bool { return c.Rule != nil && c.Rule.ReportOnly }

// onlyReports reports whether a denial of this call is noted and not enforced.
func (c *Call) onlyReports(d Decision) bool { return c.reportsOnly() && d.Code.reportable() }
