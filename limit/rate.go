package limit

import (
	"context"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/ostiary/ostiary"
)

// Options are the limits that hold for every call, by the names of the
// configuration (limits:). Of a RateLimit only Count and Period are read here.
// Nothing can be left out: start from Defaults.
type Options struct {
	Global           ostiary.RateLimit // everybody together
	PerPrincipal     ostiary.RateLimit
	PerTool          ostiary.RateLimit // all principals together
	PerPrincipalTool ostiary.RateLimit
	// Calls that have an effect count here too, beside the limits above.
	EffectsPerPrincipal     ostiary.RateLimit
	EffectsPerPrincipalTool ostiary.RateLimit
	// Concurrency is how many calls of one principal run at once, and how many
	// requests of upstreams to it are open at once.
	Concurrency int
	// Clock is a monotonic clock, time since any fixed start; nil is the machine's.
	// It is called by many goroutines at once.
	Clock func() time.Duration
}

// Defaults are the limits of an empty configuration.
func Defaults() Options {
	perMinute := func(n int) ostiary.RateLimit { return ostiary.RateLimit{Count: n, Period: time.Minute} }
	return Options{
		Global:                  perMinute(6000),
		PerPrincipal:            perMinute(600),
		PerTool:                 perMinute(3000),
		PerPrincipalTool:        perMinute(300),
		EffectsPerPrincipal:     perMinute(100),
		EffectsPerPrincipalTool: perMinute(30),
		Concurrency:             16,
	}
}

// limit is one of the general limits, or what a message says of a rule's own.
type limit struct {
	name    string
	rate    ostiary.RateLimit
	effects bool
	pace    pace
	id      uint64
}

// Limiter is the gate "limit". It is safe for use by many goroutines.
type Limiter struct {
	clock  func() time.Duration
	limits []limit // from the narrowest to the widest
	cells  *cells
	slots  slots
}

var _ ostiary.Gate = (*Limiter)(nil)

// New makes the gate. It refuses a limit that is missing or senseless with
// CodeConfigInvalid.
func New(o Options) (*Limiter, error) {
	if o.Concurrency < 1 {
		return nil, invalid("limits: concurrency must be at least 1")
	}
	l := &Limiter{clock: o.Clock, cells: newCells(), slots: slots{max: o.Concurrency, n: map[holder]int{}}}
	if l.clock == nil {
		start := time.Now()
		l.clock = func() time.Duration { return time.Since(start) }
	}
	for _, g := range []struct {
		name      string
		r         ostiary.RateLimit
		principal bool
		tool      bool
		effects   bool
	}{
		{"effects_per_principal_tool", o.EffectsPerPrincipalTool, true, true, true},
		{"per_principal_tool", o.PerPrincipalTool, true, true, false},
		{"effects_per_principal", o.EffectsPerPrincipal, true, false, true},
		{"per_principal", o.PerPrincipal, true, false, false},
		{"per_tool", o.PerTool, false, true, false},
		{"global", o.Global, false, false, false},
	} {
		p, ok := newPace(g.r)
		if !ok {
			return nil, invalid(fmt.Sprintf("limits.%s: %s is no rate: use a count and a period such as 30/min", g.name, show(g.r)))
		}
		g.r.PerPrincipal, g.r.PerTool = g.principal, g.tool
		l.limits = append(l.limits, limit{
			name: "limits." + g.name, rate: g.r, effects: g.effects, pace: p,
			id: maphash.Comparable(l.cells.seed, ruleKey{index: -1 - len(l.limits)}),
		})
	}
	return l, nil
}

// Name is the stage in decisions and records.
func (l *Limiter) Name() string { return "limit" }

