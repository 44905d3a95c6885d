package approval

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary"
)

// ledger is what a gate and a desk share: the rows, the evidence and the clock.
type ledger struct {
	store   ostiary.Store
	journal ostiary.Journal
	clock   func() time.Time
	flags   string // of the commands that answer requests
}

func newLedger(s ostiary.Store, j ostiary.Journal, clock func() time.Time, flags string) (*ledger, error) {
	if s == nil || j == nil {
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "approvals need a store and a journal"}
	}
	if clock == nil {
		clock = time.Now
	}
	return &ledger{store: s, journal: j, clock: clock, flags: flags}, nil
}

// now is the time as rows keep it.
func (l *ledger) now() time.Time { return l.clock().UTC().Truncate(time.Microsecond) }

// get returns a request by its whole id; nil if there is none.
func (l *ledger) get(ctx context.Context, id string) (r *Request, err error) {
	err = l.store.View(ctx, func(tx ostiary.Tx) error {
		r, err = l.read(tx, id)
		return err
	})
	return r, err
}

// move is one change of a request.
type move struct {
	to State
	// from are the states that may change to it.
	from []State
	by   Who
	// reason and answer are a person's words, detail is ours.
	reason, answer, detail string
	// call is the call in which it happened, if any.
	call string
}

// apply changes r, or says why that may not be.
func (m move) apply(r *Request, now time.Time) error {
	at := r.At(now)
	for _, s := range m.from {
		if s == at && r.State != m.to {
			r.State, r.Decided = m.to, now
			r.By, r.Channel, r.Reason, r.Answer = m.by.Name, m.by.Channel, m.reason, m.answer
			return nil
		}
	}
	return closed(r, at)
}

func (m move) event(r *Request) ostiary.Event {
	e := r.event("approval_" + eventWord(m.to))
	e.By, e.Channel, e.Reason, e.Detail = m.by.Name, m.by.Channel, m.reason, m.detail
	if m.answer != "" {
		e.Detail = "answered " + m.answer
	}
	if m.call != "" {
		e.Call = m.call
	}
	return e
}

func eventWord(s State) string {
	if s == Void {
		return "voided"
	}
	return string(s)
}

func (r *Request) event(name string) ostiary.Event {
	return ostiary.Event{
		Name: name, Subject: r.ID, Call: r.Call, Principal: r.Principal, Session: r.Session,
		Upstream: r.Upstream, Target: r.Target, Channel: channelGateway,
	}
}

// move notes a change in the evidence and then makes it. If somebody else was
// first, that is noted too, and the error says what the request is now.
func (l *ledger) move(ctx context.Context, id string, m move) (*Request, error) {
	r, err := l.get(ctx, id)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, unknown(id)
	}
	if err := m.apply(r, l.now()); err != nil {
		if m.late(r, l.now()) {
			return l.afterUse(ctx, r, m, err)
		}
		return nil, err
	}
	if err := l.journal.Note(m.event(r)); err != nil {
		return nil, err
	}
	var used error
	err = l.store.Update(ctx, func(tx ostiary.Tx) error {
		used = nil
		if r, err = l.read(tx, id); err != nil {
			return err
		}
		if r == nil {
			return unknown(id)
		}
		err := m.apply(r, l.now())
		if err == nil {
			return write(tx, r)
		}
		if !m.late(r, l.now()) {
			return err
		}
		used = tooLate(m, err)
		return m.keep(tx, r, l.now())
	})
	if err == nil {
		err = used
	}
	if err != nil {
		return nil, l.undone(id, m, err)
	}
	return r, nil
}

// undone notes that what was noted is not so, or may not be.
func (l *ledger) undone(id string, m move, why error) error {
	err := l.journal.Note(ostiary.Event{
		Name: "approval_undone", Subject: id, By: m.by.Name, Channel: m.by.Channel,
		Detail: fmt.Sprintf("approval_%s may not count: %v", eventWord(m.to), why),
	})
	if err != nil {
		return err
	}
	return why
}
