package approval

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func TestDesk(t *testing.T) {
	h := newHouse(t)
	ids := map[string]string{}
	for _, args := range []string{"pending", "approved", "denied", "used", "void"} {
		h.refused(call(args), ostiary.CodeApprovalPending)
		all, err := h.desk.List(t.Context(), Filter{States: []State{Pending}})
		if err != nil {
			t.Fatal(err)
		}
		id := all[len(all)-1].ID
		ids[args] = id
		switch args {
		case "approved", "used":
			h.approve(id)
		case "denied":
			if _, err := h.desk.Deny(t.Context(), id, bob, ""); err != nil {
				t.Fatal(err)
			}
		case "void":
			h.refused(call(args, func(c *ostiary.Call) { c.Definition[0]++ }), ostiary.CodeApprovalPending)
			all, err := h.desk.List(t.Context(), Filter{States: []State{Pending}})
			if err != nil || len(all) != 2 {
				t.Fatal(len(all), err)
			}
			if _, err := h.desk.Deny(t.Context(), all[1].ID, bob, ""); err != nil {
				t.Fatal(err)
			}
		}
		if args == "used" {
			h.runs(call(args))
		}
	}
	state := func(s ...State) (found []string) {
		t.Helper()
		all, err := h.desk.List(t.Context(), Filter{States: s})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			for name, id := range ids {
				if id == r.ID {
					found = append(found, name)
				}
			}
		}
		return found
	}
	for _, s := range []State{Pending, Approved, Denied, Used, Void} {
		if got := state(s); !slices.Equal(got, []string{string(s)}) {
			t.Errorf("%s: found %v", s, got)
		}
	}
	if got := state(); !slices.Equal(got, []string{"pending", "approved", "denied", "used", "void"}) {
		t.Errorf("all: %v", got)
	}
	// What cannot be decided any more says so.
	for name, code := range map[string]ostiary.Code{
		"approved": ostiary.CodeApprovalUsed, "denied": ostiary.CodeApprovalDenied,
		"used": ostiary.CodeApprovalUsed, "void": ostiary.CodeApprovalVoid,
	} {
		if _, err := h.desk.Approve(t.Context(), ids[name], bob, Confirm); !errors.Is(err, code) {
			t.Errorf("approving what is %s: %v", name, err)
		}
		if _, err := h.desk.Deny(t.Context(), ids[name], bob, "no"); name != "approved" && !errors.Is(err, code) {
			t.Errorf("denying what is %s: %v", name, err)
		}
	}
	h.later(11 * time.Minute)
	if got := state(Expired); !slices.Equal(got, []string{"pending"}) {
		t.Errorf("expired: %v", got)
	}
	if got := state(Pending); len(got) > 0 {
		t.Errorf("pending: %v", got)
	}
	for _, id := range []string{"", "abc", "zzzzzz", strings.Repeat("a", 5000), "\x00\x00\x00\x00\x00", "%%%%%"} {
		if _, err := h.desk.Get(t.Context(), id); !errors.Is(err, ostiary.CodeApprovalUnknown) {
			t.Errorf("%.20q: %v", id, err)
		}
	}
	if got := h.get(" " + strings.ToUpper(ids["used"][:8]) + "\n"); got.ID != ids["used"] {
		t.Errorf("got %s", got.ID)
	}
}

