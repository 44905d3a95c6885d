package approval

import (
	"bytes"
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// current returns the request that stands for a question, and makes it if none
// does. Identical calls at once share one.
func (g *Gate) current(ctx context.Context, q *question) (*Request, error) {
	for {
		g.mu.Lock()
		busy, ok := g.making[q.identity]
		if !ok {
			busy = make(chan struct{})
			g.making[q.identity] = busy
		}
		g.mu.Unlock()
		if ok { // somebody asks the same just now
			select {
			case <-busy:
				continue
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		return g.findOrMake(ctx, q, busy)
	}
}

func (g *Gate) findOrMake(ctx context.Context, q *question, busy chan struct{}) (*Request, error) {
	defer func() { // also after a panic of a preview
		g.mu.Lock()
		delete(g.making, q.identity)
		g.mu.Unlock()
		close(busy)
	}()
	r, err := g.find(ctx, q)
	if r != nil || err != nil {
		return r, err
	}
	return g.request(ctx, q)
}

// find returns the request for a question that still stands. One that does not,
// because something changed or its time is over, is closed and noted.
func (g *Gate) find(ctx context.Context, q *question) (r *Request, err error) {
	exact := false
	err = g.store.View(ctx, func(tx ostiary.Tx) error {
		if r, err = g.last(tx, q.identity); err != nil || r == nil || r.State != Approved {
			return err
		}
		kept, err := tx.Get(bucketBytes, r.ID)
		exact = kept != nil && bytes.Equal(kept.Value, q.sent)
		return err
	})
	if err != nil || r == nil {
		return nil, err
	}
	switch s := r.At(g.now()); s {
	case Pending, Approved:
		what := q.changed(r, g.o.Policy)
		switch {
		case what != "":
			return nil, g.void(ctx, q, r, what+" has changed since it was asked")
		case s == Approved && !exact:
			return nil, g.void(ctx, q, r, "the call came again in other bytes than those that were approved")
		}
		return r, nil
	case Expired:
		if r.State == Expired {
			return nil, nil
		}
		approved := r.State == Approved
		g.expire(ctx, r)
		if approved { // somebody said yes, and the call came too late
			return nil, expired(r)
		}
		q.before = fmt.Sprintf("the earlier request %s ended unanswered", r.ID)
		return nil, nil
	case Denied:
		if g.now().Before(r.Expires) && q.changed(r, g.o.Policy) == "" {
			return r, nil
		}
	case Used, Void:
	}
	return nil, nil
}

// last is the last request for what is asked; nil if there is none.
func (l *ledger) last(tx ostiary.Tx, identity digest) (*Request, error) {
	row, err := tx.Get(bucketIdentity, keyOf(identity))
	if err != nil || row == nil {
		return nil, err
	}
	r, err := l.read(tx, string(row.Value))
	if r == nil || err != nil || r.identity != identity {
		return nil, err
	}
	return r, nil
}

func keyOf(d digest) string { return base32.HexEncoding.EncodeToString(d[:]) }

// void closes a request because of what the gate saw. That somebody else closed
// it first is as good.
func (g *Gate) void(ctx context.Context, q *question, r *Request, why string) error {
	_, err := g.move(ctx, r.ID, move{
		to: Void, from: []State{Pending, Approved}, by: Who{Channel: channelGateway}, reason: why, call: q.c.ID,
	})
	if err != nil && !strings.HasPrefix(string(ostiary.AsError(err).Code), "approval_") {
		return err
	}
	q.before = fmt.Sprintf("request %s does not count any more: %s", r.ID, why)
	return nil
}

// request makes a new request: preview, evidence, store, in this order.
func (g *Gate) request(ctx context.Context, q *question) (*Request, error) {
	if err := g.room(ctx, q); err != nil {
		return nil, err
	}
	id, err := newID(g.o.Rand)
	if err != nil {
		return nil, err
	}
	d, err := g.detail(ctx, q)
	if err != nil {
		return nil, err
	}
	r := g.fill(q, id)
	if g.o.Signals != nil {
		r.Warnings = append(r.Warnings, g.o.Signals(ctx, q.c)...)
	}
	e := r.event("approval_requested")
	e.Detail = strings.Join(r.Why, "; ")
	if err := g.journal.Note(e); err != nil {
		return nil, err
	}
	standing, err := g.insert(ctx, q, r, d)
	if err != nil {
		return nil, g.undone(id, move{to: "requested", by: Who{Channel: channelGateway}}, err)
	}
	if standing.ID != id { // another process asked the same at once
		e := r.event("approval_voided")
		e.Detail = "the same call was asked about at once as " + standing.ID
		return standing, g.journal.Note(e)
	}
	shown := *r
	d.into(&shown)
	g.tell.all(shown)
	return r, nil
}

// room refuses early what insert would refuse, before a preview is made for it.
func (g *Gate) room(ctx context.Context, q *question) error {
	return g.store.View(ctx, func(tx ostiary.Tx) error { return g.count(tx, q) })
}

// count refuses a question too many: of the principal, or of the principal about
// one upstream, which gets half, so that one that makes many questions leaves
// room for the others.
func (g *Gate) count(tx ostiary.Tx, q *question) error {
	n, here, err := waiting(tx, q.c.Principal.ID, q.c.Upstream, g.now())
	switch {
	case err != nil:
		return err
	case n >= g.o.Pending:
		return full(n, q.c.Principal.ID, "", g.flags)
	case here >= (g.o.Pending+1)/2:
		return full(here, q.c.Principal.ID, q.c.Upstream, g.flags)
	}
	return nil
}

// insert puts a new request, unless one for the same question came first, which
// it returns then.
func (g *Gate) insert(ctx context.Context, q *question, r *Request, d *detail) (standing *Request, err error) {
	err = g.store.Update(ctx, func(tx ostiary.Tx) error {
		other, err := g.last(tx, q.identity)
		if err != nil {
			return err
		}
		if other != nil && q.changed(other, g.o.Policy) == "" {
			if s := other.At(g.now()); s == Pending || s == Approved {
				standing = other
				return nil
			}
		}
		if err := g.count(tx, q); err != nil {
			return err
		}
		standing = r
		if err := create(tx, r); err != nil {
			return err
		}
		if err := d.put(tx, r); err != nil {
			return err
		}
		if err := tx.Put(bucketBytes, ostiary.Row{Key: r.ID, Expires: r.Expires, Value: q.sent}); err != nil {
			return err
		}
		return tx.Put(bucketIdentity, ostiary.Row{Key: keyOf(q.identity), Expires: r.Expires.Add(kept), Value: []byte(r.ID)})
	})
	return standing, err
}

func (g *Gate) fill(q *question, id string) *Request {
	c, now := q.c, g.now()
	r := &Request{
		ID: id, State: Pending,
		Principal: c.Principal.ID, Client: c.Principal.Client, Session: c.Session,
		Upstream: c.Upstream, Method: c.Method, Target: c.Target, Effect: c.Effect.String(),
		Channels: q.channels, Warnings: append(warnings(c.Upstream, c.Target), besideWarnings(c)...),
		Created: now, Expires: now.Add(g.o.Expire).Truncate(time.Microsecond),
		Call: c.ID, Policy: g.o.Policy, Definition: q.definition, Arguments: q.arguments,
		identity: q.identity, flags: g.flags,
	}
	for _, a := range q.asks {
		why := a.Reason
		if why == "" {
			why = a.Message
		}
		r.Why = append(r.Why, why)
	}
	return r
}

// letters are those of ids: none looks like another.
const letters = "0123456789abcdefghjkmnpqrstvwxyz"

// newID makes 80 random bits for a person to read aloud and type.
func newID(random io.Reader) (string, error) {
	var b [10]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", &ostiary.Error{Code: ostiary.CodeInternal, Err: err, Message: "the door could not ask a person and refused this call; the operator finds the reason in the audit log"}
	}
	return base32.NewEncoding(letters).EncodeToString(b[:]), nil
}
