package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/freeze"
	"github.com/ostiary/ostiary/grant"
	"github.com/ostiary/ostiary/idempotency"
	"github.com/ostiary/ostiary/limit"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/store"
)

// world is one in which a gate must speak about every message that it has a say
// about.
type world struct {
	gate string
	make func(*worldMaker)
	// spoke says of a record of the message that the gate has spoken.
	spoke func(audit.Record) bool
}

// worldMaker is what a world is made of.
type worldMaker struct {
	t  *testing.T
	of atomic.Pointer[classRow] // whose message is sent now
	// row changes the row of the policy that lets a message pass; deny adds one that
	// may not.
	row   func(*policy.Row)
	deny  func(policy.Row) policy.DenyRow
	rules bool // the rows have more to say than that it may pass
	line  func(*ostiary.Options)
	// begin is called right before a message is sent, end when it was judged.
	begin, end func()
}

func newWorld(t *testing.T) *worldMaker {
	return &worldMaker{t: t, row: func(*policy.Row) {}, line: func(*ostiary.Options) {}, begin: func() {}, end: func() {}}
}

// is reports whether a call is the message that is sent now.
func (w *worldMaker) is(c *ostiary.Call) bool {
	r := w.of.Load()
	return r != nil && c.Class == r.class && c.Method == r.method
}

func (w *worldMaker) store() *store.SQLite {
	w.t.Helper()
	s, err := store.Open(store.Options{Dir: filepath.Join(w.t.TempDir(), "store")})
	w.must(err)
	w.t.Cleanup(func() { s.Close() })
	return s
}

func (w *worldMaker) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// first puts a gate in front of the others, last behind them.
func (w *worldMaker) first(g ostiary.Gate) {
	w.line = func(o *ostiary.Options) { o.Gates = append([]ostiary.Gate{g}, o.Gates...) }
}

func (w *worldMaker) last(g ostiary.Gate) {
	before := w.line
	w.line = func(o *ostiary.Options) { before(o); o.Gates = append(o.Gates, g) }
}

// decides lets somebody decide who says no to the message that is sent now, and yes
// to what is needed before it.
func (w *worldMaker) decides() {
	before := w.line
	w.line = func(o *ostiary.Options) { before(o); o.Settler = settling{w} }
	w.row, w.rules = func(r *policy.Row) { r.Approve = true }, true
}

type settling struct{ w *worldMaker }

func (settling) Name() string { return "approval" }

func (s settling) Settle(_ context.Context, c *ostiary.Call, _ []ostiary.Decision) (ostiary.Decision, error) {
	if s.w.is(c) {
		return ostiary.Decision{}, &ostiary.Error{Code: ostiary.CodeApprovalDenied, Message: "no"}
	}
	return ostiary.Allowed(), nil
}

func byStage(stage string) func(audit.Record) bool {
	return func(r audit.Record) bool { return r.Kind == audit.KindRefusal && r.Stage == stage }
}

var operator = struct{ Name, Channel string }{"dora", "cli"}

