package freeze

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
)

const stage = "freeze"

// Options of New.
type Options struct {
	// Store is where freezes are kept. Without one every call that a freeze could
	// hold is refused.
	Store ostiary.Store
	// Ticks is a monotonic clock, time since any fixed start; nil is the machine's.
	Ticks func() time.Duration
	// Logger hears when the store fails while calls are in flight; nil is silence.
	Logger *slog.Logger
}

// Gate refuses what is frozen, and ends it where the operator said so. It belongs
// first in the line. It is used by many goroutines at once.
type Gate struct {
	store   ostiary.Store
	ticks   func() time.Duration
	log     *slog.Logger
	last    atomic.Pointer[snapshot]
	turn    chan struct{} // one goroutine asks the store at a time
	flights flights
	life    context.Context
	die     context.CancelFunc
	failing bool // of the watch alone
}

var _ ostiary.Rechecker = (*Gate)(nil)

// New makes the gate. Whoever makes it calls Close.
func New(o Options) *Gate {
	g := &Gate{store: o.Store, ticks: o.Ticks, log: o.Logger, turn: make(chan struct{}, 1)}
	if g.ticks == nil {
		start := time.Now()
		g.ticks = func() time.Duration { return time.Since(start) }
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	g.life, g.die = context.WithCancel(context.Background())
	g.flights.init(g.watch)
	return g
}

// Close ends the watch over the calls in flight. A gate that is closed refuses
// once what it knows is too old.
func (g *Gate) Close() error {
	g.flights.close()
	g.die()
	return nil
}

// Name is the stage in decisions and records.
func (g *Gate) Name() string { return stage }

// Check refuses a call that is frozen with freeze_active, and every call that
// could be if the store does not tell, with the store's code. The Hold of an
// allowed call keeps it among those that a freeze can end.
func (g *Gate) Check(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	if passes(c) {
		return ostiary.Allowed(), nil
	}
	now := g.ticks()
	who := subjectOf(c)
	if c.Caller == nil {
		return decision(g.holding(ctx, &who, now-maxAge))
	}
	// In the list first, then the look: whatever is frozen from here on finds it
	// in one of the two.
	flight := g.flights.add(&who, c.Caller, now)
	f, err := g.holding(ctx, &who, now-maxAge)
	if f != nil || err != nil {
		flight.end()
		return decision(f, err)
	}
	return ostiary.Decision{Verdict: ostiary.Allow, Hold: &flight.hold}, nil
}

// Recheck is Check for a call that waited. It asks the store anew.
func (g *Gate) Recheck(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	if passes(c) {
		return ostiary.Allowed(), nil
	}
	who := subjectOf(c)
	return decision(g.holding(ctx, &who, g.ticks()+1))
}

func decision(f *standing, err error) (ostiary.Decision, error) {
	switch {
	case err != nil:
		return ostiary.Decision{}, err
	case f != nil:
		return f.refusal, nil
	}
	return ostiary.Allowed(), nil
}

// holding returns the freeze that holds a call, as of need or later; nil if none
// does.
func (g *Gate) holding(ctx context.Context, who *subject, need time.Duration) (*standing, error) {
	if g.store == nil {
		return nil, &ostiary.Error{Code: ostiary.CodeStoreUnavailable,
			Message: "whether this call is frozen cannot be told, so it was refused: the operator must start the door with a store"}
	}
	s, err := g.known(ctx, need)
	if err != nil {
		return nil, err
	}
	return s.every.match(who), nil
}

// watch runs when the timer of the flights fires, never twice at a time.
func (g *Gate) watch() {
	since, some := g.flights.oldest()
	if !some {
		return
	}
	now := g.ticks()
	if age := now - since; age < maxAge {
		g.flights.again(maxAge - age)
		return
	}
	_, err := g.known(g.life, now)
	if err != nil && !g.failing && g.life.Err() == nil {
		g.log.Warn("whether calls in flight are frozen cannot be told; new calls are refused", "err", err)
	}
	g.failing = err != nil
	g.flights.again(maxAge)
}
