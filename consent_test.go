package ostiary_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

var asks = says(ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired, Message: "ask"})

func capability(n *notebook) ostiary.Gate {
	return says(ostiary.Decision{
		Verdict: ostiary.Allow, Settles: true, Under: "grant g1",
		Hold: &ostiary.Hold{Commit: func() error { n.note("take"); return nil }},
	})
}

// TestACapabilityAnswersWhatWasAskedBefore: and not what is asked behind it.
func TestACapabilityAnswersWhatWasAskedBefore(t *testing.T) {
	n := &notebook{}
	r, d := line(t, n, asks, capability(n), allow).Do(t.Context(), sink(), runs(n))
	if r == nil || d.Under != "grant g1" || !slices.Contains(n.lines, "take") {
		t.Fatalf("result %v, decision %+v, lines %q", r, d, n.lines)
	}
	for name, gates := range map[string][]ostiary.Gate{
		"asked behind it": {asks, capability(n), asks},
		"denied before":   {says(ostiary.Decision{}), capability(n)},
		"denied behind":   {asks, capability(n), says(ostiary.Decision{})},
	} {
		n.lines = nil
		if r, d := line(t, n, gates...).Do(t.Context(), sink(), runs(n)); r != nil || d.Verdict != ostiary.Deny || slices.Contains(n.lines, "take") {
			t.Errorf("%s: result %v, decision %+v, lines %q", name, r, d, n.lines)
		}
	}
}

// TestAHoldKeepsTheResultBeforeTheOutcome: what a repetition gets must be there
// when the first caller has its answer.
func TestAHoldKeepsTheResultBeforeTheOutcome(t *testing.T) {
	n := &notebook{}
	var kept *ostiary.Result
	keeps := says(ostiary.Decision{Verdict: ostiary.Allow, Hold: &ostiary.Hold{
		Keep: func(r *ostiary.Result) { kept = r; n.note("keep") }, Done: func() { n.note("done") },
	}})
	boom := says(ostiary.Decision{Verdict: ostiary.Allow, Hold: &ostiary.Hold{Keep: func(*ostiary.Result) { panic("boom") }}})
	r, _ := line(t, n, boom, keeps).Do(t.Context(), sink(), runs(n))
	want := []string{"begin", "intent", "run", "keep", "end allow  ok", "done"}
	if r == nil || kept != r || !slices.Equal(n.lines, want) {
		t.Fatalf("result %v, kept %v, lines %q", r, kept, n.lines)
	}
	kept = nil
	fails := func(context.Context, *ostiary.Call) (*ostiary.Result, error) { return nil, errors.New("lost") }
	if r, _ := line(t, n, keeps).Do(t.Context(), sink(), fails); r != nil || kept != nil {
		t.Fatalf("a call without a result kept %v", kept)
	}
}

type rechecked struct {
	gate
	again func() (ostiary.Decision, error)
}

func (r rechecked) Recheck(context.Context, *ostiary.Call) (ostiary.Decision, error) {
	return r.again()
}

type caller struct {
	ostiary.Caller
	current func() error
}

func (c caller) Current() error { return c.current() }

// TestWhatChangedWhileAPersonWasAskedIsSeen: a freeze and a new definition stop a
// call that was approved.
func TestWhatChangedWhileAPersonWasAskedIsSeen(t *testing.T) {
	changed := &ostiary.Error{Code: ostiary.CodeApprovalVoid, Message: "changed"}
	for name, tc := range map[string]struct {
		again   ostiary.Decision
		err     error
		current func() error
		want    ostiary.Code
	}{
		"nothing changed":    {again: ostiary.Allowed(), current: func() error { return nil }},
		"frozen":             {again: ostiary.Decision{Code: ostiary.CodeFreezeActive}, current: func() error { return nil }, want: ostiary.CodeFreezeActive},
		"a question":         {again: ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired}, current: func() error { return nil }, want: ostiary.CodeApprovalRequired},
		"a gate that fails":  {again: ostiary.Allowed(), err: errors.New("broken"), current: func() error { return nil }, want: ostiary.CodeInternal},
		"another definition": {again: ostiary.Allowed(), current: func() error { return changed }, want: ostiary.CodeApprovalVoid},
		"a caller that fails": {again: ostiary.Allowed(), current: func() error { panic("boom") },
			want: ostiary.CodePanic},
	} {
		n := &notebook{}
		l, err := ostiary.New(ostiary.Options{
			Gates: []ostiary.Gate{
				rechecked{says(ostiary.Allowed()), func() (ostiary.Decision, error) { return tc.again, tc.err }}, asks,
			},
			Settler: settler(func() (ostiary.Decision, error) {
				return ostiary.Decision{Verdict: ostiary.Allow, Under: "approval a1", Hold: &ostiary.Hold{
					Commit: func() error { n.note("use"); return nil }, Release: func() { n.note("leave") },
				}}, nil
			}),
			Recorder: n, Timeout: time.Minute, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		c := sink()
		c.Caller = caller{current: tc.current}
		r, d := l.Do(t.Context(), c, runs(n))
		switch {
		case tc.want == "" && (r == nil || d.Under != "approval a1" || !slices.Contains(n.lines, "use")):
			t.Errorf("%s: result %v, decision %+v, lines %q", name, r, d, n.lines)
		case tc.want != "" && (r != nil || d.Verdict != ostiary.Deny || d.Code != tc.want || slices.Contains(n.lines, "use") || !slices.Contains(n.lines, "leave")):
			t.Errorf("%s: result %v, decision %+v, lines %q", name, r, d, n.lines)
		}
	}
}
