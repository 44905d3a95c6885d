package approval

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// TestANoBetweenUseAndUndoHolds: a person says no, or everything of a principal is
// taken back, while a call has the approval that will not run and gives it back.
// The control is the same without a word: the approval comes back.
func TestANoBetweenUseAndUndoHolds(t *testing.T) {
	deny := func(h *house, id string) error {
		_, err := h.desk.Deny(h.t.Context(), id, bob, "not this one")
		if err == nil || !errors.Is(err, ostiary.CodeApprovalUsed) || !strings.Contains(err.Error(), "denied and does not come back") {
			h.t.Errorf("the person is told %v", err)
		}
		return nil
	}
	void := func(h *house, _ string) error {
		n, err := h.desk.Void(h.t.Context(), Filter{Principal: "alice"}, bob, "alice has left")
		if n != 0 {
			h.t.Errorf("%d count as taken back, and a call has used it", n)
		}
		return err
	}
	for _, tc := range []struct {
		name   string
		say    []func(*house, string) error
		state  State
		reason string
		code   ostiary.Code
		events string
	}{
		{name: "control", state: Approved, events: "approval_undone"},
		{name: "denied", say: []func(*house, string) error{deny}, state: Denied, reason: "not this one", code: ostiary.CodeApprovalDenied,
			events: "approval_late approval_undone approval_denied"},
		{name: "voided", say: []func(*house, string) error{void}, state: Void, reason: "alice has left", code: ostiary.CodeApprovalPending,
			events: "approval_late approval_undone approval_voided"},
		{name: "denied, then voided", say: []func(*house, string) error{deny, void}, state: Denied, reason: "not this one", code: ostiary.CodeApprovalDenied,
			events: "approval_late approval_late approval_undone approval_denied"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t)
			id := h.approved(call(`{"path":"a"}`))
			d := h.runs(call(`{"path":"a"}`, withID("first"))) // it has the approval
			before := len(h.notes.names())
			for _, say := range tc.say {
				if err := say(h, id); err != nil {
					t.Fatal(err)
				}
			}
			if r := h.get(id); r.State != Used {
				t.Fatalf("while the call has it: %s", r.State)
			}
			d.Hold.Release()
			r := h.get(id)
			if r.State != tc.state || r.UsedBy != "" || tc.say != nil && (r.Reason != tc.reason || r.By != bob.Name) {
				t.Errorf("given back as %+v", r)
			}
			if got := strings.Join(h.notes.names()[before:], " "); got != tc.events {
				t.Errorf("noted %s, want %s", got, tc.events)
			}
			again := call(`{"path":"a"}`, withID("second"))
			if tc.code == "" {
				h.runs(again)
				return
			}
			h.refused(again, tc.code)
		})
	}
}

// TestANoAfterTheUseChangesNothing: the call has run, and the next one is asked about.
func TestANoAfterTheUseChangesNothing(t *testing.T) {
	h := newHouse(t)
	id := h.approved(call(`{}`))
	h.runs(call(`{}`))
	if _, err := h.desk.Deny(t.Context(), id, bob, "too late"); !errors.Is(err, ostiary.CodeApprovalUsed) {
		t.Error(err)
	}
	if r := h.get(id); r.State != Used || r.Reason != "" {
		t.Errorf("%+v", r)
	}
	h.refused(call(`{}`, withID("again")), ostiary.CodeApprovalPending)
}

// TestANoThatIsNotRecordedIsNone: and so nothing is kept for later.
func TestANoThatIsNotRecordedIsNone(t *testing.T) {
	h := newHouse(t)
	id := h.approved(call(`{}`))
	d := h.runs(call(`{}`))
	h.notes.failing(errors.New("disk full"))
	if _, err := h.desk.Deny(t.Context(), id, bob, "no"); err == nil || errors.Is(err, ostiary.CodeApprovalUsed) {
		t.Error(err)
	}
	h.notes.failing(nil)
	d.Hold.Release()
	if r := h.get(id); r.State != Approved || slices.Contains(h.notes.names(), "approval_denied") {
		t.Errorf("%s, noted %q", r.State, h.notes.names())
	}
}

// interrupted does something before it notes an event.
type interrupted struct {
	*notes
	before func(ostiary.Event)
}

func (i *interrupted) Note(e ostiary.Event) error {
	if i.before != nil {
		i.before(e)
	}
	return i.notes.Note(e)
}

// TestANoThatACallOvertakesHolds: the call takes the approval while the no is noted.
func TestANoThatACallOvertakesHolds(t *testing.T) {
	j := &interrupted{}
	h := newHouse(t, func(o *Options) { j.notes = o.Journal.(*notes); o.Journal = j })
	id := h.approved(call(`{}`))
	d, err := h.settle(call(`{}`, withID("first")))
	if err != nil {
		t.Fatal(err)
	}
	j.before = func(e ostiary.Event) {
		if e.Name == "approval_denied" {
			j.before = nil
			if err := d.Hold.Commit(); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := h.desk.Deny(t.Context(), id, bob, "no"); !errors.Is(err, ostiary.CodeApprovalUsed) {
		t.Fatal(err)
	}
	if r := h.get(id); r.State != Used {
		t.Fatalf("control: %s", r.State)
	}
	d.Hold.Release()
	if r := h.get(id); r.State != Denied || r.By != "bob" {
		t.Errorf("given back as %s by %s", r.State, r.By)
	}
}
