package idempotency

import (
	"context"

	"github.com/ostiary/ostiary"
)

// maxLeft is how many calls a gate remembers whose end was not noted.
const maxLeft = 10_000

// reserve takes the key if nobody has it. It returns the entry of a first call
// that has to be waited for, or else decides.
func (g *Gate) reserve(ctx context.Context, c *ostiary.Call, s scoped) (d ostiary.Decision, wait *entry, err error) {
	taken := false
	err = g.store.Update(ctx, func(tx ostiary.Tx) error {
		e, err := get(tx, s.row, g.clock())
		if err != nil {
			return err
		}
		if !g.free(e) {
			d, wait, err = g.judge(c, s, e)
			return err
		}
		h := &hold{gate: g, key: s, entry: g.entry(c, s, reserved)}
		d = ostiary.Decision{Verdict: ostiary.Allow, Under: s.under(), Hold: h.hold()}
		taken = true
		return put(tx, s.row, &h.entry)
	})
	if err == nil {
		return d, wait, nil
	}
	if taken { // perhaps: a commit that failed may hold, and nobody will give it back
		g.leave(c.ID)
	}
	return ostiary.Decision{}, nil, failed(ctx, err)
}

// entry is what is noted about a call that has not ended.
func (g *Gate) entry(c *ostiary.Call, s scoped, st state) entry {
	now := g.clock()
	return entry{
		State: st, Owner: g.owner, Call: c.ID, Digest: s.digest, Rule: s.rule, Since: now,
		expires: now.Add(max(s.keep, inFlight)),
	}
}

// free reports whether a call may have the key: nobody has it, or one who has
// died before anything ran.
func (g *Gate) free(e *entry) bool {
	return e == nil || e.State == reserved && g.dead(e)
}

// judge decides by the entry of a first call whose key is not free.
func (g *Gate) judge(c *ostiary.Call, s scoped, e *entry) (d ostiary.Decision, wait *entry, err error) {
	switch {
	case e.Digest != s.digest:
		return d, nil, conflict(s, e)
	case e.State == kept:
		return ostiary.Decision{Verdict: ostiary.Answer, Answer: e.stored(), Under: s.under()}, nil, nil
	case e.State == tooLarge:
		return d, nil, notKept(s, e)
	case e.State == unknown, e.State == running && g.dead(e):
		d = lost(s, e)
		d.Hold = g.takeover(c, s, e)
		return d, nil, nil
	}
	return d, e, nil
}

// dead reports whether nobody works on a call any more.
func (g *Gate) dead(e *entry) bool {
	if e.Owner != g.owner {
		return !g.alive(e.Owner)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.left[e.Call]
}

// leave notes that nobody works on a call of this process any more. Where there
// is no room for the note the call counts as alive, which is the safe side.
func (g *Gate) leave(call string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.left) < maxLeft {
		g.left[call] = true
	}
}
