package ostiary_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// listener is an observer that notes what it is told, and does hook each time.
type listener struct {
	heard []string
	hook  func(what string)
	deaf  bool
}

func (l *listener) note(s string) {
	l.heard = append(l.heard, s)
	if l.hook != nil {
		l.hook(s)
	}
}

func (l *listener) Begin(*ostiary.Call) ostiary.Watch {
	l.note("begin")
	if l.deaf {
		return nil
	}
	return l
}
func (l *listener) Stage(d ostiary.Decision) { l.note(d.Stage + " " + d.Verdict.String()) }
func (l *listener) Run()                     { l.note("run") }
func (l *listener) Ran()                     { l.note("ran") }
func (l *listener) End(o ostiary.Outcome) {
	l.note("end " + o.Decision.Verdict.String() + " " + string(o.Decision.Code) + " " + o.Status.String())
}

// consents says yes to what was asked.
type consents struct{}

func (consents) Name() string { return "person" }
func (consents) Settle(context.Context, *ostiary.Call, []ostiary.Decision) (ostiary.Decision, error) {
	return ostiary.Allowed(), nil
}

func observed(t *testing.T, n *notebook, o ostiary.Observer, gates ...ostiary.Gate) *ostiary.Line {
	t.Helper()
	l, err := ostiary.New(ostiary.Options{
		Gates: gates, Recorder: n, Settler: consents{}, Timeout: time.Minute, Now: time.Now, Observer: o,
		Filters: []ostiary.Filter{filter(func(r *ostiary.Result) error {
			if string(r.Body) == `"bad"` {
				return &ostiary.Error{Code: ostiary.CodeInternal}
			}
			return nil
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var (
	denies  = says(ostiary.Decision{Code: ostiary.CodePolicyDeny})
	wonders = says(ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired})
)

func answers(body string) ostiary.Runner {
	return func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		return &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(body)}, nil
	}
}

func TestObserverHears(t *testing.T) {
	lost := errors.New("disk full")
	for name, c := range map[string]struct {
		n     *notebook
		gates []ostiary.Gate
		body  string
		want  []string
	}{
		"allow":       {gates: []ostiary.Gate{allow}, body: "{}", want: []string{"begin", "test allow", "run", "ran", "end allow  ok"}},
		"deny":        {gates: []ostiary.Gate{allow, denies, allow}, want: []string{"begin", "test allow", "test deny", "end deny policy_deny refused"}},
		"ask":         {gates: []ostiary.Gate{wonders}, body: "{}", want: []string{"begin", "test ask", "person allow", "run", "ran", "end allow  ok"}},
		"withheld":    {gates: []ostiary.Gate{allow}, body: `"bad"`, want: []string{"begin", "test allow", "run", "ran", "end deny internal_error withheld"}},
		"no begin":    {n: &notebook{failBegin: lost}, gates: []ostiary.Gate{allow}, want: []string{"begin", "end deny audit_unavailable refused"}},
		"no intent":   {n: &notebook{failIntent: lost}, gates: []ostiary.Gate{allow}, want: []string{"begin", "test allow", "end deny audit_unavailable refused"}},
		"no outcome":  {n: &notebook{failEnd: lost}, gates: []ostiary.Gate{allow}, body: "{}", want: []string{"begin", "test allow", "run", "ran", "end deny audit_unavailable ok"}},
		"gate panics": {gates: []ostiary.Gate{gate{"test", func() (ostiary.Decision, error) { panic("gate") }}}, want: []string{"begin", "test deny", "end deny internal_panic refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := &listener{}
			observed(t, cmp.Or(c.n, &notebook{}), o, c.gates...).Do(t.Context(), sink(), answers(c.body))
			if !slices.Equal(o.heard, c.want) {
				t.Errorf("heard %q, want %q", o.heard, c.want)
			}
		})
	}
	t.Run("a refusal without a call", func(t *testing.T) {
		o := &listener{}
		observed(t, &notebook{}, o, allow).Refuse(read(), ostiary.Refused("wire", errors.New("x")))
		if want := []string{"begin", "end deny internal_error refused"}; !slices.Equal(o.heard, want) {
			t.Errorf("heard %q", o.heard)
		}
	})
	t.Run("nothing where it does not want to", func(t *testing.T) {
		o := &listener{deaf: true}
		observed(t, &notebook{}, o, allow).Do(t.Context(), read(), answers("{}"))
		if want := []string{"begin"}; !slices.Equal(o.heard, want) {
			t.Errorf("heard %q", o.heard)
		}
	})
}

// Audit never rides on telemetry: an observer that fails at any moment, or is slow,
// changes neither verdict nor record.
func TestObserverHasNoSay(t *testing.T) {
	for name, gates := range map[string][]ostiary.Gate{
		"allow": {allow}, "deny": {allow, denies}, "ask": {asks, allow},
	} {
		alone, told := &notebook{}, &listener{}
		_, want := observed(t, alone, nil, gates...).Do(t.Context(), sink(), runs(alone))
		observed(t, &notebook{}, told, gates...).Do(t.Context(), sink(), runs(&notebook{}))
		for _, at := range told.heard {
			for how, hook := range map[string]func(string){
				"panics": func(s string) {
					if s == at {
						panic("observer at " + s)
					}
				},
				"is slow": func(s string) {
					if s == at { // longer than a call runs by what the gates saw first
						<-time.After(300 * time.Millisecond)
					}
				},
			} {
				t.Run(name+", "+how+" at "+at, func(t *testing.T) {
					t.Parallel()
					n := &notebook{}
					r, d := observed(t, n, &listener{hook: hook}, gates...).Do(t.Context(), sink(), runs(n))
					if d.Verdict != want.Verdict || d.Code != want.Code || d.Stage != want.Stage || (r != nil) != (want.Verdict == ostiary.Allow) || !slices.Equal(n.lines, alone.lines) {
						t.Errorf("%+v %q, without an observer %+v %q", d, n.lines, want, alone.lines)
					}
				})
			}
		}
	}
}

// silent is an observer that listens and does nothing.
type silent struct{}

func (silent) Begin(*ostiary.Call) ostiary.Watch { return silent{} }
func (silent) Stage(ostiary.Decision)            {}
func (silent) Run()                              {}
func (silent) Ran()                              {}
func (silent) End(ostiary.Outcome)               {}

// nowhere is a Recorder that keeps nothing, so that only the line is measured.
type nowhere struct{}

func (nowhere) Begin(*ostiary.Call) (ostiary.Entry, error) { return nowhere{}, nil }
func (nowhere) Intent(ostiary.Decision) error              { return nil }
func (nowhere) End(ostiary.Outcome) error                  { return nil }

func lineOver(o ostiary.Observer) (*ostiary.Line, error) {
	return ostiary.New(ostiary.Options{
		Gates: []ostiary.Gate{allow, allow, allow, allow, allow, allow}, Recorder: nowhere{}, Timeout: time.Minute, Now: time.Now, Observer: o,
	})
}

func TestObserverAllocatesNothing(t *testing.T) {
	count := func(o ostiary.Observer) float64 {
		l, err := lineOver(o)
		if err != nil {
			t.Fatal(err)
		}
		r, ctx, c := answers("{}"), t.Context(), read()
		return testing.AllocsPerRun(200, func() { l.Do(ctx, c, r) })
	}
	if off, on := count(nil), count(silent{}); on > off {
		t.Errorf("%v allocations a call without an observer, %v with one that does nothing", off, on)
	}
}

func BenchmarkObserver(b *testing.B) {
	for name, o := range map[string]ostiary.Observer{"off": nil, "silent": silent{}} {
		b.Run(name, func(b *testing.B) {
			l, err := lineOver(o)
			if err != nil {
				b.Fatal(err)
			}
			r, ctx, c := answers("{}"), b.Context(), read()
			b.ReportAllocs()
			for b.Loop() {
				l.Do(ctx, c, r)
			}
		})
	}
}
