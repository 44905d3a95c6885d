package approval

import (
	"bytes"
	"context"
	"time"

	"github.com/ostiary/ostiary"
)

// patience bounds how long giving an approval back may take.
const patience = 5 * time.Second

// allow lets a call pass under an approved request. That it is the only one is
// decided when the line commits.
func (g *Gate) allow(ctx context.Context, q *question, r *Request) (ostiary.Decision, error) {
	if err := g.same(ctx, q, r); err != nil {
		return ostiary.Decision{}, err
	}
	u := &use{gate: g, q: q, id: r.ID}
	return ostiary.Decision{
		Verdict: ostiary.Allow, Under: "approval " + r.ID,
		Hold: &ostiary.Hold{Commit: func() error { return u.take(ctx) }, Release: func() { u.giveBack(ctx) }},
	}, nil
}

// use is the one use of an approval that a call may take. The line uses it from
// one goroutine.
type use struct {
	gate  *Gate
	q     *question
	id    string
	taken bool // perhaps: the row says for certain
	noted bool // in the evidence
}

// take takes an approval for one call: approved becomes used in one transaction,
// and of many calls one wins. The call does not run unless this returns nil.
func (u *use) take(ctx context.Context) error {
	g, q := u.gate, u.q
	var r *Request
	err := g.store.Update(ctx, func(tx ostiary.Tx) (err error) {
		if r, err = g.read(tx, u.id); err != nil {
			return err
		}
		if r == nil {
			return unknown(u.id)
		}
		if s := r.At(g.now()); s != Approved {
			return closed(r, s)
		}
		if err := g.bytes(tx, q, r); err != nil {
			return err
		}
		r.State, r.UsedBy = Used, q.c.ID
		u.taken = true
		return write(tx, r)
	})
	if err != nil {
		return err
	}
	err = g.journal.Note(u.event(r, "approval_used"))
	u.noted = err == nil
	return err
}

func (u *use) event(r *Request, name string) ostiary.Event {
	e := r.event(name)
	e.Call, e.Session = u.q.c.ID, u.q.c.Session
	return e
}

// giveBack makes a request approved again that this call has used, or what a
// person said of it meanwhile: the call has not run. A use that is in the evidence is taken back there first. What cannot
// be given back stays used.
func (u *use) giveBack(ctx context.Context) {
	if !u.taken {
		return
	}
	u.taken = false
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := u.undo(ctx); err != nil {
		u.gate.o.Logger.Warn("approval: a call that did not run used up an approval, because it could not be given back",
			"request", u.id, "call", u.q.c.ID, "err", err)
	}
}

func (u *use) undo(ctx context.Context) error {
	g := u.gate
	var r *Request
	err := g.store.View(ctx, func(tx ostiary.Tx) (err error) {
		r, err = u.ours(tx)
		return err
	})
	if r == nil || err != nil {
		return err
	}
	if u.noted {
		e := u.event(r, "approval_undone")
		e.Detail = "approval_used does not count: the call did not run"
		if err := g.journal.Note(e); err != nil {
			return err
		}
	}
	var said *ostiary.Event // what counts now, and stands in the evidence as late
	err = g.store.Update(ctx, func(tx ostiary.Tx) error {
		said = nil
		r, err := u.ours(tx)
		if r == nil || err != nil {
			return err
		}
		l, err := lately(tx, r.ID)
		if err != nil {
			return err
		}
		r.State, r.UsedBy = Approved, ""
		if l != nil {
			e := l.into(r).event(r)
			said = &e
			if err := tx.Delete(bucketLate, r.ID); err != nil {
				return err
			}
		}
		if err := write(tx, r); err != nil || l != nil {
			return err
		}
		return tx.Put(bucketBytes, ostiary.Row{Key: r.ID, Expires: r.Expires, Value: u.q.sent})
	})
	if err == nil && said != nil {
		err = g.journal.Note(*said)
	}
	return err
}

// ours returns the request if this call has used it and no other request stands
// for the same question by now; else nil.
func (u *use) ours(tx ostiary.Tx) (*Request, error) {
	r, err := u.gate.last(tx, u.q.identity)
	if err != nil || r == nil || r.ID != u.id || r.State != Used || r.UsedBy != u.q.c.ID {
		return nil, err
	}
	return r, nil
}

// bytes refuses a call that is not byte for byte what was approved. The identity
// says so already; this holds even if a row of the index were wrong.
func (g *Gate) bytes(tx ostiary.Tx, q *question, r *Request) error {
	kept, err := tx.Get(bucketBytes, r.ID)
	if err != nil {
		return err
	}
	if r.identity == q.identity && q.changed(r, g.o.Policy) == "" && kept != nil && bytes.Equal(kept.Value, q.sent) {
		return nil
	}
	return refuse(ostiary.CodeApprovalVoid, "the call is not what was approved",
		"this call is not what approval %s was given for: repeat the call, and a person is asked about this one", r.ID)
}
