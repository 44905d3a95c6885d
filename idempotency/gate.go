package idempotency

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// Options of New. Store, Owner and Alive have no default.
type Options struct {
	Store ostiary.Store
	// Owner is the id of this process's log. No other process has it.
	Owner string
	// Alive reports whether the process that owns a log may still live. It is
	// used by many goroutines at once and must be quick.
	Alive func(owner string) bool
	// Clock is time.Now by default.
	Clock func() time.Time
	// Keep is how long a result is kept where the rule does not say; 24 h by
	// default.
	Keep time.Duration
	// Wait is how long a repetition waits for the first call; 45 s by default.
	Wait time.Duration
	// MaxResult is how many bytes a result may have to be kept; 4 MiB by default,
	// at most 15 MiB.
	MaxResult int
	// Logger hears what could not be written; nil is silence.
	Logger *slog.Logger
}

const (
	// inFlight is how long at least a call is remembered that has not ended.
	inFlight = 24 * time.Hour
	// maxResult is the most that fits into a row.
	maxResult = 15 << 20
	// again is when a repetition is worth trying again.
	again = 5 * time.Second
)

// Gate is the gate "idempotency". It is safe for use by many goroutines.
type Gate struct {
	store     ostiary.Store
	owner     string
	alive     func(string) bool
	clock     func() time.Time
	keep      time.Duration
	wait      time.Duration
	maxResult int
	log       *slog.Logger

	// left are calls of this process that have ended without the store taking
	// note. Other processes take them for alive until this one ends.
	mu   sync.Mutex
	left map[string]bool
}

var _ ostiary.Gate = (*Gate)(nil)

// New makes the gate, or returns CodeConfigInvalid.
func New(o Options) (*Gate, error) {
	g := &Gate{
		store: o.Store, owner: o.Owner, alive: o.Alive, clock: o.Clock, keep: o.Keep, wait: o.Wait,
		maxResult: o.MaxResult, log: o.Logger, left: map[string]bool{},
	}
	bad := ""
	switch {
	case o.Store == nil:
		bad = "a store"
	case o.Owner == "":
		bad = "the name of this process's log"
	case o.Alive == nil:
		bad = "a way to tell whether a process lives"
	case o.Keep < 0 || o.Wait < 0:
		bad = "times that are not negative"
	case o.MaxResult < 0 || o.MaxResult > maxResult:
		bad = "a largest result of at most 15 MiB"
	}
	if bad != "" {
		return nil, refuse(ostiary.CodeConfigInvalid, "idempotency needs "+bad)
	}
	if g.clock == nil {
		g.clock = time.Now
	}
	if g.keep == 0 {
		g.keep = 24 * time.Hour
	}
	if g.wait == 0 {
		g.wait = 45 * time.Second
	}
	if g.maxResult == 0 {
		g.maxResult = 4 << 20
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	return g, nil
}

// Name is the stage in decisions and records.
func (g *Gate) Name() string { return "idempotency" }

// Check lets a call without a key pass at once. With a key it reserves it for
// this call, or answers with the result of the first one, for which it waits
// while that still runs. It asks if the first one may have taken effect and
// nobody knows.
func (g *Gate) Check(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	s, ok, err := g.find(c)
	if err != nil {
		return ostiary.Decision{}, err
	}
	if !ok {
		return ostiary.Allowed(), nil
	}
	d, first, err := g.reserve(ctx, c, s)
	if err != nil || first == nil {
		return d, err
	}
	d, err = g.await(ctx, c, s, first)
	d.Waited = true
	return d, err
}
