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

// inquiry is a call's right to open the client's dialog about its request. One
// goroutine uses it.
type inquiry struct {
	g       *Gate
	id      string
	dialog  *ostiary.Dialog // nil: it has no right to, or no more
	answers chan asked
	cancel  context.CancelFunc
	done    chan struct{}
}

// claim takes the right, if the client may answer and no other call has it. It is
// kept until what was answered counts: who claims it later and then reads the
// request sees the answer, and asks nobody twice.
func (g *Gate) claim(q *question, r *Request) *inquiry {
	a := &inquiry{g: g, id: r.ID}
	if d := q.dialog(); d != nil && d.Ask != nil && g.opens(r.ID) {
		a.dialog = d
	}
	return a
}

// open opens the dialog beside the other channels, once.
func (a *inquiry) open(ctx context.Context, r *Request) {
	if a.dialog == nil || a.done != nil {
		return
	}
	ctx, a.cancel = context.WithCancel(ctx)
	a.done, a.answers = make(chan struct{}), make(chan asked, 1)
	text, ask, done, answers := dialogText(r, a.g.shown(ctx, r)), a.dialog.Ask, a.done, a.answers
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				a.g.o.Logger.Warn("approval: a client's dialog failed", "request", r.ID, "panic", p)
			}
		}()
		reply, err := ask(ctx, text)
		answers <- asked{reply, err}
	}()
}

// stop closes the dialog, waits for it and gives the right back.
func (a *inquiry) stop() {
	if a.dialog == nil {
		return
	}
	if a.done != nil {
		a.cancel()
		<-a.done
	}
	a.g.closes(a.id)
	a.dialog, a.answers = nil, nil
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
