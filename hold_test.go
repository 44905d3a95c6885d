package ostiary_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

type settler func() (ostiary.Decision, error)

func (settler) Name() string { return "settler" }
func (s settler) Settle(context.Context, *ostiary.Call, []ostiary.Decision) (ostiary.Decision, error) {
	return s()
}

func settled(t *testing.T, n *notebook, s settler) *ostiary.Line {
	t.Helper()
	l, err := ostiary.New(ostiary.Options{
		Gates:   []ostiary.Gate{says(ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired, Message: "ask"})},
		Settler: s, Recorder: n, Timeout: time.Minute, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestASettlerAllowsAndNothingElseDoes(t *testing.T) {
	n := &notebook{}
	if r, d := settled(t, n, func() (ostiary.Decision, error) { return ostiary.Allowed(), nil }).Do(t.Context(), sink(), runs(n)); r == nil || d.Verdict != ostiary.Allow {
		t.Fatalf("control: result %v, decision %+v", r, d)
	}
	for name, s := range map[string]settler{
		"zero":  func() (ostiary.Decision, error) { return ostiary.Decision{}, nil },
		"ask":   func() (ostiary.Decision, error) { return ostiary.Decision{Verdict: ostiary.Ask}, nil },
		"odd":   func() (ostiary.Decision, error) { return ostiary.Decision{Verdict: 99}, nil },
		"error": func() (ostiary.Decision, error) { return ostiary.Allowed(), errors.New("broken") },
		"panic": func() (ostiary.Decision, error) { panic("boom") },
	} {
		n := &notebook{}
		r, d := settled(t, n, s).Do(t.Context(), sink(), runs(n))
		if r != nil || d.Verdict != ostiary.Deny || d.Code == "" || d.Message == "" || slices.Contains(n.lines, "run") {
			t.Errorf("%s: result %v, decision %+v, lines %q", name, r, d, n.lines)
		}
	}
}

func holding(n *notebook, name string, h ostiary.Hold) ostiary.Gate {
	if h.Release == nil {
		h.Release = func() { n.note(name + " release") }
	}
	if h.Done == nil {
		h.Done = func() { n.note(name + " done") }
	}
	if h.Commit == nil {
		h.Commit = func() error { n.note(name + " commit"); return nil }
	}
	return says(ostiary.Decision{Verdict: ostiary.Allow, Hold: &h})
}

// TestAFailedCommitGivesEverythingBack: nothing has run, so nothing is used up,
// neither what was committed before it nor what the failed one may have taken.
func TestAFailedCommitGivesEverythingBack(t *testing.T) {
	for name, fails := range map[string]func() error{
		"error": func() error { return errors.New("taken") },
		"panic": func() error { panic("boom") },
	} {
		n := &notebook{}
		r, d := line(t, n,
			holding(n, "a", ostiary.Hold{}),
			holding(n, "b", ostiary.Hold{Commit: fails}),
			holding(n, "c", ostiary.Hold{}),
		).Do(t.Context(), sink(), runs(n))
		want := []string{"begin", "intent", "a commit", "c release", "b release", "a release", "end deny " + string(d.Code) + " refused"}
		if r != nil || d.Verdict != ostiary.Deny || !slices.Equal(n.lines, want) {
			t.Errorf("%s: result %v, decision %+v, lines %q", name, r, d, n.lines)
		}
	}
}

// TestWithoutAnIntentNothingIsCommitted: what cannot be recorded does not run.
func TestWithoutAnIntentNothingIsCommitted(t *testing.T) {
	n := &notebook{failIntent: errors.New("disk full")}
	r, d := line(t, n, holding(n, "a", ostiary.Hold{}), holding(n, "b", ostiary.Hold{})).Do(t.Context(), sink(), runs(n))
	for _, wrong := range []string{"run", "a commit", "b commit", "a done", "b done"} {
		if slices.Contains(n.lines, wrong) {
			t.Errorf("%s: %q", wrong, n.lines)
		}
	}
	if r != nil || d.Code != ostiary.CodeAuditUnavailable || !slices.Contains(n.lines, "a release") || !slices.Contains(n.lines, "b release") {
		t.Errorf("result %v, decision %+v, lines %q", r, d, n.lines)
	}
}

// TestWhatMayHaveRunIsNotGivenBack: a run that failed, panicked or was withdrawn
// may have taken effect.
func TestWhatMayHaveRunIsNotGivenBack(t *testing.T) {
	type result = *ostiary.Result
	for name, run := range map[string]ostiary.Runner{
		"error":  func(context.Context, *ostiary.Call) (result, error) { return nil, errors.New("lost") },
		"panic":  func(context.Context, *ostiary.Call) (result, error) { panic("boom") },
		"nobody": func(context.Context, *ostiary.Call) (result, error) { return nil, nil },
		"cancel": func(context.Context, *ostiary.Call) (result, error) { return nil, context.Canceled },
	} {
		n := &notebook{}
		_, d := line(t, n, holding(n, "a", ostiary.Hold{})).Do(t.Context(), sink(), run)
		if d.Verdict != ostiary.Deny || slices.Contains(n.lines, "a release") || n.lines[len(n.lines)-1] != "a done" {
			t.Errorf("%s: decision %+v, lines %q", name, d, n.lines)
		}
	}
}

func TestPanicsOfHoldsAndOfTheRecorderStayInTheLine(t *testing.T) {
	boom := func() { panic("boom") }
	n := &notebook{}
	if _, d := line(t, n, holding(n, "a", ostiary.Hold{}), holding(n, "b", ostiary.Hold{Release: boom}), says(ostiary.Decision{})).
		Do(t.Context(), sink(), runs(n)); d.Verdict != ostiary.Deny || !slices.Contains(n.lines, "a release") {
		t.Errorf("release: %+v, lines %q", d, n.lines)
	}
	n = &notebook{}
	if r, _ := line(t, n, holding(n, "a", ostiary.Hold{Done: boom})).Do(t.Context(), sink(), runs(n)); r == nil {
		t.Errorf("done: no result, lines %q", n.lines)
	}
	n = &notebook{panicIntent: true}
	if r, d := line(t, n, allow).Do(t.Context(), sink(), runs(n)); r != nil || d.Code != ostiary.CodeAuditUnavailable || slices.Contains(n.lines, "run") {
		t.Errorf("intent: result %v, decision %+v, lines %q", r, d, n.lines)
	}
}

func TestAnOpenWorldReadIsASink(t *testing.T) {
	n := &notebook{}
	c := read()
	c.Closed = false
	line(t, n, allow).Do(t.Context(), c, runs(n))
	if !slices.Contains(n.lines, "intent") {
		t.Fatalf("lines %q", n.lines)
	}
}

func TestACallThatWasWithdrawnDoesNotRun(t *testing.T) {
	n := &notebook{}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(&ostiary.Error{Code: ostiary.CodeGatewayCancelled, Message: "gone"})
	if _, d := line(t, n, allow).Do(ctx, sink(), runs(n)); d.Code != ostiary.CodeGatewayCancelled || slices.Contains(n.lines, "run") {
		t.Fatalf("decision %+v, lines %q", d, n.lines)
	}
}

func TestAStoredAnswerNeedsItsRecord(t *testing.T) {
	stored := says(ostiary.Decision{Verdict: ostiary.Answer, Answer: &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{}`)}})
	n := &notebook{}
	if r, _ := line(t, n, stored).Do(t.Context(), sink(), runs(n)); r == nil || slices.Contains(n.lines, "run") {
		t.Fatalf("control: result %v, lines %q", r, n.lines)
	}
	n = &notebook{failEnd: errors.New("disk full")}
	if r, d := line(t, n, stored).Do(t.Context(), sink(), runs(n)); r != nil || d.Code != ostiary.CodeAuditUnavailable {
		t.Fatalf("result %v, decision %+v", r, d)
	}
}

func TestARefusalBeforeTheLineIsRecorded(t *testing.T) {
	n := &notebook{}
	d := line(t, n, allow).Refuse(sink(), ostiary.Decision{Code: ostiary.CodeWireParse, Message: "no"})
	if d.Code != ostiary.CodeWireParse || !slices.Equal(n.lines, []string{"begin", "end deny wire_parse refused"}) {
		t.Fatalf("decision %+v, lines %q", d, n.lines)
	}
	n = &notebook{failEnd: errors.New("disk full")}
	if d := line(t, n, allow).Refuse(sink(), ostiary.Decision{Code: ostiary.CodeWireParse}); d.Code != ostiary.CodeAuditUnavailable {
		t.Fatalf("decision %+v", d)
	}
}
