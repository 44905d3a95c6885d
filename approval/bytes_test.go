package approval

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// theCall is what spellings are other writings of.
const theCall = `{"path":"x","n":1}`

var spellings = map[string]string{
	"a space":   `{"path":"x", "n":1}`,
	"the order": `{"n":1,"path":"x"}`,
	"an escape": `{"path":"\u0078","n":1}`,
}

// spelt makes theCall in other bytes. Its values, and so its digest, are the same.
func spelt(as string) *ostiary.Call {
	c := call(theCall)
	c.Arguments, c.ID = []byte(as), "call-spelt"
	return c
}

// TestNoHoldsHoweverTheCallIsWritten repeats a denied call in other bytes. The
// control is a call with another value, about which the person is asked.
func TestNoHoldsHoweverTheCallIsWritten(t *testing.T) {
	h := newHouse(t)
	h.refused(call(theCall), ostiary.CodeApprovalPending)
	if _, err := h.desk.Deny(t.Context(), h.only().ID, bob, "not today"); err != nil {
		t.Fatal(err)
	}
	for name, as := range spellings {
		if e := h.refused(spelt(as), ostiary.CodeApprovalDenied); !strings.Contains(e.Message, "not today") {
			t.Errorf("%s: the agent is told %q", name, e.Message)
		}
	}
	h.refused(call(`{"path":"y","n":1}`), ostiary.CodeApprovalPending)
	h.only()
}