func TestOnlyTheOneThatWasNamed(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Rand = same{} })
	h.refused(call("1"), ostiary.CodeApprovalPending)
	r := h.only()
	if err := h.store.Update(t.Context(), func(tx ostiary.Tx) error {
		other := r
		other.ID = r.ID[:8] + "zzzzzzzz"
		return create(tx, &other)
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.desk.Approve(t.Context(), r.ID[:8], bob, Confirm); !errors.Is(err, ostiary.CodeApprovalUnknown) || !strings.Contains(err.Error(), "more than one") {
		t.Errorf("got %v", err)
	}
	h.approve(r.ID)
}

type same struct{}

func (same) Read(b []byte) (int, error) { return len(b), nil }

func TestWhoMayDecide(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Channels = []string{ChannelCLI, ChannelConsole} })
	h.refused(call(`{}`, rule(func(r *ostiary.Rule) { r.Approve.Channels = []string{"console"} })), ostiary.CodeApprovalPending)
	id := h.only().ID
	for name, c := range map[string]struct {
		who    Who
		answer string
		code   ostiary.Code
	}{
		"another channel": {bob, Confirm, ostiary.CodeApprovalRequired},
		"a webhook":       {Who{"bob", ChannelWebhook}, Confirm, ostiary.CodeApprovalRequired},
		"a client":        {Who{"bob", ChannelClient}, Confirm, ostiary.CodeApprovalRequired},
		"nobody":          {Who{"", ChannelConsole}, Confirm, ostiary.CodeAuthNobody},
		"no channel":      {Who{"bob", ""}, Confirm, ostiary.CodeApprovalRequired},
		"no answer":       {Who{"bob", ChannelConsole}, "", ostiary.CodeApprovalRequired},
		"yes":             {Who{"bob", ChannelConsole}, "yes", ostiary.CodeApprovalRequired},
		"CANCEL":          {Who{"bob", ChannelConsole}, Cancel, ostiary.CodeApprovalRequired},
	} {
		if _, err := h.desk.Approve(t.Context(), id, c.who, c.answer); !errors.Is(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.desk.Deny(t.Context(), id, Who{}, ""); !errors.Is(err, ostiary.CodeAuthNobody) {
		t.Errorf("denied by nobody: %v", err)
	}
	if _, err := h.desk.Void(t.Context(), Filter{}, Who{}, ""); !errors.Is(err, ostiary.CodeAuthNobody) {
		t.Errorf("voided by nobody: %v", err)
	}
	if h.only().State != Pending {
		t.Error("it was decided")
	}
	if _, err := h.desk.Approve(t.Context(), id, Who{"bob", ChannelConsole}, Confirm); err != nil {
		t.Error(err)
	}
}

func TestVoidAllOfAPrincipal(t *testing.T) {
	h := newHouse(t)
	for _, args := range []string{"1", "2", "3"} {
		h.refused(call(args), ostiary.CodeApprovalPending)
	}
	h.refused(call("4", func(c *ostiary.Call) { c.Principal.ID = "carol" }), ostiary.CodeApprovalPending)
	all, err := h.desk.List(t.Context(), Filter{Principal: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	h.approve(all[0].ID)
	n, err := h.desk.Void(t.Context(), Filter{Principal: "alice"}, bob, "left")
	if n != 3 || err != nil {
		t.Errorf("%d voided: %v", n, err)
	}
	if r := h.only(); r.Principal != "carol" {
		t.Errorf("%s waits", r.Principal)
	}
	if e := h.notes.last("approval_voided"); e.By != "bob" || e.Reason != "left" {
		t.Errorf("noted %+v", e)
	}
	h.refused(call("1"), ostiary.CodeApprovalPending) // the approval is gone
}

// TestTwoPeopleDecide: one decision counts, and the evidence says which.
func TestTwoPeopleDecide(t *testing.T) {
	h := newHouse(t)
	for i := range 20 {
		h.refused(call(string(rune('a'+i))), ostiary.CodeApprovalPending)
		id := h.only().ID
		var wg sync.WaitGroup
		won := make(chan State, 8)
		for range 4 {
			wg.Go(func() {
				if r, err := h.desk.Approve(context.Background(), id, bob, Confirm); err == nil {
					won <- r.State
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d people approved %s", len(won), id)
		}
		noted, undone := 0, 0
		for _, e := range h.notes.all {
			if e.Subject == id && e.Name == "approval_approved" {
				noted++
			}
			if e.Subject == id && e.Name == "approval_undone" {
				undone++
			}
		}
		if noted-undone != 1 {
			t.Errorf("%d noted, %d taken back", noted, undone)
		}
	}
}

func TestWatch(t *testing.T) {
	h := newHouse(t)
	lists, done := make(chan []Request), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		done <- h.desk.Watch(ctx, time.Millisecond, func(r []Request) error { lists <- r; return nil })
	}()
	if l := <-lists; len(l) != 0 {
		t.Errorf("began with %v", l)
	}
	h.refused(call("1"), ostiary.CodeApprovalPending)
	l := <-lists
	if len(l) != 1 {
		t.Fatalf("got %v", l)
	}
	h.approve(l[0].ID)
	if l := <-lists; len(l) != 0 {
		t.Errorf("got %v", l)
	}
	h.refused(call("2"), ostiary.CodeApprovalPending)
	if l := <-lists; len(l) != 1 {
		t.Errorf("got %v", l)
	}
	h.later(11 * time.Minute) // nobody writes, and yet it is gone
	if l := <-lists; len(l) != 0 {
		t.Errorf("got %v", l)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	oops := errors.New("oops")
	if err := h.desk.Watch(t.Context(), time.Millisecond, func([]Request) error { return oops }); !errors.Is(err, oops) {
		t.Error(err)
	}
}

type teach func(ctx context.Context, r Request) error

func (teach) Name() string                                  { return "teach" }
func (f teach) Notify(ctx context.Context, r Request) error { return f(ctx, r) }

type hook struct{ teach }

func (hook) Name() string { return ChannelWebhook }

func TestNotifiers(t *testing.T) {
	told, hooked := make(chan Request, 8), make(chan Request, 8)
	h := newHouse(t, func(o *Options) {
		o.Notifiers = []Notifier{
			teach(func(context.Context, Request) error { return errors.New("no such room") }),
			teach(func(context.Context, Request) error { panic("oops") }),
			teach(func(_ context.Context, r Request) error { told <- r; return nil }),
			hook{func(_ context.Context, r Request) error { hooked <- r; return nil }},
			teach(func(ctx context.Context, _ Request) error { <-ctx.Done(); return nil }), // ends with Close
		}
	})
	c := call(`{"path":"a"}`)
	h.refused(c, ostiary.CodeApprovalPending)
	r := <-told
	if r.ID != h.only().ID || string(r.Args) != `{"path":"a"}` {
		t.Errorf("told of %+v", r)
	}
	<-hooked
	h.refused(c, ostiary.CodeApprovalPending) // nothing new to tell
	h.refused(call(`{"path":"b"}`, rule(func(r *ostiary.Rule) { r.Approve.Channels = []string{"cli"} })), ostiary.CodeApprovalPending)
	<-told
	h.until(func() bool { return h.notes.has("approval_untold") })
	h.gate.Close()
	if len(told)+len(hooked) > 0 {
		t.Error("told too much")
	}
	var details []string
	for _, e := range h.notes.all {
		if e.Name == "approval_untold" {
			details = append(details, e.Detail)
		}
	}
	if s := strings.Join(details, "\n"); !strings.Contains(s, "no such room") || !strings.Contains(s, "oops") || len(details) != 4 {
		t.Errorf("noted %s", s)
	}
}
