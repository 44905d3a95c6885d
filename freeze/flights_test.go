package freeze

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary"
)

// inFlight lets a call in and returns its end.
func inFlight(t *testing.T, g *Gate, c *ostiary.Call) (*phone, func()) {
	t.Helper()
	p := newPhone()
	c.Caller = p
	d, err := g.Check(context.Background(), c)
	if codeOf(d, err) != "" {
		t.Fatal(d, err)
	}
	return p, d.Hold.Done
}

// after lets the clock of the bubble go on.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// Another process freezes: calls in flight end within a second, those that the
// freeze holds and no others, and only where it says so.
func TestNowEndsCallsInFlight(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Store: open(t, dir)})
		defer g.Close()
		elsewhere := desk(open(t, dir))
		alice, endAlice := inFlight(t, g, call("alice", "files", "slow"))
		bob, endBob := inFlight(t, g, call("bob", "files", "slow"))
		defer endBob()
		after(3 * time.Second)
		elsewhere.mustFreeze(t, Scope{Principal: "alice"}, false)
		after(time.Second)
		if err := alice.cancelled(); err != nil {
			t.Fatal("ended without --now:", err)
		}
		elsewhere.mustFreeze(t, Scope{Principal: "alice"}, true)
		after(time.Second)
		err := alice.cancelled()
		if !is(err, ostiary.CodeFreezeActive) || !strings.Contains(ostiary.AsError(err).Message, "it misbehaves") {
			t.Fatalf("alice's call: %v", err)
		}
		if err := bob.cancelled(); err != nil {
			t.Fatal("bob's call:", err)
		}
		endAlice()
		endAlice() // once more does nothing
		elsewhere.mustFreeze(t, Scope{Tool: "*/slow"}, true)
		after(time.Second)
		if err := bob.cancelled(); !is(err, ostiary.CodeFreezeActive) {
			t.Fatalf("bob's call: %v", err)
		}
	})
}

// A call that begins while others are ended is refused or ended too.
func TestNobodySlipsThrough(t *testing.T) {
	s := open(t, t.TempDir())
	d := desk(s)
	g := New(Options{Store: s})
	defer g.Close()
	for range 20 {
		var passed sync.WaitGroup
		var phones sync.Map
		var refused atomic.Int64
		for range 8 {
			passed.Go(func() {
				for refused.Load() < 8 {
					c := call("alice", "files", "x")
					p := newPhone()
					c.Caller = p
					got, err := g.Check(context.Background(), c)
					if codeOf(got, err) != "" {
						refused.Add(1)
						continue
					}
					if c.ID = "long"; len(phonesOf(&phones)) < 64 { // these stay in flight
						phones.Store(p, got.Hold)
						continue
					}
					got.Hold.Done()
				}
			})
		}
		d.mustFreeze(t, Scope{All: true}, true)
		passed.Wait()
		for p, hold := range phonesOf(&phones) {
			select {
			case err := <-p.hung:
				if !is(err, ostiary.CodeFreezeActive) {
					t.Fatal(err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("a call went on")
			}
			hold.Done()
		}
		d.mustLift(t, Scope{All: true})
		if got := codeOf(g.Recheck(t.Context(), call("alice", "files", "x"))); got != "" {
			t.Fatal(got)
		}
	}
	if g.flights.first.next != &g.flights.first {
		t.Error("calls stay in the list")
	}
}

// A call stands in the list before anybody looks whether it is frozen; else one that
// is let in while others are ended would be in neither place.
func TestListedBeforeJudged(t *testing.T) {
	s := &looking{Store: open(t, t.TempDir())}
	g := New(Options{Store: s})
	defer g.Close()
	listed := false
	s.look = func() {
		g.flights.mu.Lock()
		defer g.flights.mu.Unlock()
		listed = g.flights.first.next != &g.flights.first
	}
	_, end := inFlight(t, g, call("alice", "files", "x"))
	end()
	if !listed {
		t.Error("the store was asked before the call was in the list")
	}
}

// looking is a store that calls a function whenever it is asked for changes.
type looking struct {
	ostiary.Store
	look func()
}

func (l *looking) Version(ctx context.Context, bucket string) (int64, error) {
	l.look()
	return l.Store.Version(ctx, bucket)
}

func phonesOf(m *sync.Map) map[*phone]*ostiary.Hold {
	found := map[*phone]*ostiary.Hold{}
	m.Range(func(k, v any) bool { found[k.(*phone)] = v.(*ostiary.Hold); return true })
	return found
}

// Short calls do not make anybody ask the store, and an idle door sleeps.
func TestWatchOnlyLongCalls(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &counting{Store: open(t, dir)}
		g := New(Options{Store: s})
		defer g.Close()
		for range 100 { // ten seconds of calls that take 100 ms
			_, end := inFlight(t, g, call("alice", "files", "x"))
			after(100 * time.Millisecond)
			end()
		}
		if n := s.versions.Load(); n > 40 {
			t.Errorf("ten seconds of short calls asked %d times, the calls themselves need 34", n)
		}
		after(time.Second)
		g.flights.mu.Lock()
		armed := g.flights.armed
		g.flights.mu.Unlock()
		if armed {
			t.Error("the timer of an idle door is armed")
		}
		before := s.versions.Load()
		after(time.Hour)
		if n := s.versions.Load(); n != before {
			t.Errorf("an idle door asked %d times", n-before)
		}
		_, end := inFlight(t, g, call("alice", "files", "x"))
		before = s.versions.Load()
		after(10 * time.Second)
		if n := s.versions.Load() - before; n < 38 || n > 41 {
			t.Errorf("a call of ten seconds asked %d times", n)
		}
		end()
		_, end = inFlight(t, g, call("alice", "files", "x"))
		g.Close()
		before = s.versions.Load()
		after(10 * time.Second)
		if n := s.versions.Load(); n != before {
			t.Errorf("a closed gate asked %d times", n-before)
		}
		end()
	})
}