var worlds = []world{
	{"freeze", func(w *worldMaker) {
		s := w.store()
		var ticks atomic.Int64 // every look is a minute later, so that the store is asked
		desk := freeze.NewDesk(freeze.DeskOptions{Store: s, Journal: &journal{}, Clock: time.Now})
		g := freeze.New(freeze.Options{Store: s, Ticks: func() time.Duration { return time.Duration(ticks.Add(int64(time.Minute))) }})
		w.t.Cleanup(func() { g.Close() })
		w.first(g)
		alice, frozen := freeze.Scope{Principal: "alice"}, false
		w.begin = func() {
			frozen = true
			_, err := desk.Freeze(context.Background(), alice, false, freeze.Who(operator), "test")
			w.must(err)
		}
		w.end = func() {
			if !frozen {
				return
			}
			frozen = false
			_, err := desk.Unfreeze(context.Background(), alice, freeze.Who(operator), "test")
			w.must(err)
		}
	}, byStage("freeze")},
	{"anomaly", func(w *worldMaker) {
		// One in an hour is usual, and many hours pass between two messages.
		var clock atomic.Int64
		g, err := limit.NewAnomalies(limit.AnomalyOptions{
			AnomalyRule: ostiary.AnomalyRule{Times: 2, Least: 1, Freeze: true}, Every: time.Hour, Clock: func() time.Duration { return time.Duration(clock.Load()) },
			Stop: func(context.Context, limit.Anomaly) error { return nil }, Journal: &journal{},
		})
		w.must(err)
		w.t.Cleanup(g.Close)
		w.first(g)
		w.end = func() { clock.Add(int64(1000 * time.Hour)) }
	}, byStage("anomaly")},
	{"limit", func(w *worldMaker) {
		var clock atomic.Int64
		w.row, w.rules = func(r *policy.Row) { r.Limits = []ostiary.RateLimit{{Count: 1, Period: time.Hour}} }, true
		w.line = func(o *ostiary.Options) {
			many := unlimited()
			many.Clock = func() time.Duration { return time.Duration(clock.Load()) }
			g, err := limit.New(many)
			w.must(err)
			o.Gates[0] = g
		}
		w.end = func() { clock.Add(int64(1000 * time.Hour)) }
	}, byStage("limit")},
	{"policy", func(w *worldMaker) {
		w.rules = true
		w.deny = func(r policy.Row) policy.DenyRow {
			return policy.DenyRow{Kind: r.Kind, Pattern: r.Pattern, Forbids: func(ostiary.Tool) (*ostiary.Condition, error) {
				return &ostiary.Condition{Source: "test", Holds: func(_ context.Context, c *ostiary.Call) (bool, error) { return w.is(c), nil }}, nil
			}}
		}
	}, byStage("policy")},
	{"validate", func(w *worldMaker) {
		w.rules = true
		w.row = func(r *policy.Row) {
			r.Checks = func(ostiary.Tool) ([]ostiary.Check, error) {
				return []ostiary.Check{{Kind: "schema", Run: func(_ context.Context, c *ostiary.Call) error {
					if w.is(c) {
						return &ostiary.Error{Code: ostiary.CodeValidateSchema, Message: "no"}
					}
					return nil
				}}}, nil
			}
		}
	}, byStage("validate")},
	{"grant", func(w *worldMaker) {
		s := w.store()
		_, _, err := grant.NewDesk(grant.DeskOptions{Store: s, Journal: &journal{}, Clock: time.Now, Rand: rand.Reader}).
			Create(context.Background(), grant.Terms{Principal: "alice", Pattern: "up/*", For: 5 * time.Minute, Reason: "test"}, grant.Who(operator))
		w.must(err)
		w.last(grant.New(grant.Options{Store: s, Journal: &journal{}, Clock: time.Now}))
		w.decides()
	}, func(r audit.Record) bool { return strings.HasPrefix(r.Under, "grant ") }},
	{"idempotency", func(w *worldMaker) {
		w.row = func(r *policy.Row) {
			if r.Kind != policy.Tool {
				return // the policy refuses it
			}
			r.Idempotency = ostiary.IdempotencyRule{Argument: "key", Required: true}
		}
		g, err := idempotency.New(idempotency.Options{Store: w.store(), Owner: "test", Alive: func(string) bool { return true }})
		w.must(err)
		w.last(g)
	}, byStage("idempotency")},
	{"approval", (*worldMaker).decides, byStage("approval")},
}

// treating is a filter that shows in what it has seen.
type treating struct{}

func (treating) Name() string { return "treating" }

func (treating) Apply(_ context.Context, _ *ostiary.Call, r *ostiary.Result) error {
	r.Body = bytes.ReplaceAll(r.Body, []byte("planted"), []byte("treated"))
	return nil
}

func gateNames() (names []string) {
	for _, w := range worlds {
		names = append(names, w.gate)
	}
	return names
}
