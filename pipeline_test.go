package ostiary_test

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

// notebook is a Recorder that remembers in order what it was told.
type notebook struct {
	mu                             sync.Mutex
	lines                          []string
	last                           ostiary.Outcome
	failBegin, failIntent, failEnd error
	panicIntent                    bool
}

func (n *notebook) note(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, s)
}

func (n *notebook) Begin(*ostiary.Call) (ostiary.Entry, error) {
	n.note("begin")
	return (*page)(n), n.failBegin
}

type page notebook

func (p *page) Intent(ostiary.Decision) error {
	(*notebook)(p).note("intent")
	if p.panicIntent {
		panic("boom")
	}
	return p.failIntent
}

func (p *page) End(o ostiary.Outcome) error {
	(*notebook)(p).note("end " + o.Decision.Verdict.String() + " " + string(o.Decision.Code) + " " + o.Status.String())
	p.last = o
	return p.failEnd
}

type gate struct {
	name string
	f    func() (ostiary.Decision, error)
}

func (g gate) Name() string { return g.name }
func (g gate) Check(context.Context, *ostiary.Call) (ostiary.Decision, error) {
	return g.f()
}

func says(d ostiary.Decision) gate {
	return gate{"test", func() (ostiary.Decision, error) { return d, nil }}
}

type filter func(*ostiary.Result) error

func (filter) Name() string { return "filter" }
func (f filter) Apply(_ context.Context, _ *ostiary.Call, r *ostiary.Result) error {
	return f(r)
}

