package limit

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v4"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/webhook"
)

// How anomalies are found. Time is cut into intervals of equal length. For each
// pair of a principal and a tool there is the number of calls in this interval, n,
// and an estimate of what is usual, m, which begins at 0. When an interval is over,
//
//	m ← m + (min(n, T) − m)/8      T = max(least, times·m)
//
// an exponentially weighted mean of the intervals, with half its weight in the last
// five and a half; an interval without calls counts as n = 0. In an interval the
// first call beyond T is an anomaly, and the only one of the interval. So a tool
// that was quiet needs more than least calls in one interval, a busy one more than
// times what is usual. What is beyond T does not count towards m, or one flood would make the next
// look usual: m grows by at most times/8 + 7/8 in an interval, 2.1 times by default.
//
// A flood over the edge of two intervals is split, so up to twice T can pass in the
// time of one. Who grows slowly is never found: that is what rates are for.
const learning = 8

// AnomalyOptions are what Anomalies are made of. Times, Least, Every and Clock are
// required; start from DefaultAnomaly.
type AnomalyOptions struct {
	ostiary.AnomalyRule
	// Every is the length of an interval.
	Every time.Duration
	// Clock is a monotonic clock, time since any fixed start; nil is the machine's.
	// It is called by many goroutines at once.
	Clock func() time.Duration
	// Stop freezes the principal of an anomaly whose rule says so; without it there
	// is no such rule. Its error refuses the call.
	Stop func(context.Context, Anomaly) error
	// Journal keeps anomalies in the evidence. Logger hears of them, Webhook, if
	// set, is told, and Observe, if set, may count them. Redact takes secrets out of
	// what the webhook gets. They are used by one goroutine, in the background.
	Journal ostiary.Journal
	Logger  *slog.Logger
	Webhook *webhook.Sender
	Redact  func(string) string
	Observe func(Anomaly)
	// Now is the time of day, for the webhook.
	Now func() time.Time
}

// DefaultAnomaly is what a file says that says nothing.
func DefaultAnomaly() (rule ostiary.AnomalyRule, every time.Duration) {
	return ostiary.AnomalyRule{Times: 10, Least: 100}, time.Minute
}

// Anomaly is a jump in how often a principal calls a tool.
type Anomaly struct {
	Principal, Session, Upstream, Target string
	// Call is the one that was too many, the Count-th of its interval Every, where
	// Usual are usual and Most would have been none.
	Call  string
	Count int64
	Usual float64
	Most  int64
	Every time.Duration
	// Frozen says that the principal was frozen for it.
	Frozen bool
	// Many says that it is about several principals or tools, of which this is one:
	// there are more than are told apart.
	Many bool
}

const (
	// maxPulses is how many pairs are told apart; more share sharedPulses by chance.
	maxPulses    = 1 << 16
	sharedPulses = 1 << 8
	// forgotten is after how many intervals without a call a pair is forgotten: what
	// was usual has shrunk to a five-thousandth.
	forgotten = 64
	// freezing is how long a freeze may take to hold everywhere.
	freezing = time.Second
)

// pulse is the history of one pair.
type pulse struct {
	mu       sync.Mutex
	interval int64
	n        int64
	usual    float64
	raised   bool          // in this interval
	until    time.Duration // calls are refused because a freeze was made and may not hold yet
}

// Anomalies is the gate "anomaly". It stands before the limits, so that it counts
// what was tried. It refuses nothing but what a rule wants frozen. It is used by
// many goroutines at once.
type Anomalies struct {
	o      AnomalyOptions
	seed   maphash.Seed
	pulses *xsync.Map[uint64, *pulse]
	count  atomic.Int64
	most   int64
	swept  atomic.Int64 // the interval of the last sweep
	shared [sharedPulses]pulse

	alerts
}

var _ ostiary.Gate = (*Anomalies)(nil)

