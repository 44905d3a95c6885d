package approval

import (
	"context"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// sign is how often the client gets a sign of life.
const sign = 10 * time.Second

// wait waits for an answer: as long as the client gets signs of life until the
// request ends, else for Options.Wait. Whatever ends it, the request stays.
func (g *Gate) wait(ctx context.Context, q *question, r *Request) (ostiary.Decision, error) {
	if r.At(g.now()) != Pending {
		return g.settled(ctx, q, r)
	}
	w, err := g.watch.join()
	if err != nil {
		return ostiary.Decision{}, err
	}
	defer g.watch.leave(w)
	dialog := g.claim(q, r)
	defer dialog.stop()

	begun := g.clock()
	told := begun
	patient := q.progress(r)
	for look := true; ; {
		if look {
			r, err = g.again(ctx, r)
			if err != nil {
				return ostiary.Decision{}, err
			}
		}
		if r.At(g.now()) != Pending {
			return g.settled(ctx, q, r)
		}
		dialog.open(ctx, r)
		now := g.clock()
		if patient && now.Sub(told) >= sign {
			patient, told = q.progress(r), now
		}
		if !patient && now.Sub(begun) >= g.o.Wait {
			return ostiary.Decision{}, q.pending(r)
		}
		look = false
		select {
		case <-ctx.Done():
			return ostiary.Decision{}, context.Cause(ctx)
		case changed, ok := <-w:
			if !ok {
				return ostiary.Decision{}, refuse(ostiary.CodeGatewayShutdown, "",
					"the door is closing; request %s stays: repeat the same call after it was approved", r.ID)
			}
			look = changed
		case reply := <-dialog.answers:
			if err := g.answer(ctx, q, r, reply); err != nil {
				return ostiary.Decision{}, err
			}
			dialog.stop()
			look = true
		}
	}
}

// again reads a request. One that is gone has ended long ago.
func (g *Gate) again(ctx context.Context, r *Request) (*Request, error) {
	now, err := g.get(ctx, r.ID)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err == nil && now == nil {
		err = expired(r)
	}
	return now, err
}

// progress sends a sign of life, and returns false if the client wants none.
func (q *question) progress(r *Request) bool {
	return q.c.Caller != nil && q.c.Caller.Progress("waiting for a person: "+ask(r)+"; request "+r.ID+" expires at "+at(r.Expires))
}

// pending is what the agent is told when waiting ended, with what became of an
// earlier request.
func (q *question) pending(r *Request) *ostiary.Error {
	e := pending(r)
	var why []string
	for _, a := range q.asks {
		why = append(why, a.Reason)
	}
	e.Reason = strings.Join(why, "; ")
	if first := q.asks[0].Message; first != "" {
		e.Message = first + ". " + e.Message
	}
	e.Message += ". For several such calls the person may run " + grantCommand(q.c, r.flags)
	if q.before != "" {
		e.Message += ". Note: " + q.before
	}
	return e
}
