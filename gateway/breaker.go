package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// BreakerOptions are what a Breaker is made of. All fields are required.
type BreakerOptions struct {
	// Failures is after how many in a row it opens.
	Failures int
	// Pause is how long it is open then; each trial that fails doubles it, up to
	// Longest.
	Pause, Longest time.Duration
	Now            func() time.Time
	// Changed is told of each opening and of the closing.
	Changed func(to BreakerState, failures int)
}

// BreakerState is closed (requests pass), open (none do) or half-open (one is
// tried). The zero value is closed.
type BreakerState string

// The states.
const (
	BreakerClosed   BreakerState = "closed"
	BreakerOpen     BreakerState = "open"
	BreakerHalfOpen BreakerState = "half-open"
)

// Breaker leaves a server over HTTP alone for a while that has failed several
// times in a row: no connection, none of its answers in time, an answer that is cut
// off, or a status of 500 and above. What the door itself refuses, a client that
// leaves, and what the server says in the protocol, its refusals included, are no
// failures. It is shared by all doors of one server. Where one caller alone has seen
// the server fail, it is left alone for that caller, and others find out for
// themselves: nobody takes a server from everybody by calls that fail. A nil Breaker
// lets all pass.
type Breaker struct {
	o BreakerOptions

	mu       sync.Mutex
	failures int    // in a row
	by       string // who alone has seen all of them; valid unless several have
	several  bool
	until    time.Time
	pause    time.Duration
	trying   bool // a request is tried while it is half-open
	begun    uint64
	answered uint64 // the youngest request that went well
}

// NewBreaker makes a closed one.
func NewBreaker(o BreakerOptions) *Breaker { return &Breaker{o: o} }

// State is what the next request would meet.
func (b *Breaker) State() BreakerState {
	if b == nil {
		return BreakerClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state()
}

func (b *Breaker) state() BreakerState {
	switch {
	case b.pause == 0:
		return BreakerClosed
	case b.o.Now().Before(b.until):
		return BreakerOpen
	}
	return BreakerHalfOpen
}

// pass is one request that may go; nil notes nothing.
type pass struct {
	b     *Breaker
	trial bool
	guest bool // of another than who has seen it fail
	who   string
	over  bool
	n     uint64 // of those that began
}

// enter lets a request of somebody pass, or says when to come back.
func (b *Breaker) enter(who string) (*pass, error) {
	if b == nil {
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch s := b.state(); {
	case s == BreakerClosed:
		b.begun++
		return &pass{b: b, who: who, n: b.begun}, nil
	case !b.several && who != b.by:
		b.begun++
		return &pass{b: b, who: who, n: b.begun, guest: true}, nil
	case s == BreakerHalfOpen && !b.trying:
		b.trying = true
		b.begun++
		return &pass{b: b, who: who, trial: true, n: b.begun}, nil
	}
	wait := max(b.until.Sub(b.o.Now()), time.Second).Round(time.Second)
	return nil, &ostiary.Error{Code: ostiary.CodeGatewayCircuit, RetryAfter: wait,
		Message: fmt.Sprintf("the server failed %d times in a row and is left alone for now, so the call was not sent: try again in %s", b.failures, wait)}
}

// failed notes that a request got no answer because of err.
func (p *pass) failed(ctx context.Context, err error) {
	if p != nil {
		p.end(judged(ctx, err))
	}
}

// answered notes an answer with this status; err is what went wrong behind its
// header.
func (p *pass) answered(ctx context.Context, status int, err error) {
	switch {
	case p == nil:
	case status >= 500:
		p.end(outcomeFailure)
	case err != nil && (ctx.Err() != nil || errors.Is(err, errCutOff)):
		p.end(judged(ctx, err))
	default:
		p.end(outcomeSuccess)
	}
}

type outcome uint8

const (
	outcomeNeither outcome = iota
	outcomeSuccess
	outcomeFailure
)

// judged says whether an error is the server's.
func judged(ctx context.Context, err error) outcome {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	switch {
	case errors.Is(err, ostiary.CodeLimitTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ostiary.CodeGatewayUpstream),
		errors.Is(err, ostiary.CodeEgressUnreachable):
		return outcomeFailure
	}
	return outcomeNeither
}

// leave is deferred: a trial that ends without a word must not keep others out.
func (p *pass) leave() {
	if p != nil {
		p.end(outcomeNeither)
	}
}

// end counts the first outcome.
func (p *pass) end(o outcome) {
	if p.over {
		return
	}
	p.over = true
	b := p.b
	b.mu.Lock()
	changed, failures := b.note(p, o)
	b.mu.Unlock()
	if changed != "" {
		b.o.Changed(changed, failures)
	}
}

// note is called with the lock held.
func (b *Breaker) note(p *pass, o outcome) (changed BreakerState, failures int) {
	trial := p.trial
	if trial {
		b.trying = false
	}
	if o == outcomeSuccess {
		b.answered = max(b.answered, p.n)
	}
	switch {
	case !trial && p.n < b.answered && o == outcomeFailure:
		// The server has answered one that came later: a slow tool is not a server
		// that fails, and who calls it must not take the server from everybody.
	case o == outcomeSuccess && (trial || p.guest || b.pause == 0):
		failures, b.failures, b.several = b.failures, 0, false
		if b.pause != 0 {
			b.pause, changed = 0, BreakerClosed
		}
	case o == outcomeFailure && p.guest && b.pause != 0:
		b.failures++
		b.several = true
	case o == outcomeFailure && (trial || b.pause == 0):
		if b.failures == 0 {
			b.by = p.who
		}
		b.several = b.several || p.who != b.by
		b.failures++
		if b.failures >= b.o.Failures {
			b.pause = min(max(2*b.pause, b.o.Pause), b.o.Longest)
			b.until, changed = b.o.Now().Add(b.pause), BreakerOpen
		}
		failures = b.failures
	}
	return changed, failures
}
