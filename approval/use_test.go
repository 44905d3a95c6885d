package approval

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func withID(id string) func(*ostiary.Call) { return func(c *ostiary.Call) { c.ID = id } }

// approved asks about a call and approves it.
func (h *house) approved(c *ostiary.Call) string {
	h.t.Helper()
	h.refused(c, ostiary.CodeApprovalPending)
	id := h.only().ID
	h.approve(id)
	return id
}

// TestACallThatDidNotRunUsesNoApproval: it is given back once, as it was, also
// after a restart and when the client has gone.
func TestACallThatDidNotRunUsesNoApproval(t *testing.T) {
	h := newHouse(t)
	id := h.approved(call(`{"path":"a"}`))
	before := h.get(id)
	ctx, cancel := context.WithCancel(t.Context())
	d, err := h.gate.Settle(ctx, call(`{"path":"a"}`, withID("first")), asks())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Hold.Commit(); err != nil {
		t.Fatal(err)
	}
	if r := h.get(id); r.State != Used || r.UsedBy != "first" {
		t.Fatalf("control: %s by %s", r.State, r.UsedBy)
	}
	cancel()
	for range 3 { // and not once more
		d.Hold.Release()
	}
	if r := h.get(id); r.State != Approved || r.UsedBy != "" || r.By != before.By || r.Answer != before.Answer || !r.Expires.Equal(before.Expires) {
		t.Errorf("became %+v", r)
	}
	if got := strings.Join(h.notes.names(), " "); got != "approval_requested approval_approved approval_used approval_undone" {
		t.Errorf("noted %s", got)
	}
	h.restart()
	h.runs(call(`{"path":"a"}`, withID("second")))
	d.Hold.Release() // behind somebody else's use
	if r := h.get(id); r.State != Used || r.UsedBy != "second" {
		t.Errorf("the use of another call was given back: %s by %s", r.State, r.UsedBy)
	}
	h.refused(call(`{"path":"a"}`, withID("third")), ostiary.CodeApprovalPending)
}

// TestOnlyAUseIsGivenBack: not what was never taken, nor what another call took.
func TestOnlyAUseIsGivenBack(t *testing.T) {
	h := newHouse(t)
	id := h.approved(call(`{}`))
	late, err := h.settle(call(`{}`, withID("late")))
	if err != nil {
		t.Fatal(err)
	}
	h.runs(call(`{}`, withID("first")))
	late.Hold.Release() // never committed
	if err := late.Hold.Commit(); !errors.Is(err, ostiary.CodeApprovalUsed) {
		t.Fatalf("the second use: %v", err)
	}
	late.Hold.Release() // its commit failed
	if r := h.get(id); r.State != Used || r.UsedBy != "first" {
		t.Errorf("%s by %s", r.State, r.UsedBy)
	}
}

// TestAUseThatIsNotNotedIsGivenBack: the line refuses the call, so it used nothing.
func TestAUseThatIsNotNotedIsGivenBack(t *testing.T) {
	h := newHouse(t)
	id := h.approved(call(`{}`))
	d, err := h.settle(call(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	h.notes.failing(errors.New("disk full"))
	if err := d.Hold.Commit(); err == nil {
		t.Fatal("a use that is not in the evidence counts")
	}
	if r := h.get(id); r.State != Used {
		t.Fatalf("control: %s", r.State)
	}
	d.Hold.Release()
	if r := h.get(id); r.State != Approved {
		t.Errorf("the request is %s", r.State)
	}
	h.notes.failing(nil)
	h.runs(call(`{}`))
}

// TestAUseStaysWhereItCannotBeUndone: without evidence of that, and where a person
// is asked anew already.
func TestAUseStaysWhereItCannotBeUndone(t *testing.T) {
	h := newHouse(t)
	id := h.approved(call(`{}`))
	d := h.runs(call(`{}`))
	h.notes.failing(errors.New("disk full"))
	d.Hold.Release()
	h.notes.failing(nil)
	if r := h.get(id); r.State != Used {
		t.Errorf("without evidence: %s", r.State)
	}

	id = h.approved(call(`{"n":2}`))
	d = h.runs(call(`{"n":2}`))
	h.refused(call(`{"n":2}`, withID("again")), ostiary.CodeApprovalPending)
	d.Hold.Release()
	if r := h.get(id); r.State != Used {
		t.Errorf("beside a new request: %s", r.State)
	}
}

// TestAnApprovalThatComesBackEndsAtItsTime: it lives no longer for it.
func TestAnApprovalThatComesBackEndsAtItsTime(t *testing.T) {
	h := newHouse(t)
	id := h.approved(call(`{}`))
	d := h.runs(call(`{}`))
	h.later(time.Hour)
	d.Hold.Release()
	if r := h.get(id); r.State != Expired {
		t.Errorf("the request is %s", r.State)
	}
	h.refused(call(`{}`), ostiary.CodeApprovalExpired)
}

// TestALaterCommitThatFailsUsesNoApproval: through the line, as a door does.
func TestALaterCommitThatFailsUsesNoApproval(t *testing.T) {
	h := newHouse(t)
	id := h.approved(call(`{}`))
	ran := 0
	do := func(commit error, w *withheld) ostiary.Decision {
		line, err := ostiary.New(ostiary.Options{
			Gates:    []ostiary.Gate{policyAsks{}},
			Settler:  then{h.gate, commit},
			Recorder: w, Timeout: time.Minute, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, d := line.Do(t.Context(), call(`{}`), func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
			ran++
			return &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{}`)}, nil
		})
		return d
	}
	if d := do(errors.New("taken"), &withheld{}); d.Verdict != ostiary.Deny || ran != 0 {
		t.Fatalf("%+v, ran %d times", d, ran)
	}
	if r := h.get(id); r.State != Approved {
		t.Errorf("behind a commit that failed: %s", r.State)
	}
	if d := do(nil, &withheld{intent: errors.New("disk full")}); d.Code != ostiary.CodeAuditUnavailable || ran != 0 {
		t.Fatalf("%+v, ran %d times", d, ran)
	}
	if r := h.get(id); r.State != Approved {
		t.Errorf("without an intent: %s", r.State)
	}
	if d := do(nil, &withheld{}); d.Verdict != ostiary.Allow || ran != 1 {
		t.Fatalf("control: %+v, ran %d times", d, ran)
	}
	if r := h.get(id); r.State != Used {
		t.Errorf("control: %s", r.State)
	}
}

type policyAsks struct{}

func (policyAsks) Name() string { return "policy" }
func (policyAsks) Check(context.Context, *ostiary.Call) (ostiary.Decision, error) {
	return asks()[0], nil
}

// then settles like the gate, and refuses a commit behind the gate's own.
type then struct {
	*Gate
	fails error
}

func (s then) Settle(ctx context.Context, c *ostiary.Call, asks []ostiary.Decision) (ostiary.Decision, error) {
	d, err := s.Gate.Settle(ctx, c, asks)
	if err != nil || s.fails == nil {
		return d, err
	}
	take := d.Hold.Commit
	d.Hold.Commit = func() error { return errors.Join(take(), s.fails) }
	return d, nil
}

// withheld is a recorder that keeps nothing and may refuse the intent.
type withheld struct{ intent error }

func (w *withheld) Begin(*ostiary.Call) (ostiary.Entry, error) { return w, nil }
func (w *withheld) Intent(ostiary.Decision) error              { return w.intent }
func (w *withheld) End(ostiary.Outcome) error                  { return nil }
