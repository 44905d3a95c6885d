package idempotency

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// A call without an answer asks, and of all who were allowed one runs.
func TestAnUnknownOutcomeAsks(t *testing.T) {
	withheld := filter(func() error { return errBroken })
	for name, lose := range map[string]func(s ostiary.Store, w *world){
		"time-out": func(s ostiary.Store, _ *world) {
			newLine(t, nil, newGate(t, s, nil)).Do(t.Context(), pay("k", 1), fails(context.DeadlineExceeded))
		},
		"withdrawn": func(s ostiary.Store, _ *world) {
			ctx, cancel := context.WithCancel(t.Context())
			newLine(t, nil, newGate(t, s, nil)).Do(ctx, pay("k", 1), func(ctx context.Context, _ *ostiary.Call) (*ostiary.Result, error) {
				cancel()
				return nil, ctx.Err()
			})
		},
		"panic": func(s ostiary.Store, _ *world) {
			newLine(t, nil, newGate(t, s, nil)).Do(t.Context(), pay("k", 1), func(context.Context, *ostiary.Call) (*ostiary.Result, error) { panic("x") })
		},
		"withheld": func(s ostiary.Store, w *world) {
			l, err := ostiary.New(ostiary.Options{
				Gates: []ostiary.Gate{newGate(t, s, nil)}, Filters: []ostiary.Filter{withheld}, Recorder: pen{}, Timeout: time.Minute, Now: time.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			l.Do(t.Context(), pay("k", 1), w.run)
			w.runs = 0
		},
		"crash while it ran": func(s ostiary.Store, _ *world) {
			d, err := newGate(t, s, func(o *Options) { o.Owner = "dead" }).Check(t.Context(), pay("k", 1))
			if err != nil || d.Hold.Commit() != nil {
				t.Fatal(d, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, stateDir(t))
			w := &world{}
			lose(s, w)
			g := newGate(t, s, func(o *Options) { o.Alive = func(owner string) bool { return owner != "dead" } })
			_, d := newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
			want(t, "nobody to ask", d, ostiary.CodeIdempotencyUnknown, ostiary.Deny)
			_, d = newLine(t, person(ostiary.Deny), g).Do(t.Context(), pay("k", 1), w.run)
			want(t, "a person says no", d, ostiary.CodeIdempotencyUnknown, ostiary.Deny)
			_, d = newLine(t, person(ostiary.Allow), g).Do(t.Context(), pay("k", 2), w.run)
			want(t, "another call", d, ostiary.CodeIdempotencyConflict, ostiary.Deny)
			if w.runs != 0 {
				t.Fatalf("%d effects without a person", w.runs)
			}
			// Ten were asked about and all are allowed at once.
			var ready, wg sync.WaitGroup
			ready.Add(10)
			together := person2(func() { ready.Done(); ready.Wait() })
			won, over := 0, 0
			var mu sync.Mutex
			for range 10 {
				wg.Go(func() {
					_, d := newLine(t, together, g).Do(t.Context(), pay("k", 1), w.run)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case d.Verdict == ostiary.Allow:
						won++
					case d.Code == ostiary.CodeIdempotencyRunning:
						over++
					default:
						t.Errorf("%+v", d)
					}
				})
			}
			wg.Wait()
			if won != 1 || over != 9 || w.runs != 1 {
				t.Errorf("%d won, %d came too late, %d effects", won, over, w.runs)
			}
			_, d = newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
			want(t, "afterwards", d, "", ostiary.Answer)
		})
	}
}

type filter func() error

func (filter) Name() string                                                  { return "test" }
func (f filter) Apply(context.Context, *ostiary.Call, *ostiary.Result) error { return f() }

type person2 func()

func (person2) Name() string { return "approval" }
func (p person2) Settle(context.Context, *ostiary.Call, []ostiary.Decision) (ostiary.Decision, error) {
	p()
	return ostiary.Allowed(), nil
}

// A takeover that did not run leaves the question as it was.
func TestATakeoverThatDidNotRun(t *testing.T) {
	s := openStore(t, stateDir(t))
	g := newGate(t, s, nil)
	newLine(t, nil, g).Do(t.Context(), pay("k", 1), fails(errBroken))
	d, err := g.Check(t.Context(), pay("k", 1))
	if err != nil || d.Verdict != ostiary.Ask {
		t.Fatal(d, err)
	}
	if err := d.Hold.Commit(); err != nil {
		t.Fatal(err)
	}
	d.Hold.Release()
	d, err = g.Check(t.Context(), pay("k", 1))
	if err != nil || d.Verdict != ostiary.Ask || d.Code != ostiary.CodeIdempotencyUnknown {
		t.Fatal(d, err)
	}
}
