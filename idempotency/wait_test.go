package idempotency

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// polled is a store that tells when somebody polls it.
type polled struct {
	ostiary.Store
	seen chan struct{}
}

func (p *polled) Version(ctx context.Context, bucket string) (int64, error) {
	select {
	case p.seen <- struct{}{}:
	default:
	}
	return p.Store.Version(ctx, bucket)
}

type outcome struct {
	r *ostiary.Result
	d ostiary.Decision
}

// held runs a first call until let go, and begins a second one meanwhile.
func held(t *testing.T, firstOwner string, change func(*Options), second *ostiary.Call, ctx context.Context) (w *world, letGo func(), first, repeated chan outcome, seen chan struct{}) {
	t.Helper()
	s := openStore(t, stateDir(t))
	p := &polled{Store: s, seen: make(chan struct{})}
	w = &world{}
	begun, hold := make(chan struct{}), make(chan struct{})
	first, repeated = make(chan outcome, 1), make(chan outcome, 1)
	one := newLine(t, nil, newGate(t, s, func(o *Options) { o.Owner = firstOwner }))
	go func() {
		r, d := one.Do(context.WithoutCancel(ctx), pay("k", 1), func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
			close(begun)
			<-hold
			return w.run(ctx, c)
		})
		first <- outcome{r, d}
	}()
	<-begun
	two := newLine(t, nil, newGate(t, p, change))
	go func() {
		r, d := two.Do(ctx, second, w.run)
		repeated <- outcome{r, d}
	}()
	return w, func() { close(hold) }, first, repeated, p.seen
}

func TestARepetitionWaitsForTheFirst(t *testing.T) {
	for _, owner := range []string{"this", "other"} { // the same process, and another
		w, letGo, first, repeated, seen := held(t, owner, nil, pay("k", 1), t.Context())
		for range 3 {
			<-seen
		}
		letGo()
		a, b := <-first, <-repeated
		want(t, "first", a.d, "", ostiary.Allow)
		want(t, "repetition", b.d, "", ostiary.Answer)
		if w.runs != 1 || b.r == nil || !bytes.Equal(a.r.Body, b.r.Body) {
			t.Errorf("%d effects, %+v, %+v", w.runs, a.r, b.r)
		}
	}
}

func TestAnotherCallDoesNotWait(t *testing.T) {
	w, letGo, first, repeated, _ := held(t, "other", nil, pay("k", 2), t.Context())
	want(t, "other call", (<-repeated).d, ostiary.CodeIdempotencyConflict, ostiary.Deny)
	letGo()
	if <-first; w.runs != 1 {
		t.Errorf("%d effects", w.runs)
	}
}

func TestAWaitEnds(t *testing.T) {
	start := time.Now()
	var ticks atomic.Int64
	_, letGo, first, repeated, _ := held(t, "other", func(o *Options) {
		o.Clock = func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * 10 * time.Second) }
	}, pay("k", 1), t.Context())
	b := <-repeated
	want(t, "repetition", b.d, ostiary.CodeIdempotencyRunning, ostiary.Deny)
	if b.d.RetryAfter <= 0 {
		t.Error("it does not say when to try again")
	}
	letGo()
	<-first
}

func TestAWaitIsWithdrawn(t *testing.T) {
	for _, cause := range []error{nil, &ostiary.Error{Code: ostiary.CodeGatewayCancelled, Message: "gone"}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		_, letGo, first, repeated, seen := held(t, "other", nil, pay("k", 1), ctx)
		<-seen
		cancel(cause)
		want(t, "repetition", (<-repeated).d, ostiary.CodeGatewayCancelled, ostiary.Deny)
		letGo()
		<-first
	}
}

// While a repetition waits the process of the first dies.
func TestTheFirstDiesMeanwhile(t *testing.T) {
	for _, test := range []struct {
		name      string
		committed bool
		code      ostiary.Code
		verdict   ostiary.Verdict
		runs      int
	}{
		{"before it ran", false, "", ostiary.Allow, 1},
		{"when it may have run", true, ostiary.CodeIdempotencyUnknown, ostiary.Deny, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := openStore(t, stateDir(t))
			d, err := newGate(t, s, func(o *Options) { o.Owner = "first" }).Check(t.Context(), pay("k", 1))
			if err == nil && test.committed {
				err = d.Hold.Commit()
			}
			if err != nil {
				t.Fatal(err)
			}
			var asked atomic.Int64
			w := &world{}
			g := newGate(t, s, func(o *Options) { o.Alive = func(string) bool { return asked.Add(1) < 5 } })
			_, d = newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
			want(t, "repetition", d, test.code, test.verdict)
			if w.runs != test.runs || asked.Load() < 5 {
				t.Errorf("%d effects, asked %d times", w.runs, asked.Load())
			}
		})
	}
}

// While a repetition waits the first is refused: the repetition runs.
func TestTheFirstIsRefusedMeanwhile(t *testing.T) {
	s := openStore(t, stateDir(t))
	p := &polled{Store: s, seen: make(chan struct{})}
	d, err := newGate(t, s, func(o *Options) { o.Owner = "first" }).Check(t.Context(), pay("k", 1))
	if err != nil {
		t.Fatal(err)
	}
	w, done := &world{}, make(chan outcome, 1)
	c := pay("k", 1)
	signs := &signs{}
	c.Caller = signs
	start := time.Now()
	var ticks atomic.Int64
	g := newGate(t, p, func(o *Options) {
		o.Clock = func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * 2 * time.Second) }
	})
	go func() {
		r, d := newLine(t, nil, g).Do(t.Context(), c, w.run)
		done <- outcome{r, d}
	}()
	for range 4 {
		<-p.seen
	}
	d.Hold.Release()
	want(t, "repetition", (<-done).d, "", ostiary.Allow)
	if w.runs != 1 || signs.n == 0 {
		t.Errorf("%d effects, %d signs of life", w.runs, signs.n)
	}
}

type signs struct {
	ostiary.Caller
	n int
}

func (s *signs) Progress(string) bool { s.n++; return true }
func (*signs) Current() error         { return nil }
