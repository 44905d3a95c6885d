package freeze

import (
	"context"
	"errors"
	"time"

	"github.com/ostiary/ostiary"
)

const (
	// maxAge is how old what a gate knows may be when it judges.
	maxAge = 250 * time.Millisecond
	// patience is how long the store is waited for before calls are refused.
	patience = 5 * time.Second
)

// snapshot is what was frozen when the store was asked. It is immutable.
type snapshot struct {
	at      time.Duration // before the store was asked
	version int64
	every   *set // what holds new calls
	urgent  *set // those of them that end calls in flight
	err     error
}

// known returns what is frozen, as of need or later.
func (g *Gate) known(ctx context.Context, need time.Duration) (*snapshot, error) {
	s := g.last.Load()
	if s == nil || s.at < need {
		var err error
		if s, err = g.refresh(ctx, need); err != nil {
			return nil, err
		}
	}
	return s, s.err
}

// refresh asks the store, unless somebody else did meanwhile. A store that fails is
// not asked again before the failure is as old as an answer may be, so that calls
// that wait for it are refused together.
func (g *Gate) refresh(ctx context.Context, need time.Duration) (*snapshot, error) {
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, withdrawn(context.Cause(ctx))
	}
	defer func() { <-g.turn }()
	old := g.last.Load()
	if old != nil && old.at >= need {
		return old, nil
	}
	// Not the context of the call: others need the answer too.
	asking, done := context.WithTimeout(g.life, patience)
	defer done()
	fresh := g.ask(asking, old)
	g.last.Store(fresh)
	if fresh.err == nil && (old == nil || fresh.every != old.every) {
		// Calls that are not in the list yet look at what was stored above.
		g.flights.end(fresh.urgent)
	}
	return fresh, nil
}

// ask reads what is frozen if it changed. The version is read first: what changes
// in between is read now and seen as a change the next time.
func (g *Gate) ask(ctx context.Context, old *snapshot) *snapshot {
	s := &snapshot{at: g.ticks()}
	if s.version, s.err = g.store.Version(ctx, bucket); s.err != nil {
		return s
	}
	if old != nil && old.err == nil && old.version == s.version {
		s.every, s.urgent = old.every, old.urgent
		return s
	}
	var found []Freeze
	s.err = g.store.View(ctx, func(tx ostiary.Tx) (err error) {
		found, err = all(tx)
		return err
	})
	s.every, s.urgent = newSet(), newSet()
	for _, f := range found {
		one := newStanding(f)
		s.every.add(one)
		if f.Now {
			s.urgent.add(one)
		}
	}
	return s
}

// withdrawn is the error of a call that ended while others asked the store.
func withdrawn(cause error) error {
	var e *ostiary.Error
	if errors.As(cause, &e) {
		return e
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayCancelled, Message: "the call was withdrawn before it was judged; it was not run", Err: cause}
}