func line(t *testing.T, n *notebook, gates ...ostiary.Gate) *ostiary.Line {
	t.Helper()
	l, err := ostiary.New(ostiary.Options{Gates: gates, Recorder: n, Timeout: time.Minute, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var (
	allow = says(ostiary.Allowed())
	sink  = func() *ostiary.Call {
		return &ostiary.Call{Effect: ostiary.EffectWrite, Rule: &ostiary.Rule{}, Received: time.Now()}
	}
	read = func() *ostiary.Call {
		return &ostiary.Call{Effect: ostiary.EffectRead, Closed: true, Rule: &ostiary.Rule{}, Received: time.Now()}
	}
)

func runs(n *notebook) ostiary.Runner {
	return func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		n.note("run")
		return &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{}`)}, nil
	}
}

func TestLaw1RecordedOrItDidNotHappen(t *testing.T) {
	t.Run("a sink has its intent before and its outcome after", func(t *testing.T) {
		n := &notebook{}
		r, d := line(t, n, allow).Do(t.Context(), sink(), runs(n))
		want := []string{"begin", "intent", "run", "end allow  ok"}
		if r == nil || d.Verdict != ostiary.Allow || !slices.Equal(n.lines, want) {
			t.Fatalf("result %v, decision %+v, lines %q", r, d, n.lines)
		}
	})
	t.Run("a closed read has one record", func(t *testing.T) {
		n := &notebook{}
		line(t, n, allow).Do(t.Context(), read(), runs(n))
		if want := []string{"begin", "run", "end allow  ok"}; !slices.Equal(n.lines, want) {
			t.Fatalf("lines %q", n.lines)
		}
	})
	broken := errors.New("disk full")
	for name, n := range map[string]*notebook{
		"begin":  {failBegin: broken},
		"intent": {failIntent: broken},
	} {
		t.Run("no run without "+name, func(t *testing.T) {
			r, d := line(t, n, allow).Do(t.Context(), sink(), runs(n))
			if r != nil || d.Verdict != ostiary.Deny || d.Code != ostiary.CodeAuditUnavailable || slices.Contains(n.lines, "run") {
				t.Fatalf("result %v, decision %+v, lines %q", r, d, n.lines)
			}
		})
	}
	t.Run("no result without outcome", func(t *testing.T) {
		n := &notebook{failEnd: broken}
		r, d := line(t, n, allow).Do(t.Context(), read(), runs(n))
		if r != nil || d.Code != ostiary.CodeAuditUnavailable {
			t.Fatalf("result %v, decision %+v", r, d)
		}
	})
	t.Run("refusals, time-outs and panics are recorded", func(t *testing.T) {
		for want, l := range map[string]func(n *notebook) *ostiary.Line{
			"end deny internal_panic refused": func(n *notebook) *ostiary.Line {
				return line(t, n, gate{"test", func() (ostiary.Decision, error) { panic("boom") }})
			},
			"end deny policy_deny refused": func(n *notebook) *ostiary.Line {
				return line(t, n, says(ostiary.Decision{Code: ostiary.CodePolicyDeny}))
			},
		} {
			n := &notebook{}
			l(n).Do(t.Context(), sink(), runs(n))
			if !slices.Equal(n.lines, []string{"begin", want}) {
				t.Errorf("lines %q, want %q", n.lines, want)
			}
		}
		n := &notebook{}
		c := sink()
		c.Rule = &ostiary.Rule{Timeout: time.Nanosecond}
		_, d := line(t, n, allow).Do(t.Context(), c, func(ctx context.Context, _ *ostiary.Call) (*ostiary.Result, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		})
		if d.Code != ostiary.CodeLimitTimeout || n.last.Status != ostiary.StatusTimeout {
			t.Errorf("decision %+v, status %v", d, n.last.Status)
		}
		n = &notebook{}
		_, d = line(t, n, allow).Do(t.Context(), sink(), func(context.Context, *ostiary.Call) (*ostiary.Result, error) { panic("boom") })
		if d.Code != ostiary.CodePanic || n.last.Status != ostiary.StatusLost {
			t.Errorf("decision %+v, status %v", d, n.last.Status)
		}
	})
}

func TestLaw2DenyIsTheZeroValue(t *testing.T) {
	for name, g := range map[string]gate{
		"zero decision":  says(ostiary.Decision{}),
		"error":          {"test", func() (ostiary.Decision, error) { return ostiary.Allowed(), errors.New("broken") }},
		"panic":          {"test", func() (ostiary.Decision, error) { panic("boom") }},
		"unknown":        says(ostiary.Decision{Verdict: 99}),
		"empty answer":   says(ostiary.Decision{Verdict: ostiary.Answer}),
		"question alone": says(ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired}),
	} {
		t.Run(name, func(t *testing.T) {
			n := &notebook{}
			r, d := line(t, n, allow, g, allow).Do(t.Context(), sink(), runs(n))
			if r != nil || d.Verdict != ostiary.Deny || d.Code == "" || d.Message == "" || slices.Contains(n.lines, "run") {
				t.Fatalf("result %v, decision %+v, lines %q", r, d, n.lines)
			}
		})
	}
	for name, o := range map[string]ostiary.Options{
		"recorder": {Gates: []ostiary.Gate{allow}, Timeout: 1, Now: time.Now},
		"gates":    {Recorder: &notebook{}, Timeout: 1, Now: time.Now},
		"nil gate": {Gates: []ostiary.Gate{nil}, Recorder: &notebook{}, Timeout: 1, Now: time.Now},
		"timeout":  {Gates: []ostiary.Gate{allow}, Recorder: &notebook{}, Now: time.Now},
		"clock":    {Gates: []ostiary.Gate{allow}, Recorder: &notebook{}, Timeout: 1},
	} {
		if _, err := ostiary.New(o); !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("a line without %s: error %v", name, err)
		}
	}
}

func TestLaw6AnErrorOfAGateStaysWithTheOperator(t *testing.T) {
	n := &notebook{}
	_, d := line(t, n, gate{"test", func() (ostiary.Decision, error) {
		return ostiary.Decision{}, errors.New("password=hunter2")
	}}).Do(t.Context(), sink(), runs(n))
	if strings.Contains(d.Message, "hunter2") || !strings.Contains(d.Reason, "hunter2") {
		t.Fatalf("decision %+v", d)
	}
}

func TestDenyBeatsAskBeatsAllow(t *testing.T) {
	ask := says(ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired, Message: "ask"})
	deny := says(ostiary.Decision{Code: ostiary.CodeLimitRate, Message: "no"})
	n := &notebook{}
	_, d := line(t, n, allow, ask, deny).Do(t.Context(), sink(), runs(n))
	if d.Code != ostiary.CodeLimitRate {
		t.Fatalf("decision %+v", d)
	}
	_, d = line(t, n, allow, ask, allow).Do(t.Context(), sink(), runs(n))
	if d.Code != ostiary.CodeApprovalRequired || d.Verdict != ostiary.Deny {
		t.Fatalf("decision %+v", d)
	}
}

func TestHoldsAreReleasedOrCommittedAndDone(t *testing.T) {
	for name, tc := range map[string]struct {
		after ostiary.Gate
		want  []string
	}{
		"denied later": {says(ostiary.Decision{}), []string{"begin", "release", "end deny internal_error refused"}},
		"run":          {allow, []string{"begin", "intent", "commit", "run", "end allow  ok", "done"}},
	} {
		t.Run(name, func(t *testing.T) {
			n := &notebook{}
			holding := says(ostiary.Decision{Verdict: ostiary.Allow, Hold: &ostiary.Hold{
				Commit:  func() error { n.note("commit"); return nil },
				Release: func() { n.note("release") }, Done: func() { n.note("done") },
			}})
			line(t, n, holding, tc.after).Do(t.Context(), sink(), runs(n))
			if !slices.Equal(n.lines, tc.want) {
				t.Fatalf("lines %q, want %q", n.lines, tc.want)
			}
		})
	}
}

func TestReportOnlyLetsPassAndSaysSo(t *testing.T) {
	n := &notebook{}
	c := sink()
	c.Rule = &ostiary.Rule{ReportOnly: true}
	r, _ := line(t, n, says(ostiary.Decision{Code: ostiary.CodePolicyWhen, Reason: "too long"})).Do(t.Context(), c, runs(n))
	if d := n.last.Decision; r == nil || d.Would != ostiary.CodePolicyWhen || d.WouldReason != "too long" {
		t.Fatalf("result %v, decision %+v", r, d)
	}
}

func TestReportOnlyIsAboutTheRuleAlone(t *testing.T) {
	for _, code := range []ostiary.Code{"", ostiary.CodePolicyDeny, ostiary.CodeAuthNobody, ostiary.CodeLimitRate, ostiary.CodePanic} {
		c := sink()
		c.Rule = &ostiary.Rule{ReportOnly: true}
		n := &notebook{}
		if r, d := line(t, n, says(ostiary.Decision{Code: code})).Do(t.Context(), c, runs(n)); r != nil || d.Verdict != ostiary.Deny {
			t.Errorf("%q passed: %+v", code, d)
		}
	}
}

func TestAFilterThatFailsWithholds(t *testing.T) {
	n := &notebook{}
	l, err := ostiary.New(ostiary.Options{
		Gates: []ostiary.Gate{allow}, Recorder: n, Timeout: time.Minute, Now: time.Now,
		Filters: []ostiary.Filter{filter(func(*ostiary.Result) error { return errors.New("broken") })},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, d := l.Do(t.Context(), read(), runs(n)); r != nil || d.Verdict != ostiary.Deny || n.last.Status != ostiary.StatusWithheld {
		t.Fatalf("result %v, decision %+v, outcome %+v", r, d, n.last)
	}
}

func TestTheCauseOfACancellationIsTheReason(t *testing.T) {
	n := &notebook{}
	ctx, cancel := context.WithCancelCause(t.Context())
	_, d := line(t, n, allow).Do(ctx, read(), func(ctx context.Context, _ *ostiary.Call) (*ostiary.Result, error) {
		cancel(&ostiary.Error{Code: ostiary.CodeGatewayShutdown, Message: "closing"})
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if d.Code != ostiary.CodeGatewayShutdown {
		t.Fatalf("decision %+v", d)
	}
}
