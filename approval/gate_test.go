package approval

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func TestApprovedOnce(t *testing.T) {
	h := newHouse(t)
	c := call(`{"path":"a"}`)
	e := h.refused(c, ostiary.CodeApprovalPending)
	r := h.only()
	if !strings.Contains(e.Message, "ostiary approve "+r.ID) || !strings.Contains(e.Message, at(r.Expires)) {
		t.Errorf("the message does not help: %s", e.Message)
	}
	h.refused(c, ostiary.CodeApprovalPending)
	if h.only().ID != r.ID {
		t.Error("the same call asks twice")
	}
	h.approve(r.ID[:6])
	if d := h.runs(c); d.Under != "approval "+r.ID {
		t.Errorf("under %q", d.Under)
	}
	got := h.get(r.ID)
	if got.State != Used || got.By != "bob" || got.Channel != "cli" || got.Answer != Confirm || got.UsedBy != c.ID || got.Decided.IsZero() {
		t.Errorf("got %+v", got)
	}
	h.refused(c, ostiary.CodeApprovalPending)
	if h.only().ID == r.ID {
		t.Error("a used request asks again")
	}
	want := "approval_requested approval_approved approval_used approval_requested"
	if names := strings.Join(h.notes.names(), " "); names != want {
		t.Errorf("noted %s, want %s", names, want)
	}
	if e := h.notes.last("approval_approved"); e.By != "bob" || e.Channel != "cli" || e.Subject != r.ID || e.Principal != "alice" || e.Target != "delete_file" {
		t.Errorf("noted %+v", e)
	}
}

func TestDenied(t *testing.T) {
	h := newHouse(t)
	c := call(`{"path":"a"}`)
	h.refused(c, ostiary.CodeApprovalPending)
	r := h.only()
	if _, err := h.desk.Deny(t.Context(), r.ID, bob, "wrong\x1b[2J folder"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		e := h.refused(c, ostiary.CodeApprovalDenied)
		if !strings.Contains(e.Message, `wrong\u{1b}[2J folder`) || strings.Contains(e.Message, "\x1b") {
			t.Errorf("the agent is told %q", e.Message)
		}
	}
	if _, err := h.desk.Approve(t.Context(), r.ID, bob, Confirm); !errors.Is(err, ostiary.CodeApprovalDenied) {
		t.Errorf("a denied request was approved: %v", err)
	}
	h.later(11 * time.Minute)
	h.refused(c, ostiary.CodeApprovalPending)
	if got := h.get(r.ID); got.State != Denied || got.Answer != Cancel {
		t.Errorf("got %+v", got)
	}
}

// TestDeniedAfterAll: what was approved can be taken back until it is used.
func TestDeniedAfterAll(t *testing.T) {
	h := newHouse(t)
	c := call(`{}`)
	h.refused(c, ostiary.CodeApprovalPending)
	r := h.only()
	h.approve(r.ID)
	d, err := h.settle(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.desk.Deny(t.Context(), r.ID, bob, "no"); err != nil {
		t.Fatal(err)
	}
	if err := d.Hold.Commit(); !errors.Is(err, ostiary.CodeApprovalDenied) {
		t.Errorf("got %v", err)
	}
}

func TestExpires(t *testing.T) {
	h := newHouse(t)
	c := call(`{}`)
	h.refused(c, ostiary.CodeApprovalPending)
	first := h.only()
	h.later(10*time.Minute - time.Second)
	h.refused(c, ostiary.CodeApprovalPending)
	h.later(2 * time.Second)
	if _, err := h.desk.Approve(t.Context(), first.ID, bob, Confirm); !errors.Is(err, ostiary.CodeApprovalExpired) {
		t.Errorf("approved after its time: %v", err)
	}
	if e := h.refused(c, ostiary.CodeApprovalPending); !strings.Contains(e.Message, first.ID) {
		t.Errorf("the agent is not told what became of %s: %s", first.ID, e.Message)
	}
	second := h.only()
	if second.ID == first.ID || h.get(first.ID).State != Expired || h.notes.last("approval_expired").Subject != first.ID {
		t.Error("the first request did not expire")
	}
	h.approve(second.ID)
	h.later(11 * time.Minute)
	h.refused(c, ostiary.CodeApprovalExpired)
	h.refused(c, ostiary.CodeApprovalPending)
	h.approve(h.only().ID)
	d, err := h.settle(c)
	if err != nil {
		t.Fatal(err)
	}
	h.later(11 * time.Minute)
	if err := d.Hold.Commit(); !errors.Is(err, ostiary.CodeApprovalExpired) {
		t.Errorf("used after its time: %v", err)
	}
}

// TestAnotherCall: an approval counts for the very bytes that were asked about,
// the principal, the upstream, the method and the target.
func TestAnotherCall(t *testing.T) {
	const args = `{"path":"a","n":9007199254740993}`
	for name, change := range map[string]func(*ostiary.Call){
		"one byte":  func(c *ostiary.Call) { *c = *call(`{"path":"b","n":9007199254740993}`) },
		"a digit":   func(c *ostiary.Call) { *c = *call(`{"path":"a","n":9007199254740992}`) },
		"none":      func(c *ostiary.Call) { c.Arguments, c.Digest = nil, ostiary.Digest{} },
		"principal": func(c *ostiary.Call) { c.Principal.ID = "mallory" },
		"upstream":  func(c *ostiary.Call) { c.Upstream = "other" },
		"method":    func(c *ostiary.Call) { c.Method = "resources/read" },
		"target":    func(c *ostiary.Call) { c.Target = "delete_dir" },
		"shifted":   func(c *ostiary.Call) { c.Upstream, c.Method = "filest", "ools/call" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.refused(call(args), ostiary.CodeApprovalPending)
			r := h.only()
			h.approve(r.ID)
			h.refused(call(args, change), ostiary.CodeApprovalPending)
			if h.only().ID == r.ID {
				t.Error("it is the same request")
			}
			h.runs(call(args)) // the control
		})
	}
}