// Who waits for a person is ended too, and the record says why.
func TestTheLineEndsAWaitingCall(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Store: open(t, dir)})
		defer g.Close()
		ended := &recorder{}
		line, err := ostiary.New(ostiary.Options{
			Gates: []ostiary.Gate{g, asking{}}, Settler: waiting{}, Recorder: ended, Timeout: time.Hour, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		c := call("alice", "files", "delete")
		c.Caller = hangUp{cancel: cancel}
		done := make(chan ostiary.Decision)
		go func() {
			_, d := line.Do(ctx, c, func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
				t.Error("it ran")
				return nil, nil
			})
			done <- d
		}()
		after(time.Minute)
		desk(open(t, dir)).mustFreeze(t, Scope{All: true}, true)
		d := <-done
		if d.Verdict != ostiary.Deny || d.Code != ostiary.CodeFreezeActive || !strings.Contains(d.Message, "this call was ended") {
			t.Errorf("%+v", d)
		}
		if len(ended.all) != 1 || ended.all[0].Decision.Code != ostiary.CodeFreezeActive {
			t.Errorf("%+v", ended.all)
		}
	})
}

type hangUp struct {
	ostiary.Caller
	cancel context.CancelCauseFunc
}

func (h hangUp) Cancel(cause error) { h.cancel(cause) }

type asking struct{}

func (asking) Name() string { return "policy" }
func (asking) Check(context.Context, *ostiary.Call) (ostiary.Decision, error) {
	return ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired}, nil
}

// waiting is a settler whose person never answers.
type waiting struct{}

func (waiting) Name() string { return "approval" }
func (waiting) Settle(ctx context.Context, _ *ostiary.Call, _ []ostiary.Decision) (ostiary.Decision, error) {
	<-ctx.Done()
	return ostiary.Decision{}, context.Cause(ctx)
}

// recorder keeps outcomes; the line needs one.
type recorder struct{ all []ostiary.Outcome }

func (r *recorder) Begin(*ostiary.Call) (ostiary.Entry, error) { return r, nil }
func (r *recorder) Intent(ostiary.Decision) error              { return nil }
func (r *recorder) End(o ostiary.Outcome) error {
	r.all = append(r.all, o)
	return nil
}