// TestOneQuestionHoweverTheCallIsWritten: a call that waits in other bytes asks
// nothing new, and what was approved are the bytes that asked, which is the control.
func TestOneQuestionHoweverTheCallIsWritten(t *testing.T) {
	for name, as := range spellings {
		h := newHouse(t)
		h.refused(call(theCall), ostiary.CodeApprovalPending)
		r := h.only()
		h.refused(spelt(as), ostiary.CodeApprovalPending)
		if h.only().ID != r.ID {
			t.Errorf("%s: the person is asked again", name)
		}
		h.approve(r.ID)
		h.runs(call(theCall))
		if got := h.get(r.ID); got.State != Used {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestOnlyTheApprovedBytesRun: the same values in other bytes void the approval, and
// the person is asked about these. One that found the request before it was
// approved is refused where the approval is taken.
func TestOnlyTheApprovedBytesRun(t *testing.T) {
	for name, as := range spellings {
		h := newHouse(t)
		h.refused(call(theCall), ostiary.CodeApprovalPending)
		r := h.only()
		h.approve(r.ID)
		found := h.get(r.ID)
		q := h.gate.question(spelt(as), asks())
		d, err := h.gate.wait(t.Context(), q, &found) // as if it had waited for this one
		if err != nil {
			t.Fatal(name, err)
		}
		if err := d.Hold.Commit(); ostiary.AsError(err).Code != ostiary.CodeApprovalVoid {
			t.Errorf("%s: it runs, %v", name, err)
		}
		h.refused(spelt(as), ostiary.CodeApprovalPending)
		second := h.only()
		if second.ID == r.ID || h.get(r.ID).State != Void {
			t.Errorf("%s: asked by %s, the first is %s", name, second.ID, h.get(r.ID).State)
		}
		h.approve(second.ID)
		h.runs(spelt(as)) // the control
	}
}

// beside gives a call more than arguments, as the door does.
func beside(raw string, members map[string]any) func(*ostiary.Call) {
	return func(c *ostiary.Call) {
		c.Beside, c.BesideArgs = []byte(raw), members
		c.Digest = sha256.Sum256(append(c.Digest[:], raw...))
	}
}

// TestWhatStandsBesideIsApprovedToo: an approval of a call is none for the call
// with more, and the other way round. The control is the very call.
func TestWhatStandsBesideIsApprovedToo(t *testing.T) {
	more := beside(`{"inputResponses":{"really_all":{"action":"accept"}},"requestState":"s"}`,
		map[string]any{"inputResponses": map[string]any{}, "requestState": "s"})
	other := beside(`{"requestState":"t"}`, map[string]any{"requestState": "t"})
	for name, calls := range map[string][2]*ostiary.Call{
		"more":       {call(theCall), call(theCall, more)},
		"less":       {call(theCall, more), call(theCall)},
		"other":      {call(theCall, more), call(theCall, other)},
		"moved over": {call(`{"a":1}`, func(c *ostiary.Call) { c.Digest = ostiary.Digest{} }), call(``, beside(`{"a":1}`, nil), func(c *ostiary.Call) { c.Arguments, c.Digest = nil, ostiary.Digest{} })},
	} {
		h := newHouse(t)
		h.refused(calls[0], ostiary.CodeApprovalPending)
		r := h.only()
		h.approve(r.ID)
		h.refused(calls[1], ostiary.CodeApprovalPending)
		if h.only().ID == r.ID {
			t.Errorf("%s: it is the same request", name)
		}
		h.runs(calls[0])
	}
	// The same digest does not help: the bytes are compared.
	h := newHouse(t)
	one := call(theCall, more)
	h.refused(one, ostiary.CodeApprovalPending)
	r := h.only()
	h.approve(r.ID)
	two := call(theCall, more)
	two.Beside = []byte(strings.Replace(string(two.Beside), "accept", "decline", 1))
	h.refused(two, ostiary.CodeApprovalPending)
	if h.get(r.ID).State != Void {
		t.Error("other bytes of the same digest are taken for the same call")
	}
}

// TestWhatStandsBesideIsShown: with secrets masked, under a heading of its own, and
// by name at every channel. The control is a call without, which has no heading.
func TestWhatStandsBesideIsShown(t *testing.T) {
	h := newHouse(t, func(o *Options) {
		o.Mask = func(c *ostiary.Call) []byte {
			return []byte(strings.ReplaceAll(string(c.Arguments), "hunter2", "[REDACTED]"))
		}
	})
	h.refused(call(theCall), ostiary.CodeApprovalPending)
	plain := h.get(h.only().ID)
	if text := Card(plain); strings.Contains(text, besideHeading) || len(plain.Warnings) > 0 || plain.Beside != nil {
		t.Errorf("control: %s", text)
	}
	h.approve(plain.ID)
	h.runs(call(theCall))
	members := map[string]any{"inputResponses": map[string]any{}, "we\u202eird": "x"}
	h.refused(call(theCall, beside(`{"inputResponses":{"pw":"hunter2","scope":"ALL"},"we\u202eird":"x"}`, members)), ostiary.CodeApprovalPending)
	r := h.get(h.only().ID)
	d := &detail{Args: r.Args, Beside: r.Beside}
	for name, text := range map[string]string{"card": Card(r), "dialog": dialogText(&r, d)} {
		for _, want := range []string{besideHeading, `"scope": "ALL"`, "[REDACTED]", "the server gets more than the arguments: inputResponses,"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, text)
			}
		}
		if strings.Contains(text, "hunter2") || strings.Contains(text, "\u202e") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	listed := h.only()
	if len(listed.Warnings) != 1 || listed.Beside != nil {
		t.Errorf("the list has %+v", listed)
	}
	// What cannot be masked is not taken for nothing, and what is cut says so.
	h = newHouse(t, func(o *Options) { o.Mask = func(*ostiary.Call) []byte { return nil } })
	h.refused(call(theCall, beside(`{"we\u202eird":"x"}`, members)), ostiary.CodeApprovalPending)
	if r := h.get(h.only().ID); !strings.Contains(strings.Join(r.Warnings, "\n"), "bytes of what stands beside") {
		t.Errorf("not masked: %q", r.Warnings)
	}
	long := &detail{Beside: []byte(`{}`), BesideCut: 7}
	long.into(&r)
	if !strings.Contains(strings.Join(r.Warnings, "\n"), "the last 7 bytes of what stands beside") {
		t.Errorf("cut: %q", r.Warnings)
	}
}