// TestBytesAreCompared: even if the index pointed at another request, the bytes
// are compared where the approval is taken.
func TestBytesAreCompared(t *testing.T) {
	h := newHouse(t)
	c := call(`{"path":"a"}`)
	h.refused(c, ostiary.CodeApprovalPending)
	r := h.only()
	h.approve(r.ID)
	d, err := h.settle(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.Update(t.Context(), func(tx ostiary.Tx) error {
		return tx.Put(bucketBytes, ostiary.Row{Key: r.ID, Value: []byte(`{"path":"b"}`)})
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.Hold.Commit(); !errors.Is(err, ostiary.CodeApprovalVoid) {
		t.Errorf("other bytes passed: %v", err)
	}
}

// TestVoidedByChange: what was asked about changed, so the answer does not count.
func TestVoidedByChange(t *testing.T) {
	for _, approved := range []bool{false, true} {
		for name, c := range map[string]struct {
			change func(*ostiary.Call)
			policy string
			why    string
		}{
			"definition": {change: func(c *ostiary.Call) { c.Definition[0]++ }, why: "definition"},
			"effect":     {change: func(c *ostiary.Call) { c.Effect = ostiary.EffectExecute }, why: "effect"},
			"policy":     {change: func(*ostiary.Call) {}, policy: "sha256:p2", why: "policy"},
		} {
			t.Run(name, func(t *testing.T) {
				h := newHouse(t)
				h.refused(call(`{}`), ostiary.CodeApprovalPending)
				r := h.only()
				if approved {
					h.approve(r.ID)
				}
				if c.policy != "" {
					h.opts.Policy = c.policy
					h.restart()
				}
				e := h.refused(call(`{}`, c.change), ostiary.CodeApprovalPending)
				if !strings.Contains(e.Message, r.ID) || !strings.Contains(e.Message, c.why) {
					t.Errorf("the agent is told %q", e.Message)
				}
				if got := h.get(r.ID); got.State != Void || h.only().ID == r.ID {
					t.Errorf("got %+v", got)
				}
				if e := h.notes.last("approval_voided"); e.Subject != r.ID || !strings.Contains(e.Reason, c.why) {
					t.Errorf("noted %+v", e)
				}
			})
		}
	}
}

// TestRestart: an approval survives the door, the client and the person's
// command.
func TestRestart(t *testing.T) {
	h := newHouse(t)
	c := call(`{"path":"a"}`)
	h.refused(c, ostiary.CodeApprovalPending)
	h.restart()
	r := h.only()
	h.approve(r.ID)
	h.restart()
	d, err := h.settle(call(`{"path":"a"}`, func(c *ostiary.Call) { c.Session = "4712@2" }))
	if err != nil {
		t.Fatal(err)
	}
	h.restart()
	if d, err = h.settle(c); err != nil {
		t.Fatal(err)
	}
	if err := d.Hold.Commit(); err != nil {
		t.Fatal(err)
	}
	h.restart()
	h.refused(c, ostiary.CodeApprovalPending)
}

func TestWhoMayBeAsked(t *testing.T) {
	dialog := &client{dialog: &ostiary.Dialog{Put: func(string, string) *ostiary.Result { return &ostiary.Result{} }}}
	for name, c := range map[string]struct {
		change  func(*ostiary.Rule)
		code    ostiary.Code
		message string
	}{
		"only a grant":        {func(r *ostiary.Rule) { r.Grant.Only = true }, ostiary.CodeGrantRequired, "ostiary grant create --principal alice --tool files/delete_file --for 5m"},
		"only a console":      {func(r *ostiary.Rule) { r.Approve.Channels = []string{"console"} }, ostiary.CodeApprovalRequired, "ask the operator"},
		"only a webhook":      {func(r *ostiary.Rule) { r.Approve.Channels = []string{"webhook"} }, ostiary.CodeApprovalRequired, "ask the operator"},
		"only a client, none": {func(r *ostiary.Rule) { r.Approve.Channels = []string{"client"} }, ostiary.CodeApprovalRequired, "ask the operator"},
		"the command line":    {func(r *ostiary.Rule) { r.Approve.Channels = []string{"cli"} }, ostiary.CodeApprovalPending, "ostiary approve"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			if e := h.refused(call(`{}`, rule(c.change)), c.code); !strings.Contains(e.Message, c.message) {
				t.Errorf("the agent is told %q", e.Message)
			}
		})
	}
	h := newHouse(t, func(o *Options) { o.Pending = 40 })
	// The client's dialog counts for writes, and else where the rule names it.
	for name, c := range map[string]struct {
		effect   ostiary.Effect
		channels []string
		asked    bool
	}{
		"write":             {ostiary.EffectWrite, nil, true},
		"write, cli":        {ostiary.EffectWrite, []string{"cli"}, false},
		"destructive":       {ostiary.EffectDestructive, nil, false},
		"execute":           {ostiary.EffectExecute, nil, false},
		"spend":             {ostiary.EffectSpend, nil, false},
		"unknown":           {ostiary.EffectUnknown, nil, false},
		"read":              {ostiary.EffectRead, nil, false},
		"destructive named": {ostiary.EffectDestructive, []string{"client"}, true},
	} {
		one := call(`"`+name+`"`, dialog.with(), func(call *ostiary.Call) { call.Effect = c.effect }, rule(func(r *ostiary.Rule) { r.Approve.Channels = c.channels }))
		d, err := h.settle(one)
		if got := d.Verdict == ostiary.Answer; got != c.asked || !c.asked && !errors.Is(err, ostiary.CodeApprovalPending) {
			t.Errorf("%s: %+v %v", name, d, err)
		}
	}
	// A call without rule or principal is refused.
	h.refused(call(`{}`, func(c *ostiary.Call) { c.Rule = nil }), ostiary.CodeApprovalRequired)
	h.refused(call(`{}`, func(c *ostiary.Call) { c.Principal = ostiary.Principal{} }), ostiary.CodeApprovalRequired)
	if _, err := h.gate.Settle(t.Context(), call(`{}`), nil); err == nil {
		t.Error("nothing asked, and it passes")
	}
}

func TestCap(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Pending = 5 }) // 3 of them to one upstream
	for _, args := range []string{"1", "2", "3"} {
		h.refused(call(args), ostiary.CodeApprovalPending)
	}
	h.refused(call("4"), ostiary.CodeApprovalFull)
	h.refused(call("3"), ostiary.CodeApprovalPending) // no new one
	h.refused(call("4", func(c *ostiary.Call) { c.Principal.ID = "carol" }), ostiary.CodeApprovalPending)
	all, err := h.desk.List(t.Context(), Filter{States: []State{Pending}, Principal: "alice"})
	if err != nil || len(all) != 3 {
		t.Fatalf("%d wait: %v", len(all), err)
	}
	h.approve(all[0].ID) // does not wait any more
	h.refused(call("4"), ostiary.CodeApprovalPending)
	h.refused(call("5"), ostiary.CodeApprovalFull)
	h.later(11 * time.Minute)
	h.refused(call("5"), ostiary.CodeApprovalPending)
}

