package approval

import (
	"bytes"
	"context"

	"github.com/ostiary/ostiary"
)

// allow lets a call pass under an approved request. That it is the only one is
// decided when the line commits.
func (g *Gate) allow(ctx context.Context, q *question, r *Request) (ostiary.Decision, error) {
	if err := g.same(ctx, q, r); err != nil {
		return ostiary.Decision{}, err
	}
	return ostiary.Decision{
		Verdict: ostiary.Allow, Under: "approval " + r.ID,
		Hold: &ostiary.Hold{Commit: func() error { return g.use(ctx, q, r.ID) }},
	}, nil
}

// use takes an approval for one call: approved becomes used in one transaction,
// and of many calls one wins. The call does not run unless this returns nil.
func (g *Gate) use(ctx context.Context, q *question, id string) error {
	var r *Request
	err := g.store.Update(ctx, func(tx ostiary.Tx) (err error) {
		if r, err = read(tx, id); err != nil {
			return err
		}
		if r == nil {
			return unknown(id)
		}
		if s := r.At(g.now()); s != Approved {
			return closed(r, s)
		}
		if err := g.bytes(tx, q, r); err != nil {
			return err
		}
		r.State, r.UsedBy = Used, q.c.ID
		return write(tx, r)
	})
	if err != nil {
		return err
	}
	e := r.event("approval_used")
	e.Call, e.Session = q.c.ID, q.c.Session
	return g.journal.Note(e)
}

// bytes refuses a call that is not byte for byte what was approved. The identity
// says so already; this holds even if a row of the index were wrong.
func (g *Gate) bytes(tx ostiary.Tx, q *question, r *Request) error {
	kept, err := tx.Get(bucketBytes, r.ID)
	if err != nil {
		return err
	}
	if r.identity == q.identity && q.changed(r, g.o.Policy) == "" && kept != nil && bytes.Equal(kept.Value, q.c.Arguments) {
		return nil
	}
	return refuse(ostiary.CodeApprovalVoid, "the call is not what was approved",
		"this call is not what approval %s was given for: repeat the call, and a person is asked about this one", r.ID)
}
