package limit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// hand is a clock that moves only when told.
type hand struct{ at atomic.Int64 }

func (h *hand) now() time.Duration      { return time.Duration(h.at.Load()) }
func (h *hand) forward(d time.Duration) { h.at.Add(int64(d)) }

// wide are limits that nothing reaches, for tests that narrow one of them.
func wide() Options {
	lots := ostiary.RateLimit{Count: 1_000_000_000, Period: time.Second}
	return Options{
		Global: lots, PerPrincipal: lots, PerTool: lots, PerPrincipalTool: lots,
		EffectsPerPrincipal: lots, EffectsPerPrincipalTool: lots, Concurrency: 1 << 30,
	}
}

func limiter(t testing.TB, o Options) (*Limiter, *hand) {
	t.Helper()
	h := &hand{}
	o.Clock = h.now
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l, h
}

func perMin(n int) ostiary.RateLimit { return ostiary.RateLimit{Count: n, Period: time.Minute} }

func call(principal, tool string, effect ostiary.Effect) *ostiary.Call {
	return &ostiary.Call{
		Principal: ostiary.Principal{ID: principal}, Upstream: "files", Method: "tools/call",
		Class: ostiary.ClassTool, Target: tool, Effect: effect, Rule: &ostiary.Rule{},
	}
}

func check(t testing.TB, l *Limiter, c *ostiary.Call) ostiary.Decision {
	t.Helper()
	d, err := l.Check(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func allow(t testing.TB, l *Limiter, c *ostiary.Call) *ostiary.Hold {
	t.Helper()
	d := check(t, l, c)
	if d.Verdict != ostiary.Allow {
		t.Fatalf("refused: %s (%s)", d.Message, d.Reason)
	}
	return d.Hold
}

func refuse(t testing.TB, l *Limiter, c *ostiary.Call, code ostiary.Code) ostiary.Decision {
	t.Helper()
	d := check(t, l, c)
	if d.Verdict != ostiary.Deny || d.Code != code || d.Stage != "limit" || d.Message == "" || d.Reason == "" {
		t.Fatalf("got %+v, want a full denial with %s", d, code)
	}
	return d
}

// Each general limit: a burst of Count, then exactly one more each Period/Count.
func TestBoundariesAreExact(t *testing.T) {
	read := call("alice", "read", ostiary.EffectRead)
	write := call("alice", "write", ostiary.EffectWrite)
	for name, tc := range map[string]struct {
		set   func(*Options)
		c     *ostiary.Call
		other *ostiary.Call // still passes when c is refused; nil: nothing does
		also  *ostiary.Call // is refused as well
	}{
		"global":             {func(o *Options) { o.Global = perMin(7) }, read, nil, call("bob", "x", ostiary.EffectRead)},
		"per_principal":      {func(o *Options) { o.PerPrincipal = perMin(7) }, read, call("bob", "read", ostiary.EffectRead), call("alice", "x", ostiary.EffectRead)},
		"per_tool":           {func(o *Options) { o.PerTool = perMin(7) }, read, call("alice", "x", ostiary.EffectRead), call("bob", "read", ostiary.EffectRead)},
		"per_principal_tool": {func(o *Options) { o.PerPrincipalTool = perMin(7) }, read, call("bob", "read", ostiary.EffectRead), read},
		"effects_per_principal": {func(o *Options) { o.EffectsPerPrincipal = perMin(7) }, write,
			call("alice", "write", ostiary.EffectRead), call("alice", "x", ostiary.EffectUnknown)},
		"effects_per_principal_tool": {func(o *Options) { o.EffectsPerPrincipalTool = perMin(7) }, write,
			call("alice", "x", ostiary.EffectWrite), call("alice", "write", ostiary.EffectSpend)},
	} {
		t.Run(name, func(t *testing.T) {
			o := wide()
			tc.set(&o)
			l, clock := limiter(t, o)
			for range 7 {
				allow(t, l, tc.c)
			}
			d := refuse(t, l, tc.c, ostiary.CodeLimitRate)
			step := (time.Minute + 6) / 7 // rounded up
			if d.RetryAfter != step {
				t.Fatalf("retry after %v, want %v", d.RetryAfter, step)
			}
			if !strings.HasSuffix(d.Message, "retry in 8.6 s") || !strings.Contains(d.Reason, "limits."+name+":") {
				t.Fatalf("%s (%s)", d.Message, d.Reason)
			}
			if tc.other != nil {
				allow(t, l, tc.other)
			}
			refuse(t, l, tc.also, ostiary.CodeLimitRate)
			clock.forward(d.RetryAfter - 1)
			if d := refuse(t, l, tc.c, ostiary.CodeLimitRate); d.RetryAfter != 1 {
				t.Fatalf("retry after %v, want 1ns", d.RetryAfter)
			}
			clock.forward(1)
			allow(t, l, tc.c)
			refuse(t, l, tc.c, ostiary.CodeLimitRate)
			clock.forward(time.Hour) // an hour of rest is worth one burst, no more
			for range 7 {
				allow(t, l, tc.c)
			}
			refuse(t, l, tc.c, ostiary.CodeLimitRate)
		})
	}
}

func TestRefusedCallCountsNowhere(t *testing.T) {
	o := wide()
	o.Global, o.EffectsPerPrincipalTool = perMin(10), perMin(2)
	l, clock := limiter(t, o)
	write := call("alice", "write", ostiary.EffectWrite)
	for range 2 {
		allow(t, l, write)
	}
	for range 1000 {
		refuse(t, l, write, ostiary.CodeLimitRate)
	}
	for range 8 {
		allow(t, l, call("bob", "read", ostiary.EffectRead))
	}
	d := refuse(t, l, write, ostiary.CodeLimitRate)
	if d.RetryAfter != 30*time.Second {
		t.Fatalf("two limits are used up; retry after %v, want the longer wait of 30s", d.RetryAfter)
	}
	clock.forward(30 * time.Second)
	allow(t, l, write)
}

// A call that one concurrency limit refuses takes nothing from the rates, and
// the other way round.
func TestConcurrencyAndRateAreIndependent(t *testing.T) {
	o := wide()
	o.Concurrency, o.PerPrincipal = 1, perMin(2)
	l, _ := limiter(t, o)
	c := call("alice", "read", ostiary.EffectRead)
	first := allow(t, l, c)
	for range 100 {
		if d := refuse(t, l, c, ostiary.CodeLimitConcurrency); d.RetryAfter != 0 {
			t.Fatal("nobody knows when a call ends")
		}
	}
	first.Release()
	first.Done() // given back once only
	second := allow(t, l, c)
	refuse(t, l, c, ostiary.CodeLimitConcurrency)
	second.Done()
	for range 100 {
		refuse(t, l, c, ostiary.CodeLimitRate)
	}
	if len(l.slots.n) != 0 {
		t.Fatalf("slots left behind: %v", l.slots.n)
	}
}

func TestConcurrencyUnderLoad(t *testing.T) {
	o := wide()
	o.Concurrency = 16
	l, _ := limiter(t, o)
	var inFlight, most, refused atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for range 500 {
				d := check(t, l, call("alice", "read", ostiary.EffectRead))
				if d.Verdict != ostiary.Allow {
					refused.Add(1)
					continue
				}
				n := inFlight.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				inFlight.Add(-1)
				d.Hold.Done()
				d.Hold.Done()
			}
		})
	}
	all.Wait()
	if most.Load() > 16 {
		t.Fatalf("%d at once", most.Load())
	}
	if len(l.slots.n) != 0 {
		t.Fatalf("slots left behind: %v", l.slots.n)
	}
}

