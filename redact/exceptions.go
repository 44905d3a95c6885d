package redact

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
)

const (
	// exceptionsAge is how old what is known of the store may be.
	exceptionsAge = 250 * time.Millisecond
	// exceptionsPatience is how long the store is waited for before nothing is
	// excepted.
	exceptionsPatience = 2 * time.Second
)

// ExceptionsOptions are what NewExceptions needs.
type ExceptionsOptions struct {
	// Store is where exceptions are kept. Without one there are none.
	Store ostiary.Store
	// Clock says when one ends. Required.
	Clock func() time.Time
	// Logger hears of what cannot be read; nil is silence.
	Logger *slog.Logger
}

// Exceptions are those of a state directory, as a door looks at them. They are made
// and taken back elsewhere, with [ExceptionDesk], and hold in every process within a
// second. Nil has none. It is used by many goroutines at once.
type Exceptions struct {
	o    ExceptionsOptions
	turn sync.Mutex // one goroutine asks the store at a time
	last atomic.Pointer[exceptionSet]
}

// NewExceptions makes Exceptions over a store.
func NewExceptions(o ExceptionsOptions) *Exceptions {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Exceptions{o: o}
}

// exceptionSet is what there was when the store was asked. It is immutable.
type exceptionSet struct {
	at      time.Time
	version int64
	exact   map[place][]*Exception
	indexed map[place][]*Exception // by a pattern
	failed  bool
}

// Allows reports whether what a rule found at a place may pass. tool is what [Subject]
// says, valueHash the hash of what was found, "" where there is none. It is asked for
// findings only, so that what has none pays nothing; where the store cannot be asked
// nothing is excepted.
func (x *Exceptions) Allows(upstream, tool, pointer, rule, valueHash string) bool {
	if x == nil || x.o.Store == nil || x.o.Clock == nil || neverExcepted(rule) {
		return false
	}
	now := x.o.Clock()
	set := x.last.Load()
	if set == nil || !set.fresh(now) {
		set = x.refresh(now)
	}
	if len(set.exact)+len(set.indexed) == 0 {
		return false
	}
	at := place{upstream, tool, rule, pointer}
	if anyAllows(set.exact[at], valueHash, now) {
		return true
	}
	if len(set.indexed) == 0 {
		return false
	}
	at.pointer = anyIndex(pointer)
	return anyAllows(set.indexed[at], valueHash, now)
}

func anyAllows(some []*Exception, value string, now time.Time) bool {
	for _, e := range some {
		if e.live(now) && (e.Value == "" || e.Value == value) {
			return true
		}
	}
	return false
}

func (s *exceptionSet) fresh(now time.Time) bool {
	age := now.Sub(s.at)
	return age >= 0 && age < exceptionsAge
}

// refresh asks the store, unless somebody else did meanwhile. A failure counts as long
// as an answer.
func (x *Exceptions) refresh(now time.Time) *exceptionSet {
	x.turn.Lock()
	defer x.turn.Unlock()
	old := x.last.Load()
	if old != nil && old.fresh(now) {
		return old
	}
	ctx, done := context.WithTimeout(context.Background(), exceptionsPatience)
	defer done()
	set := &exceptionSet{at: now}
	version, err := x.o.Store.Version(ctx, exceptionBucket)
	switch {
	case err != nil:
	case old != nil && !old.failed && old.version == version:
		set.version, set.exact, set.indexed = version, old.exact, old.indexed
	default:
		// Asked before it was read: what changes in between is read again.
		set.version = version
		err = x.read(ctx, set)
	}
	if err != nil {
		if old == nil || !old.failed {
			x.o.Logger.Warn("exceptions from redaction cannot be read, so nothing is excepted", "err", err)
		}
		set = &exceptionSet{at: now, failed: true}
	}
	x.last.Store(set)
	return set
}

func (x *Exceptions) read(ctx context.Context, set *exceptionSet) error {
	return x.o.Store.View(ctx, func(tx ostiary.Tx) error {
		set.exact, set.indexed = map[place][]*Exception{}, map[place][]*Exception{}
		for r, err := range tx.List(exceptionBucket, ostiary.Query{}) {
			if err != nil {
				return err
			}
			one, err := readException(&r)
			if err != nil {
				x.o.Logger.Warn("an exception does not count", "err", err)
				continue
			}
			if !one.live(set.at) {
				continue
			}
			in := set.exact
			if one.AnyIndex {
				in = set.indexed
			}
			in[one.place()] = append(in[one.place()], one)
		}
		return nil
	})
}
