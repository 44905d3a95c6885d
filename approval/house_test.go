package approval

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

// house is a gate and a desk over a real store, with a clock to be set.
type house struct {
	t     testing.TB
	dir   string
	store *store.SQLite
	notes *notes
	gate  *Gate
	desk  *Desk
	opts  Options
	now   *atomic.Int64 // beyond the real clock
}

func newHouse(t testing.TB, change ...func(*Options)) *house {
	t.Helper()
	h := &house{t: t, dir: filepath.Join(t.TempDir(), "state"), notes: &notes{}, now: &atomic.Int64{}}
	h.opts = Options{
		Journal: h.notes, Mask: func(c *ostiary.Call) []byte { return c.Arguments },
		MaskText: func(_ *ostiary.Call, text string) string { return text },
		Policy:   "sha256:p1", Wait: time.Millisecond, Clock: h.clock,
	}
	for _, f := range change {
		f(&h.opts)
	}
	h.open()
	t.Cleanup(func() { h.close() })
	return h
}

func (h *house) clock() time.Time { return time.Now().Add(time.Duration(h.now.Load())) }

func (h *house) later(d time.Duration) { h.now.Add(int64(d)) }

func (h *house) open() {
	h.t.Helper()
	var err error
	if h.store, err = store.Open(store.Options{Dir: h.dir, Clock: h.clock}); err != nil {
		h.t.Fatal(err)
	}
	h.opts.Store = h.store
	if h.gate, err = New(h.opts); err != nil {
		h.t.Fatal(err)
	}
	if h.desk, err = NewDesk(DeskOptions{Store: h.store, Journal: h.opts.Journal, Clock: h.clock}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) close() {
	h.gate.Close()
	if err := h.store.Close(); err != nil {
		h.t.Error(err)
	}
}

// restart closes everything and opens it again, as other processes would.
func (h *house) restart() { h.t.Helper(); h.close(); h.open() }

// notes is a journal that remembers.
type notes struct {
	mu   sync.Mutex
	all  []ostiary.Event
	fail error
}

func (n *notes) Note(e ostiary.Event) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return n.fail
	}
	n.all = append(n.all, e)
	return nil
}

func (n *notes) failing(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail = err
}

func (n *notes) names() (names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.all {
		names = append(names, e.Name)
	}
	return names
}

func (n *notes) has(name string) bool { return slices.Contains(n.names(), name) }

func (n *notes) last(name string) ostiary.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range slices.Backward(n.all) {
		if e.Name == name {
			return e
		}
	}
	return ostiary.Event{}
}

// call makes a destructive call with these arguments.
func call(args string, change ...func(*ostiary.Call)) *ostiary.Call {
	c := &ostiary.Call{
		ID: "call-" + fmt.Sprintf("%x", sha256.Sum256([]byte(args)))[:8], Received: time.Now(),
		Principal: ostiary.Principal{ID: "alice", Client: "/usr/bin/agent"}, Session: "4711@1", Upstream: "files",
		Method: "tools/call", Class: ostiary.ClassTool, Target: "delete_file",
		Rule: &ostiary.Rule{Pattern: "files/delete_*"}, Effect: ostiary.EffectDestructive,
		Arguments: []byte(args), Digest: sha256.Sum256([]byte(args)), Definition: sha256.Sum256([]byte("definition")),
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func rule(f func(*ostiary.Rule)) func(*ostiary.Call) {
	return func(c *ostiary.Call) { r := *c.Rule; f(&r); c.Rule = &r }
}

func asks() []ostiary.Decision {
	return []ostiary.Decision{{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired, Stage: "policy", Reason: "destructive calls ask", Message: "ask the operator"}}
}

func (h *house) settle(c *ostiary.Call) (ostiary.Decision, error) {
	return h.gate.Settle(context.Background(), c, asks())
}

// refused settles a call that must be refused with a code.
func (h *house) refused(c *ostiary.Call, code ostiary.Code) *ostiary.Error {
	h.t.Helper()
	d, err := h.settle(c)
	if err == nil && d.Hold != nil {
		err = d.Hold.Commit()
	}
	if !errors.Is(err, code) {
		h.t.Fatalf("got %+v and %v, want %s", d, err, code)
	}
	return ostiary.AsError(err)
}

// runs settles and commits a call that must pass.
func (h *house) runs(c *ostiary.Call) ostiary.Decision {
	h.t.Helper()
	d, err := h.settle(c)
	if err != nil || d.Verdict != ostiary.Allow {
		h.t.Fatalf("got %+v and %v, want allow", d, err)
	}
	if err := d.Hold.Commit(); err != nil {
		h.t.Fatal(err)
	}
	return d
}

// only returns the one request that waits.
func (h *house) only() Request {
	h.t.Helper()
	all, err := h.desk.List(context.Background(), Filter{States: []State{Pending}})
	if err != nil || len(all) != 1 {
		h.t.Fatalf("%d requests wait (%v), want one", len(all), err)
	}
	return all[0]
}

func (h *house) get(id string) Request {
	h.t.Helper()
	r, err := h.desk.Get(context.Background(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

var bob = Who{Name: "bob", Channel: ChannelCLI}

func (h *house) approve(id string) {
	h.t.Helper()
	if _, err := h.desk.Approve(context.Background(), id, bob, Confirm); err != nil {
		h.t.Fatal(err)
	}
}

// client is the door's end of a call, as far as the approvals use it.
type client struct {
	progress func(string) bool
	dialog   *ostiary.Dialog
	dryRun   func() (*ostiary.Result, error)
}

func (c *client) Cancel(error)                                    { panic("approvals cancel nothing") }
func (c *client) Current() error                                  { return nil }
func (c *client) Progress(m string) bool                          { return c.progress != nil && c.progress(m) }
func (c *client) Dialog() *ostiary.Dialog                         { return c.dialog }
func (c *client) with() func(*ostiary.Call)                       { return func(call *ostiary.Call) { call.Caller = c } }
func (c *client) DryRun(context.Context) (*ostiary.Result, error) { return c.dryRun() }

func (h *house) waiters() int {
	h.gate.watch.mu.Lock()
	defer h.gate.watch.mu.Unlock()
	return len(h.gate.watch.waiters)
}

// until waits for what other goroutines do.
func (h *house) until(ok func() bool) {
	h.t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for range 20_000 {
		if ok() {
			return
		}
		<-ticker.C
	}
	h.t.Fatal("it did not happen")
}