// TestOneUpstreamLeavesRoom: what floods the person with calls to one server takes
// at most half of what the principal may ask, so that its other servers are heard.
// The control is that all of it is the principal's.
func TestOneUpstreamLeavesRoom(t *testing.T) {
	other := func(c *ostiary.Call) { c.Upstream = "mail" }
	for pending, most := range map[int]int{1: 1, 2: 1, 5: 3, 10: 5} {
		h := newHouse(t, func(o *Options) { o.Pending = pending })
		flood := func(n int, to func(*ostiary.Call)) {
			for i := range n {
				h.refused(call(strconv.Itoa(i), to), ostiary.CodeApprovalPending)
			}
		}
		flood(most, func(*ostiary.Call) {})
		e := h.refused(call("-1"), ostiary.CodeApprovalFull)
		if pending > 1 && !strings.Contains(e.Message, "about the server files") {
			t.Errorf("the agent is told %q", e.Message)
		}
		flood(pending-most, other)
		h.refused(call("-1", other), ostiary.CodeApprovalFull)
		h.refused(call("-1", func(c *ostiary.Call) { c.Upstream = "third" }), ostiary.CodeApprovalFull)
	}
}

// TestDown: without store or evidence nothing passes and nobody decides.
func TestDown(t *testing.T) {
	h := newHouse(t)
	c := call(`{}`)
	h.refused(c, ostiary.CodeApprovalPending)
	r := h.only()
	full := &ostiary.Error{Code: ostiary.CodeAuditUnavailable, Message: "no"}
	h.notes.failing(full)
	if _, err := h.desk.Approve(t.Context(), r.ID, bob, Confirm); !errors.Is(err, ostiary.CodeAuditUnavailable) {
		t.Errorf("approved without evidence: %v", err)
	}
	if h.get(r.ID).State != Pending {
		t.Error("what was not noted counts")
	}
	h.refused(call(`{"other":1}`), ostiary.CodeAuditUnavailable)
	h.notes.failing(nil)
	h.only()
	h.approve(r.ID)
	d, err := h.settle(c)
	if err != nil {
		t.Fatal(err)
	}
	h.notes.failing(full)
	if err := d.Hold.Commit(); !errors.Is(err, ostiary.CodeAuditUnavailable) {
		t.Errorf("used without evidence: %v", err)
	}
	h.notes.failing(nil)
	h.refused(c, ostiary.CodeApprovalPending) // lost, not used twice
	h.approve(h.only().ID)
	if d, err = h.settle(c); err != nil {
		t.Fatal(err)
	}
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Hold.Commit(); err == nil {
		t.Error("used without a store")
	}
	if d, err := h.settle(c); err == nil || d.Verdict == ostiary.Allow {
		t.Error("passes without a store")
	}
}

