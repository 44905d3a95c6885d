package ostiary_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// TestWhatChangedWhileACallWaitedIsSeen: whatever it waited for, and whether or not
// anything asks. The controls are calls that did not wait, and a world that stayed.
func TestWhatChangedWhileACallWaitedIsSeen(t *testing.T) {
	frozen := ostiary.Decision{Code: ostiary.CodeFreezeActive}
	stored := ostiary.Decision{Verdict: ostiary.Answer, Answer: &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{}`)}}
	waited := func(d ostiary.Decision) ostiary.Decision { d.Waited = true; return d }
	changed := func() error { return &ostiary.Error{Code: ostiary.CodeApprovalVoid, Message: "changed"} }
	same := func() error { return nil }
	for _, tc := range []struct {
		name       string
		gate       ostiary.Decision
		takes      time.Duration
		again      ostiary.Decision
		fails      error
		current    func() error
		reportOnly bool
		want       ostiary.Code
		would      ostiary.Code
		asked      int
	}{
		{name: "control: no wait", gate: ostiary.Allowed(), again: frozen, current: changed},
		{name: "control: nothing changed", gate: waited(ostiary.Allowed()), again: ostiary.Allowed(), current: same, asked: 1},
		{name: "frozen", gate: waited(ostiary.Allowed()), again: frozen, current: same, want: ostiary.CodeFreezeActive, asked: 1},
		{name: "frozen while a gate was slow and did not say so", gate: ostiary.Allowed(), takes: time.Second,
			again: frozen, current: same, want: ostiary.CodeFreezeActive, asked: 1},
		{name: "another definition", gate: waited(ostiary.Allowed()), again: ostiary.Allowed(), current: changed, want: ostiary.CodeApprovalVoid, asked: 1},
		{name: "a gate that fails", gate: waited(ostiary.Allowed()), again: ostiary.Allowed(), fails: errors.New("broken"), current: same, want: ostiary.CodeInternal, asked: 1},
		{name: "a question", gate: waited(ostiary.Allowed()), again: ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired}, current: same, want: ostiary.CodeApprovalRequired, asked: 1},
		{name: "control: a stored answer", gate: stored, again: frozen, current: changed},
		{name: "control: a stored answer that was waited for", gate: waited(stored), again: ostiary.Allowed(), current: changed, asked: 1},
		{name: "frozen before a stored answer", gate: waited(stored), again: frozen, current: same, want: ostiary.CodeFreezeActive, asked: 1},
		{name: "frozen, and the rule only reports", gate: waited(ostiary.Allowed()), again: frozen, current: same, reportOnly: true, want: ostiary.CodeFreezeActive, asked: 1},
		{name: "what only is reported", gate: waited(ostiary.Allowed()), again: ostiary.Decision{Code: ostiary.CodeValidatePath}, current: same, reportOnly: true, would: ostiary.CodeValidatePath, asked: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, asked, now := &notebook{}, 0, time.Now()
			c := sink()
			c.Received, c.Rule.ReportOnly, c.Caller = now, tc.reportOnly, caller{current: tc.current}
			tc.gate.Hold = &ostiary.Hold{Commit: func() error { n.note("use"); return nil }, Release: func() { n.note("leave") }}
			l, err := ostiary.New(ostiary.Options{
				Gates: []ostiary.Gate{
					rechecked{allow, func() (ostiary.Decision, error) { asked++; return tc.again, tc.fails }},
					gate{"waits", func() (ostiary.Decision, error) { now = now.Add(tc.takes); return tc.gate, nil }},
				},
				Recorder: n, Timeout: time.Minute, Now: func() time.Time { return now },
			})
			if err != nil {
				t.Fatal(err)
			}
			r, d := l.Do(t.Context(), c, runs(n))
			if asked != tc.asked {
				t.Errorf("asked again %d times, want %d", asked, tc.asked)
			}
			if tc.want == "" && (r == nil || d.Would != tc.would) {
				t.Errorf("result %v, decision %+v, lines %q", r, d, n.lines)
			}
			if tc.want != "" && (r != nil || d.Verdict != ostiary.Deny || d.Code != tc.want ||
				slices.Contains(n.lines, "run") || slices.Contains(n.lines, "use") || !slices.Contains(n.lines, "leave")) {
				t.Errorf("result %v, decision %+v, lines %q", r, d, n.lines)
			}
		})
	}
}
