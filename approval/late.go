package approval

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/ostiary/ostiary"
)

// bucketLate holds what a person said about a request that a call had used, under
// its id. It counts if that call does not run and gives the approval back.
const bucketLate = "approval.late"

// late is a change that came when a call had used the request already.
type late struct {
	To                          State
	At                          time.Time
	By, Channel, Reason, Answer string
}

// late reports whether a change that is refused now counts if the use of the
// request is given back.
func (m move) late(r *Request, now time.Time) bool {
	return (m.to == Denied || m.to == Void) && slices.Contains(m.from, Approved) && r.State == Used && now.Before(r.Expires)
}

// keep notes the change beside the request. A no is not made weaker.
func (m move) keep(tx ostiary.Tx, r *Request, now time.Time) error {
	before, err := lately(tx, r.ID)
	if err != nil || before != nil && before.To == Denied {
		return err
	}
	b, err := json.Marshal(late{To: m.to, At: now, By: m.by.Name, Channel: m.by.Channel, Reason: m.reason, Answer: m.answer})
	if err != nil {
		return err
	}
	return tx.Put(bucketLate, ostiary.Row{Key: r.ID, Expires: r.Expires.Add(patience), Value: b})
}

// lately returns what was said of a used request; nil if nothing was.
func lately(tx ostiary.Tx, id string) (*late, error) {
	row, err := tx.Get(bucketLate, id)
	if err != nil || row == nil {
		return nil, err
	}
	l := &late{}
	if err := json.Unmarshal(row.Value, l); err != nil || l.To != Denied && l.To != Void {
		return nil, &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Err: err, Reason: "row " + row.Key + " of bucket " + bucketLate,
			Message: "what was said about a request for approval cannot be read: the operator must look at the store"}
	}
	return l, nil
}

// into makes the change of a request whose use does not count.
func (l *late) into(r *Request) move {
	r.State, r.Decided = l.To, l.At
	r.By, r.Channel, r.Reason, r.Answer = l.By, l.Channel, l.Reason, l.Answer
	return move{to: l.To, by: Who{l.By, l.Channel}, reason: l.Reason, answer: l.Answer}
}

// afterUse notes a change that came late, in the evidence first. If the use was
// given back meanwhile the change is made.
func (l *ledger) afterUse(ctx context.Context, r *Request, m move, why error) (*Request, error) {
	e := m.event(r)
	e.Name, e.Detail = "approval_late", "call "+r.UsedBy+" has used it: approval_"+eventWord(m.to)+" counts if that call does not run"
	if err := l.journal.Note(e); err != nil {
		return nil, err
	}
	back := false
	err := l.store.Update(ctx, func(tx ostiary.Tx) error {
		now, err := l.read(tx, r.ID)
		if err != nil || now == nil {
			return err
		}
		if back = now.State == Approved; back || !m.late(now, l.now()) {
			return nil
		}
		return m.keep(tx, now, l.now())
	})
	switch {
	case err != nil:
		return nil, l.undone(r.ID, m, err)
	case back:
		return l.move(ctx, r.ID, m)
	}
	return nil, tooLate(m, why)
}

// tooLate tells who came late what it still does.
func tooLate(m move, why error) error {
	e := *ostiary.AsError(why)
	e.Message += "; should the call that used it not run after all, the request is " + eventWord(m.to) + " and does not come back"
	return &e
}