// With every slot in use a client must still be able to cancel, to answer and to
// be told that the door lives.
func TestFullSlotsStillTalk(t *testing.T) {
	o := wide()
	o.Concurrency = 1
	l, _ := limiter(t, o)
	allow(t, l, call("alice", "slow", ostiary.EffectRead))
	for _, class := range []ostiary.Class{ostiary.ClassControl, ostiary.ClassNotification, ostiary.ClassAnswer, ostiary.ClassElicitation} {
		allow(t, l, &ostiary.Call{Principal: ostiary.Principal{ID: "alice"}, Class: class, Method: class.String(), Effect: ostiary.EffectRead})
	}
	refuse(t, l, &ostiary.Call{Principal: ostiary.Principal{ID: "alice"}, Class: ostiary.ClassElicitation}, ostiary.CodeLimitConcurrency)
	refuse(t, l, &ostiary.Call{Principal: ostiary.Principal{ID: "alice"}, Class: ostiary.ClassList}, ostiary.CodeLimitConcurrency)
	allow(t, l, call("bob", "slow", ostiary.EffectRead))
}

func TestPingsAreNoEffectButAreLimited(t *testing.T) {
	l, _ := limiter(t, Defaults())
	ping := &ostiary.Call{Principal: ostiary.Principal{ID: "alice"}, Class: ostiary.ClassControl, Method: "ping"}
	for range 300 {
		allow(t, l, ping)
	}
	refuse(t, l, ping, ostiary.CodeLimitRate)
}

