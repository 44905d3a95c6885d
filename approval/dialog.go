package approval

import (
	"context"
	"errors"

	"github.com/ostiary/ostiary"
)

// asked is what a client's dialog gave.
type asked struct {
	reply ostiary.Reply
	err   error
}

// ask opens the client's dialog beside the other channels, if it may answer and
// no other call has one open for this request. stop closes it and waits for it.
func (g *Gate) ask(ctx context.Context, q *question, r *Request) (answers <-chan asked, stop func()) {
	d := q.dialog()
	if d == nil || d.Ask == nil || !g.opens(r.ID) {
		return nil, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done, ch := make(chan struct{}), make(chan asked, 1)
	text := dialogText(r, g.shown(ctx, r))
	go func() {
		defer close(done)
		defer g.closes(r.ID)
		defer func() {
			if p := recover(); p != nil {
				g.o.Logger.Warn("approval: a client's dialog failed", "request", r.ID, "panic", p)
			}
		}()
		reply, err := d.Ask(ctx, text)
		ch <- asked{reply, err}
	}()
	return ch, func() { cancel(); <-done }
}

func (g *Gate) opens(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asking[id] {
		return false
	}
	g.asking[id] = true
	return true
}

func (g *Gate) closes(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.asking, id)
}

// answer makes what the person at the client said count. A dialog that failed or
// was closed says nothing: the other channels remain.
func (g *Gate) answer(ctx context.Context, q *question, r *Request, a asked) error {
	m := approve()
	switch {
	case a.err == nil && a.reply == ostiary.ReplyConfirm:
	case a.err == nil && a.reply == ostiary.ReplyCancel:
		m = deny("the person at the client declined")
	default:
		g.o.Logger.Info("approval: the client's dialog gave no answer", "request", r.ID, "err", a.err)
		return nil
	}
	if !r.answeredAt(ChannelClient) && m.to == Approved {
		return nil
	}
	m.by, m.call = Who{Name: q.c.Principal.ID, Channel: ChannelClient}, q.c.ID
	if _, err := g.move(ctx, r.ID, m); err != nil && !isState(err) {
		return err
	}
	return nil // if somebody else was first, that counts
}

// put answers the call with the question itself, for a client that asks its
// person and calls again (revision 2026-07-28).
func (g *Gate) put(ctx context.Context, q *question, r *Request, d *ostiary.Dialog) (ostiary.Decision, error) {
	state, err := g.seal(ctx, q, r)
	if err != nil {
		return ostiary.Decision{}, err
	}
	answer := d.Put(dialogText(r, g.shown(ctx, r)), state)
	if answer == nil {
		return g.wait(ctx, q, r)
	}
	return ostiary.Decision{Verdict: ostiary.Answer, Answer: answer, Reason: "asked the client's person about request " + r.ID}, nil
}

// shown is the request with what only a person needs; without it if it cannot be
// read, which the text then says.
func (g *Gate) shown(ctx context.Context, r *Request) *detail {
	var d *detail
	err := g.store.View(ctx, func(tx ostiary.Tx) (err error) {
		d, err = details(tx, r.ID)
		return err
	})
	if err != nil {
		return &detail{}
	}
	return d
}

// reply judges a call that came back with an answer. Its state must be one that
// the gate sealed for this very call, and counts once.
func (g *Gate) reply(ctx context.Context, q *question, d *ostiary.Dialog) (ostiary.Decision, error) {
	id, err := g.open(ctx, q, d.State)
	if err != nil {
		var e *ostiary.Error
		if errors.As(err, &e) && e.Code == ostiary.CodeApprovalState {
			_ = g.journal.Note(ostiary.Event{ // the refusal is recorded all the same
				Name: "approval_state_refused", Call: q.c.ID, Principal: q.c.Principal.ID, Session: q.c.Session,
				Upstream: q.c.Upstream, Target: q.c.Target, Channel: ChannelClient, Detail: e.Reason,
			})
		}
		return ostiary.Decision{}, err
	}
	r, err := g.find(ctx, q)
	if err != nil {
		return ostiary.Decision{}, err
	}
	if r == nil || r.ID != id {
		if r, err = g.get(ctx, id); err != nil {
			return ostiary.Decision{}, err
		}
		if r == nil {
			return ostiary.Decision{}, unknown(id)
		}
		return g.settled(ctx, q, r)
	}
	if err := g.answer(ctx, q, r, asked{reply: d.Reply}); err != nil {
		return ostiary.Decision{}, err
	}
	if r, err = g.again(ctx, r); err != nil {
		return ostiary.Decision{}, err
	}
	return g.settled(ctx, q, r)
}
