package approval

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary"
)

// settling settles a call in the background and waits until it waits.
func (h *house) settling(c *ostiary.Call) <-chan result {
	h.t.Helper()
	before := h.waiters()
	ch := make(chan result, 1)
	go func() {
		d, err := h.settle(c)
		ch <- result{d, err}
	}()
	h.until(func() bool { return h.waiters() > before || len(ch) > 0 })
	return ch
}

type result struct {
	d   ostiary.Decision
	err error
}

func TestWaitersLearnOfDecisions(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(h *house, id string) error
		code ostiary.Code
	}{
		"approved": {func(h *house, id string) error {
			_, err := h.desk.Approve(context.Background(), id, bob, Confirm)
			return err
		}, ""},
		"denied": {func(h *house, id string) error {
			_, err := h.desk.Deny(context.Background(), id, bob, "no")
			return err
		}, ostiary.CodeApprovalDenied},
		"voided": {func(h *house, id string) error {
			n, err := h.desk.Void(context.Background(), Filter{Principal: "alice"}, bob, "left the company")
			if n != 1 {
				return errors.New("nothing voided")
			}
			return err
		}, ostiary.CodeApprovalVoid},
		"expired": {func(h *house, id string) error { h.later(11 * time.Minute); return nil }, ostiary.CodeApprovalExpired},
		"gone": {func(h *house, id string) error {
			return h.store.Update(context.Background(), func(tx ostiary.Tx) error { return tx.Delete(bucketID, id) })
		}, ostiary.CodeApprovalExpired},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(o *Options) { o.Wait = time.Hour })
			done := h.settling(call(`{}`))
			if err := c.act(h, h.only().ID); err != nil {
				t.Fatal(err)
			}
			got := <-done
			if c.code == "" {
				if got.err != nil || got.d.Verdict != ostiary.Allow || got.d.Hold.Commit() != nil {
					t.Errorf("got %+v", got)
				}
			} else if !errors.Is(got.err, c.code) {
				t.Errorf("got %+v", got)
			}
			if name == "expired" && !h.notes.has("approval_expired") {
				t.Error("not noted")
			}
			if h.waiters() != 0 || h.gate.watch.stop != nil {
				t.Error("somebody polls and nobody waits")
			}
		})
	}
}

// TestIdenticalCallsCollapse: many at once are one request, and one of them runs.
func TestIdenticalCallsCollapse(t *testing.T) {
	var previews atomic.Int32
	h := newHouse(t, func(o *Options) { o.Wait = time.Hour })
	preview := rule(func(r *ostiary.Rule) {
		r.Preview = func(context.Context, *ostiary.Call) (*ostiary.Preview, error) {
			previews.Add(1)
			return &ostiary.Preview{Kind: "delete"}, nil
		}
	})
	const n = 20
	var ran, used atomic.Int32
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			d, err := h.settle(call(`{}`, preview))
			if err == nil {
				err = d.Hold.Commit()
			}
			switch {
			case err == nil:
				ran.Add(1)
			case errors.Is(err, ostiary.CodeApprovalUsed):
				used.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	h.until(func() bool { return h.waiters() == n })
	h.approve(h.only().ID)
	wg.Wait()
	if ran.Load() != 1 || used.Load() != n-1 || previews.Load() != 1 {
		t.Errorf("%d ran, %d were too late, %d previews", ran.Load(), used.Load(), previews.Load())
	}
}

// TestTheMakerFails: one that cannot ask does not stop those who ask the same.
func TestTheMakerFails(t *testing.T) {
	h := newHouse(t)
	inside, release := make(chan struct{}), make(chan struct{})
	first := call(`{}`, rule(func(r *ostiary.Rule) {
		r.Preview = func(context.Context, *ostiary.Call) (*ostiary.Preview, error) {
			close(inside)
			<-release
			panic("oops")
		}
	}))
	failed, second := make(chan any), make(chan error, 1)
	go func() {
		defer func() { failed <- recover() }()
		h.settle(first)
	}()
	<-inside
	go func() {
		_, err := h.settle(call(`{}`))
		second <- err
	}()
	close(release)
	if <-failed != "oops" {
		t.Error("the panic is gone")
	}
	if err := <-second; !errors.Is(err, ostiary.CodeApprovalPending) {
		t.Errorf("got %v", err)
	}
}

// TestPatience: with progress a call waits until the request ends, without it
// for Options.Wait, and the client hears every ten seconds. Time is the bubble's.
func TestPatience(t *testing.T) {
	for name, c := range map[string]struct {
		wants int // signs of life that the client takes
		code  ostiary.Code
		after time.Duration
		signs int
	}{
		"none":     {0, ostiary.CodeApprovalPending, 45 * time.Second, 1},
		"some":     {9, ostiary.CodeApprovalPending, 90 * time.Second, 10},
		"few":      {2, ostiary.CodeApprovalPending, 45 * time.Second, 3},
		"for ever": {1 << 30, ostiary.CodeApprovalExpired, 10 * time.Minute, 60},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(o *Options) { o.Wait = 0 })
				signs := 0
				one := &client{progress: func(m string) bool {
					if !strings.Contains(m, h.only().ID) {
						t.Errorf("said %q", m)
					}
					signs++
					return signs <= c.wants
				}}
				begun := time.Now()
				h.refused(call(`{}`, one.with()), c.code)
				took := time.Since(begun)
				if took < c.after || took > c.after+time.Second || signs < c.signs-1 || signs > c.signs+1 {
					t.Errorf("waited %v with %d signs, want %v and %d", took, signs, c.after, c.signs)
				}
			})
		})
	}
}

// TestWaitingIsQuiet: while nobody waits, nothing polls, and many wait with one
// poller.
func TestWaitingIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *Options) { o.Wait = time.Hour })
		counted := &counting{Store: h.store}
		h.gate.watch.store = counted
		var all []<-chan error
		for i := range 5 {
			ch := make(chan error, 1)
			all = append(all, ch)
			go func() {
				_, err := h.settle(call(string(rune('0' + i))))
				ch <- err
			}()
		}
		time.Sleep(10*time.Second + pollEvery/2) //nolint:forbidigo // the bubble's time
		if n := counted.n.Load(); n < 190 || n > 210 {
			t.Errorf("%d looks in 10 s, want 200", n)
		}
		h.gate.Close()
		for _, ch := range all {
			if err := <-ch; !errors.Is(err, ostiary.CodeGatewayShutdown) {
				t.Error(err)
			}
		}
		before := counted.n.Load()
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
		if counted.n.Load() != before {
			t.Error("it polls on")
		}
	})
}

type counting struct {
	ostiary.Store
	n atomic.Int32
}

func (c *counting) Version(ctx context.Context, bucket string) (int64, error) {
	c.n.Add(1)
	return c.Store.Version(ctx, bucket)
}
