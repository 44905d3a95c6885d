package grant

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
)

// Options are what a Gate is made of. All but Compile and Logger are required.
type Options struct {
	Store ostiary.Store
	// Journal gets the alert about guessing.
	Journal ostiary.Journal
	Clock   func() time.Time
	// Compile makes a predicate of a grant's condition for the tool of a call. It
	// MUST NOT keep the call; the predicate is used for other calls of the tool.
	// Without it no grant with a condition counts.
	Compile func(pattern string, c *ostiary.Call, when string) (ostiary.Condition, error)
	// Logger gets what an operator should know; nil is silence.
	Logger *slog.Logger
}

// Gate is the gate "grant". It is used by many goroutines at once.
type Gate struct {
	o     Options
	start time.Time

	heard atomic.Pointer[heard]
	dirty atomic.Int64 // counts what this process changed in the store
	fresh sync.Mutex   // held while the store is asked

	mu     sync.RWMutex
	owners map[string]*owned // by principal

	conditions conditions
	guesses    guesses
}

var _ ostiary.Gate = (*Gate)(nil)

// New makes the gate. Without a store or a clock every call that needs a grant
// is refused.
func New(o Options) *Gate {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Gate{o: o, owners: map[string]*owned{}}
	if o.Clock != nil {
		g.start = o.Clock()
	}
	return g
}

// Name is the stage in decisions and records.
func (g *Gate) Name() string { return "grant" }

// Check lets a call pass that presents a token which covers it, and refuses one
// whose token does not. A call that asks nobody passes without a look. One that
// asks is settled by a grant that the gateway holds for it, if there is one, and
// else goes on to whoever decides.
func (g *Gate) Check(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	if c.Token != "" {
		return g.presented(ctx, c)
	}
	if !asks(c) {
		return ostiary.Allowed(), nil
	}
	s, err := g.snapshot(ctx, c.Principal.ID)
	if err != nil {
		return ostiary.Decision{}, err
	}
	h := g.find(ctx, s, c)
	if h == nil {
		// Before a person is asked: they may have given it a moment ago.
		if s, err = g.latest(ctx, c.Principal.ID); err != nil {
			return ostiary.Decision{}, err
		}
		if h = g.find(ctx, s, c); h == nil {
			return g.cutShort(ctx, s, c), nil
		}
	}
	return g.allow(ctx, h, c), nil
}

// find returns the grant that a call passes under; nil if there is none.
func (g *Gate) find(ctx context.Context, s *owned, c *ostiary.Call) *held {
	now := g.o.Clock()
	for _, h := range s.candidates(c) {
		if h.inSession(c) && h.inTime(c, now) && g.holds(ctx, h, c) {
			return h
		}
	}
	return nil
}

// cutShort tells who is asked of a grant that would cover the call had its rule not
// ended it sooner than whoever gave it said.
func (g *Gate) cutShort(ctx context.Context, o *owned, c *ostiary.Call) ostiary.Decision {
	now := g.o.Clock()
	for _, h := range o.candidates(c) {
		end := h.end(c)
		if now.Before(end) || !now.Before(h.Expires) || now.Before(h.Created) || !h.inSession(c) || !g.holds(ctx, h, c) {
			continue
		}
		told := fmt.Sprintf("grant %s was given until %s, but the rule let it count for this tool until %s only",
			h.ID, h.Expires.UTC().Format(time.TimeOnly), end.UTC().Format(time.TimeOnly+" MST"))
		return ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeGrantExpired, Message: told, Reason: told}
	}
	return ostiary.Allowed()
}

// asks reports whether a person must decide, and a grant may instead.
func asks(c *ostiary.Call) bool {
	return c.Rule != nil && c.Rule.Ask != "" && !c.DryRun && c.Class == ostiary.ClassTool
}

// allow settles what was asked. A call that nothing is enforced for takes no use.
func (g *Gate) allow(ctx context.Context, h *held, c *ostiary.Call) ostiary.Decision {
	if !asks(c) {
		return ostiary.Allowed()
	}
	d := ostiary.Decision{Verdict: ostiary.Allow, Settles: true, Under: "grant " + h.ID}
	if !c.Rule.ReportOnly {
		one := hold{gate: g, id: h.ID, end: h.end(c), call: c.ID}
		d.Hold = one.hold(ctx)
	}
	return d
}