func TestNewRefuses(t *testing.T) {
	h := newHouse(t)
	for name, change := range map[string]func(*Options){
		"store":   func(o *Options) { o.Store = nil },
		"journal": func(o *Options) { o.Journal = nil },
		"mask":    func(o *Options) { o.Mask = nil },
	} {
		o := h.opts
		change(&o)
		if _, err := New(o); !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewDesk(DeskOptions{}); !errors.Is(err, ostiary.CodeConfigInvalid) {
		t.Error(err)
	}
}

func TestWithdrawn(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Wait = time.Minute })
	cause := &ostiary.Error{Code: ostiary.CodeGatewayCancelled, Message: "withdrawn"}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := h.gate.Settle(ctx, call(`{}`), asks())
		done <- err
	}()
	h.until(func() bool { return h.waiters() == 1 })
	cancel(cause)
	if err := <-done; !errors.Is(err, ostiary.CodeGatewayCancelled) {
		t.Errorf("got %v", err)
	}
	h.only() // it stays
	go func() {
		_, err := h.settle(call(`{}`))
		done <- err
	}()
	h.until(func() bool { return h.waiters() == 1 })
	h.gate.Close()
	if err := <-done; !errors.Is(err, ostiary.CodeGatewayShutdown) {
		t.Errorf("got %v", err)
	}
	h.only()
	h.refused(call(`{}`), ostiary.CodeGatewayShutdown)
}
