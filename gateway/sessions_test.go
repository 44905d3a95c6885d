package gateway

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// slowRand makes whoever opens the next door wait, once it is armed.
type slowRand struct {
	armed   atomic.Bool
	reached chan struct{}
	open    chan struct{}
}

func (r *slowRand) Read(b []byte) (int, error) {
	if len(b) == 8 && r.armed.CompareAndSwap(true, false) { // the ids of a new door
		r.reached <- struct{}{}
		<-r.open
	}
	return rand.Read(b)
}

// TestASlowStartHoldsUpNobodyElse: while one door is made, others call and begin
// sessions; who wants the same one waits for it and it is made once.
func TestASlowStartHoldsUpNobodyElse(t *testing.T) {
	slow := &slowRand{reached: make(chan struct{}, 1), open: make(chan struct{})}
	w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) { o.Door.Rand = slow })
	running := w.session("Who", "bob")
	slow.armed.Store(true)
	var mine sync.WaitGroup
	for range 3 {
		mine.Go(func() { w.post(modernRead("1", "read", "{}"), modernFields("read")...).want(t, 200, "done") })
	}
	got(t, slow.reached, "the start of the door")
	w.post(call("1", "read"), "Who", "bob", "Mcp-Session-Id", running).want(t, 200, "done")
	w.session("Who", "carol")
	w.post(modernRead("1", "read", "{}"), modernFields("read", "Who", "carol")...).want(t, 200, "done")
	close(slow.open)
	mine.Wait()
	w.endpoint.doors.mu.Lock()
	defer w.endpoint.doors.mu.Unlock()
	if n := w.endpoint.doors.count["alice"]; n != 1 {
		t.Errorf("alice has %d doors", n)
	}
}

// TestWhoDoesNotWaitForAStartLeavesNothing: the session that nobody will know ends,
// and a start that takes too long is said.
func TestWhoDoesNotWaitForAStartLeavesNothing(t *testing.T) {
	slow := &slowRand{reached: make(chan struct{}, 1), open: make(chan struct{})}
	w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) {
		o.Door.Rand, o.Door.CatalogWait = slow, 100*time.Millisecond
	})
	slow.armed.Store(true)
	if r := w.post(initialize).want(t, 503, "too long to start"); r.header.Get("Retry-After") == "" {
		t.Error("it does not say when to ask again")
	}
	<-slow.reached
	slow.armed.Store(true)
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := w.client.Do(w.request(ctx, "POST", initialize)); err == nil {
			resp.Body.Close()
		}
	}()
	<-slow.reached
	leave()
	<-ended
	close(slow.open)
	until(t, func() bool {
		w.endpoint.doors.mu.Lock()
		defer w.endpoint.doors.mu.Unlock()
		return len(w.endpoint.doors.all) == 0 && w.endpoint.o.Capacity.inUse() == 0
	})
	w.session() // the control
}

// inUse is how many sessions there are.
func (c *Capacity) inUse() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sessions
}

// TestTheProcessHasSoManySessions: also when each principal has few, and together
// with another endpoint.
func TestTheProcessHasSoManySessions(t *testing.T) {
	all := &Capacity{Sessions: 3}
	w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) { o.Capacity = all })
	other := NewEndpoint(w.endpoint.o)
	defer other.Close()
	begin := func(who string) *httptest.ResponseRecorder {
		r := httptest.NewRecorder()
		other.ServeHTTP(r, w.request(t.Context(), "POST", initialize, "Who", who))
		return r
	}
	first := w.session("Who", "ann")
	w.session("Who", "ben")
	if r := begin("ann"); r.Code != 200 {
		t.Fatalf("the third session: %d %s", r.Code, r.Body)
	}
	r := begin("carl")
	for _, refused := range []reply{{r.Code, r.Header(), r.Body.String()}, w.post(initialize, "Who", "carl")} {
		if refused.want(t, 503, "as many sessions").header.Get("Retry-After") != "30" {
			t.Errorf("it says to ask again after %q", refused.header.Get("Retry-After"))
		}
	}
	w.recorded(is{code: "limit_concurrency"})
	w.do(w.request(t.Context(), "DELETE", "", "Mcp-Session-Id", first, "Who", "ann")).want(t, 204)
	w.session("Who", "carl")
}