// Check counts the call against every limit that speaks for it, or refuses it
// with CodeLimitRate or CodeLimitConcurrency and counts nothing. The Hold of an
// allowed call keeps its slot until Release or Done.
func (l *Limiter) Check(_ context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	if c.Principal.IsNobody() {
		return ostiary.Decision{}, &ostiary.Error{
			Code:    ostiary.CodeAuthNobody,
			Message: "the door does not know who calls, and nobody may do anything here: identify first",
		}
	}
	var room [10]claim
	claims, err := l.claims(room[:0], c)
	if err != nil {
		return ostiary.Decision{}, err
	}
	h := holder{c.Principal.ID, poolOf(c.Class)}
	if h.pool != poolNone && !l.slots.take(h) {
		return l.tooMany(c), nil
	}
	now := int64(l.clock())
	if worst, wait := l.cells.take(claims, now); worst != nil {
		if h.pool != poolNone {
			l.slots.free(h)
		}
		return tooFast(c, worst.limit, time.Duration(wait)), nil
	}
	l.sweepIfDue(now)
	d := ostiary.Allowed()
	if h.pool != poolNone {
		d.Hold = l.slots.hold(h)
	}
	return d, nil
}

// Sweep drops what no limit needs any more and returns how many keys that were.
// Nobody has to call it: the gate does, whenever its keys have doubled.
func (l *Limiter) Sweep() int { return l.cells.sweep(int64(l.clock())) }

// sweepIfDue sweeps beside the call, not in it: a million keys take a while.
func (l *Limiter) sweepIfDue(now int64) {
	s := l.cells
	if s.count.Load() < s.sweepAt.Load() || !s.sweeping.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer s.sweeping.Store(false)
		s.sweep(now)
	}()
}

// ruleKey tells one limit of one row from all others. The row is named, not
// pointed at, so that compiling the rules again does not begin anew.
type ruleKey struct {
	pattern, source string
	index, count    int
	period          time.Duration
}

type toolKey struct{ upstream, name string }

// claims lists the limits that speak for a call.
func (l *Limiter) claims(claims []claim, c *ostiary.Call) ([]claim, error) {
	seed := l.cells.seed
	who := maphash.String(seed, c.Principal.ID)
	what := maphash.Comparable(seed, toolOf(c))
	add := func(lim *limit, p pace, id uint64, per ostiary.RateLimit) {
		key := [3]uint64{id, 0, 0}
		if per.PerPrincipal {
			key[1] = who
		}
		if per.PerTool {
			key[2] = what
		}
		claims = append(claims, claim{limit: lim, pace: p, key: maphash.Comparable(seed, key)})
	}
	if c.Rule != nil {
		for i, r := range c.Rule.Limits {
			p, ok := newPace(r)
			if !ok {
				return nil, &ostiary.Error{
					Code:    ostiary.CodePolicyRule,
					Message: "the limit that the policy sets for this tool makes no sense, so the tool is closed: the operator must correct it",
					Reason:  fmt.Sprintf("rule %q (%s): %s is no rate", c.Rule.Pattern, c.Rule.Source, show(r)),
				}
			}
			id := maphash.Comparable(seed, ruleKey{c.Rule.Pattern, c.Rule.Source, i, r.Count, r.Period})
			add(&limit{name: "rule", rate: r}, p, id, r)
		}
	}
	effect := hasEffect(c)
	for i := range l.limits {
		if g := &l.limits[i]; effect || !g.effects {
			add(g, g.pace, g.id, g.rate)
		}
	}
	return claims, nil
}

// toolOf names what the limits per tool count for. A client chooses URIs, names
// of tools that do not exist and methods that nobody knows; those share a key,
// or a flood of names would fill the memory and pass every limit.
func toolOf(c *ostiary.Call) toolKey {
	switch c.Class {
	case ostiary.ClassTool:
		if c.Rule == nil || c.Rule.Forbid != nil {
			return toolKey{name: "?"}
		}
		return toolKey{c.Upstream, c.Target}
	case ostiary.ClassUnknown, ostiary.ClassMalformed:
		return toolKey{name: "?"}
	default:
		return toolKey{name: c.Method}
	}
}

// hasEffect leaves out the classes that carry nothing to act upon: the effect of
// a ping is not worth asking for.
func hasEffect(c *ostiary.Call) bool {
	switch c.Class {
	case ostiary.ClassControl, ostiary.ClassList, ostiary.ClassNotification:
		return false
	default:
		return c.Effect.IsEffect()
	}
}