// Attack: a flood of names that the client makes up. The control shows that real
// names do have limits of their own.
func TestMadeUpNamesShareOneLimit(t *testing.T) {
	o := wide()
	o.PerPrincipalTool = perMin(5)
	made := map[string]func(i int) *ostiary.Call{
		"unknown tool": func(i int) *ostiary.Call {
			c := call("alice", fmt.Sprint("tool", i), ostiary.EffectUnknown)
			c.Rule = nil
			return c
		},
		"forbidden tool": func(i int) *ostiary.Call {
			c := call("alice", fmt.Sprint("tool", i), ostiary.EffectUnknown)
			c.Rule = &ostiary.Rule{Forbid: &ostiary.Error{Code: ostiary.CodePolicyUnknown}}
			return c
		},
		"unknown method": func(i int) *ostiary.Call {
			return &ostiary.Call{Principal: ostiary.Principal{ID: "alice"}, Class: ostiary.ClassUnknown, Method: fmt.Sprint("m", i)}
		},
		"resource": func(i int) *ostiary.Call {
			return &ostiary.Call{Principal: ostiary.Principal{ID: "alice"}, Class: ostiary.ClassResource, Method: "resources/read", Target: fmt.Sprint("file:///", i)}
		},
	}
	for name, make := range made {
		t.Run(name, func(t *testing.T) {
			l, _ := limiter(t, o)
			for i := range 5 {
				allow(t, l, make(i))
			}
			for i := range 10_000 {
				refuse(t, l, make(5+i), ostiary.CodeLimitRate)
			}
			if n := l.cells.m.Size(); n > 6 {
				t.Fatalf("%d keys after a flood", n)
			}
		})
	}
	l, _ := limiter(t, o)
	for i := range 100 {
		allow(t, l, call("alice", fmt.Sprint("tool", i), ostiary.EffectRead))
	}
}

func TestRuleLimits(t *testing.T) {
	o := wide()
	l, clock := limiter(t, o)
	rule := func(limits ...ostiary.RateLimit) *ostiary.Rule {
		return &ostiary.Rule{Pattern: "files/w*", Source: "policy.yaml:14", Limits: limits}
	}
	with := func(r *ostiary.Rule, who, tool string) *ostiary.Call {
		c := call(who, tool, ostiary.EffectWrite)
		c.Rule = r
		return c
	}
	together := ostiary.RateLimit{Count: 3, Period: time.Minute}
	// One row, compiled once for each tool it matches: still one limit.
	allow(t, l, with(rule(together), "alice", "w1"))
	allow(t, l, with(rule(together), "bob", "w2"))
	allow(t, l, with(rule(together), "carol", "w3"))
	d := refuse(t, l, with(rule(together), "dave", "w4"), ostiary.CodeLimitRate)
	if d.RetryAfter != 20*time.Second || !strings.Contains(d.Reason, "policy.yaml:14") {
		t.Fatalf("%+v", d)
	}
	apart := together
	apart.PerPrincipal, apart.PerTool = true, true
	two := rule(together, apart)
	clock.forward(time.Hour)
	for range 3 {
		allow(t, l, with(two, "alice", "w1"))
	}
	refuse(t, l, with(two, "bob", "w1"), ostiary.CodeLimitRate)

	_, err := l.Check(context.Background(), with(rule(ostiary.RateLimit{Period: time.Second}), "alice", "w1"))
	if !errors.Is(err, ostiary.CodePolicyRule) {
		t.Fatalf("a limit without a count: %v", err)
	}
}

func TestNobodyMayDoNothing(t *testing.T) {
	l, _ := limiter(t, wide())
	if _, err := l.Check(context.Background(), &ostiary.Call{}); !errors.Is(err, ostiary.CodeAuthNobody) {
		t.Fatalf("got %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Options){
		"nothing":          func(o *Options) { *o = Options{} },
		"concurrency":      func(o *Options) { o.Concurrency = 0 },
		"no global":        func(o *Options) { o.Global = ostiary.RateLimit{} },
		"negative":         func(o *Options) { o.PerTool.Count = -1 },
		"no period":        func(o *Options) { o.PerPrincipal.Period = 0 },
		"too long":         func(o *Options) { o.PerPrincipal.Period = 1<<63 - 1 },
		"faster than time": func(o *Options) { o.Global = ostiary.RateLimit{Count: 2, Period: 1} },
	} {
		o := Defaults()
		spoil(&o)
		if _, err := New(o); !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSoonIsNeverTooShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1: "0.1 s", 100 * time.Millisecond: "0.1 s", 1701 * time.Millisecond: "1.8 s",
		100 * time.Second: "100.0 s", 3*time.Hour + 1: "3h0m1s",
	} {
		if got := soon(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