// NewAnomalies makes the gate; Close it. It refuses what makes no sense with
// CodeConfigInvalid.
func NewAnomalies(o AnomalyOptions) (*Anomalies, error) {
	switch {
	case o.Times < 1 || o.Least < 1:
		return nil, invalid("limits.anomaly: times and least must be at least 1")
	case o.Every < time.Second || o.Every > maxPeriod:
		return nil, invalid("limits.anomaly: every must be at least 1s")
	case o.Journal == nil:
		return nil, invalid("limits.anomaly: nothing keeps the anomalies in the evidence")
	case o.Freeze && o.Stop == nil:
		return nil, invalid("limits.anomaly: nothing can freeze")
	}
	if o.Clock == nil {
		start := time.Now()
		o.Clock = func() time.Duration { return time.Since(start) }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Redact == nil && o.Webhook != nil {
		return nil, invalid("limits.anomaly: nothing takes secrets out of what the webhook gets")
	}
	a := &Anomalies{o: o, seed: maphash.MakeSeed(), pulses: xsync.NewMap[uint64, *pulse](), most: maxPulses}
	a.alerts.start(&a.o)
	return a, nil
}

// Name is the stage in decisions and records.
func (a *Anomalies) Name() string { return "anomaly" }

// Check counts a call. It refuses with CodeFreezeActive what is frozen for being
// far more than usual, and lets pass everything else.
func (a *Anomalies) Check(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	if poolOf(c.Class) == poolNone || c.Principal.IsNobody() {
		return ostiary.Allowed(), nil
	}
	now := a.o.Clock()
	interval := int64(now / a.o.Every)
	p, many := a.pulse(c, interval)
	rule := a.rule(c)
	p.mu.Lock()
	p.turn(interval, rule)
	p.n++
	most := rule.most(p.usual)
	stopped := p.until > now
	if p.n <= most || p.raised {
		p.mu.Unlock()
		if stopped {
			return a.refused(), nil
		}
		return ostiary.Allowed(), nil
	}
	found := Anomaly{
		Principal: c.Principal.ID, Session: c.Session, Upstream: c.Upstream, Target: toolOf(c).name, Call: c.ID,
		Count: p.n, Usual: p.usual, Most: most, Every: a.o.Every, Frozen: rule.Freeze && !many, Many: many,
	}
	p.raised = true
	if found.Frozen {
		p.until = now + freezing
	}
	p.mu.Unlock()
	if !found.Frozen {
		a.raise(found)
		return ostiary.Allowed(), nil
	}
	if err := a.stop(ctx, found); err != nil {
		p.mu.Lock()
		p.raised = false // the next call tries again
		p.mu.Unlock()
		return ostiary.Decision{}, err
	}
	a.raise(found)
	return a.refused(), nil
}

func (a *Anomalies) stop(ctx context.Context, found Anomaly) error {
	if a.o.Stop == nil {
		return &ostiary.Error{Code: ostiary.CodeInternal, Message: "this caller was to be frozen and cannot be, so the call was refused: tell the operator"}
	}
	return a.o.Stop(context.WithoutCancel(ctx), found) // who goes away does not keep it from being frozen
}

func (a *Anomalies) refused() ostiary.Decision {
	return ostiary.Decision{
		Verdict: ostiary.Deny, Code: ostiary.CodeFreezeActive, Stage: "anomaly",
		Message: "far more calls came than usual, so the door has frozen this caller; this call was not run: stop calling, and ask the operator to look and to lift the freeze",
	}
}

// rule is what the call's own rule says, and the general one where it says nothing.
func (a *Anomalies) rule(c *ostiary.Call) anomalyRule {
	r := a.o.AnomalyRule
	if c.Rule != nil {
		if own := c.Rule.Anomaly; own.Times > 0 {
			r.Times = own.Times
		}
		if own := c.Rule.Anomaly; own.Least > 0 {
			r.Least = own.Least
		}
		r.Freeze = r.Freeze || c.Rule.Anomaly.Freeze
	}
	return anomalyRule(r)
}

type anomalyRule ostiary.AnomalyRule

// most is how many calls in an interval are no anomaly.
func (r anomalyRule) most(usual float64) int64 {
	return max(int64(r.Least), int64(math.Ceil(float64(r.Times)*usual)))
}

// turn closes the intervals that are over.
func (p *pulse) turn(interval int64, r anomalyRule) {
	over := interval - p.interval
	if over <= 0 {
		return // of this interval, or of a moment ago
	}
	p.usual += (float64(min(p.n, r.most(p.usual))) - p.usual) / learning
	if over > 1 {
		p.usual *= math.Pow(1-1.0/learning, float64(over-1))
	}
	p.interval, p.n, p.raised = interval, 0, false
}

// pulse is the history of a call's pair; many says that it may be that of others too.
func (a *Anomalies) pulse(c *ostiary.Call, interval int64) (p *pulse, many bool) {
	tool := toolOf(c)
	key := maphash.String(a.seed, c.Principal.ID) ^
		bits.RotateLeft64(maphash.String(a.seed, tool.upstream), 21) ^ bits.RotateLeft64(maphash.String(a.seed, tool.name), 42)
	if p, ok := a.pulses.Load(key); ok {
		return p, false
	}
	if a.count.Load() >= a.most {
		a.sweepIfDue(interval)
		return &a.shared[key%sharedPulses], true
	}
	p, loaded := a.pulses.LoadOrStore(key, &pulse{interval: interval})
	if !loaded {
		a.count.Add(1)
	}
	return p, false
}

// sweepIfDue forgets who has not called for long, beside the call and at most once
// an interval.
func (a *Anomalies) sweepIfDue(interval int64) {
	if last := a.swept.Load(); interval == last || !a.swept.CompareAndSwap(last, interval) {
		return
	}
	go func() {
		n := a.pulses.DeleteMatching(func(_ uint64, p *pulse) (bool, bool) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return interval-p.interval > forgotten, false
		})
		a.count.Add(int64(-n))
	}()
}

// String says what happened, for people.
func (f Anomaly) String() string {
	what := f.Target
	if f.Upstream != "" {
		what = f.Upstream + "/" + f.Target
	}
	if f.Many {
		what += " and others"
	}
	return fmt.Sprintf("%d calls of %s within %s, where %.1f are usual and %d the most", f.Count, what, f.Every, f.Usual, f.Most)
}
