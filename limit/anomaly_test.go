package limit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/webhook"
)

// kept is a journal in memory.
type kept struct {
	mu     sync.Mutex
	events []ostiary.Event
}

func (k *kept) Note(e ostiary.Event) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.events = append(k.events, e)
	return nil
}

// watch is the gate with a clock that stands still.
type watch struct {
	*Anomalies
	t    *testing.T
	now  time.Duration
	kept kept
}

func newWatch(t *testing.T, change func(*AnomalyOptions)) *watch {
	t.Helper()
	w := &watch{t: t, now: 1000 * time.Hour}
	o := AnomalyOptions{Clock: func() time.Duration { return w.now }, Journal: &w.kept}
	o.AnomalyRule, o.Every = DefaultAnomaly()
	change(&o)
	a, err := NewAnomalies(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Anomalies = a
	t.Cleanup(a.Close)
	return w
}

func defaults(*AnomalyOptions) {}

func calling(who, tool string) *ostiary.Call {
	return &ostiary.Call{ID: "c1", Principal: ostiary.Principal{ID: who}, Upstream: "up", Class: ostiary.ClassTool, Target: tool, Rule: &ostiary.Rule{Pattern: "up/*"}}
}

// calls makes so many calls in this interval and returns how many passed.
func (w *watch) calls(n int, c *ostiary.Call) (passed int) {
	w.t.Helper()
	for range n {
		d, err := w.Check(context.Background(), c)
		if err == nil && d.Verdict == ostiary.Allow {
			passed++
		}
	}
	return passed
}

// raised closes the gate and returns what was noted.
func (w *watch) raised() []ostiary.Event {
	w.Close()
	return w.kept.events
}

func TestAnomalies(t *testing.T) {
	repeat := func(n int, of ...int) []int {
		var all []int
		for range n {
			all = append(all, of...)
		}
		return all
	}
	for _, c := range []struct {
		name  string
		calls []int // of each interval
		want  int   // anomalies
	}{
		{"first calls of a quiet tool", []int{100}, 0},
		{"one more than a quiet tool may have", []int{101}, 1},
		{"far more", []int{5000}, 1},
		{"steady", repeat(60, 90), 0},
		{"busy and steady", append([]int{20, 60, 90, 150, 300}, repeat(30, 600)...), 0},
		{"a jump of a busy tool", append(repeat(60, 90), 2000), 1},
		{"less than ten times as much", append(repeat(60, 90), 800), 0},
		{"a flood that lasts", append(repeat(60, 5), repeat(60, 1000)...), 4},
		{"on and off", repeat(30, 300, 0), 3},
		{"a burst each hour", append(append([]int{500}, make([]int, 59)...), 500), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWatch(t, defaults)
			for _, n := range c.calls {
				if passed := w.calls(n, calling("alice", "read")); passed != n {
					t.Fatalf("%d of %d calls passed", passed, n)
				}
				w.now += time.Minute
			}
			got := w.raised()
			if len(got) != c.want {
				t.Fatalf("%d anomalies, want %d: %+v", len(got), c.want, got)
			}
			for _, e := range got {
				if e.Name != "anomaly_raised" || e.Principal != "alice" || e.Upstream != "up" || e.Target != "read" || e.Channel != "gateway" || e.Reason == "" {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

// Pairs are told apart, and names that a client makes up are one.
func TestAnomaliesOfPairs(t *testing.T) {
	w := newWatch(t, defaults)
	for i := range 50 {
		w.calls(60, calling(fmt.Sprintf("p%d", i), "read"))
		w.calls(60, calling("alice", fmt.Sprintf("tool%d", i)))
	}
	c := calling("mallory", "")
	c.Rule = &ostiary.Rule{Forbid: &ostiary.Error{Code: ostiary.CodePolicyUnknown}}
	for i := range 200 {
		c.Target = fmt.Sprintf("made-up-%d", i)
		w.calls(1, c)
	}
	for range 1000 {
		ping := calling("alice", "")
		ping.Class, ping.Method = ostiary.ClassControl, "ping"
		w.calls(1, ping)
	}
	got := w.raised()
	if len(got) != 1 || got[0].Principal != "mallory" || strings.Contains(got[0].Target, "made-up") {
		t.Errorf("%+v", got)
	}
}

// Whoever comes beyond what is told apart is watched together, and nobody is
// frozen for what somebody else may have done.
func TestAnomaliesAreBounded(t *testing.T) {
	stops := 0
	w := newWatch(t, func(o *AnomalyOptions) {
		o.Freeze, o.Stop = true, func(context.Context, Anomaly) error { stops++; return nil }
	})
	w.most = 50
	for i := range 50 {
		w.calls(1, calling(fmt.Sprintf("p%d", i), "read"))
	}
	w.calls(200, calling("late", "read"))
	if n := w.pulses.Size(); n != 50 {
		t.Errorf("%d histories are kept", n)
	}
	if stops != 0 {
		t.Error("somebody was frozen for what may be another's")
	}
	w.calls(200, calling("p7", "read")) // control
	if got := w.raised(); stops != 1 || len(got) != 2 || !strings.Contains(got[0].Reason, "and others") {
		t.Errorf("%d freezes, %+v", stops, got)
	}
}

// What nobody has called for long is forgotten when there is no room.
func TestAnomaliesAreForgotten(t *testing.T) {
	w := newWatch(t, defaults)
	w.most = 50
	for i := range 50 {
		w.calls(1, calling(fmt.Sprintf("p%d", i), "read"))
	}
	w.now += 100 * time.Minute
	w.calls(1, calling("late", "read"))
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for w.count.Load() != 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d histories are left", w.count.Load())
		}
	}
}

func TestAnomaliesFreeze(t *testing.T) {
	var stopped []Anomaly
	fails := errors.New("the store is down")
	var err error
	w := newWatch(t, func(o *AnomalyOptions) {
		o.Stop = func(_ context.Context, a Anomaly) error {
			if err != nil {
				return err
			}
			stopped = append(stopped, a)
			return nil
		}
	})
	c := calling("alice", "pay")
	c.Rule.Anomaly = ostiary.AnomalyRule{Times: 2, Least: 5, Freeze: true}
	if passed := w.calls(5, c); passed != 5 {
		t.Fatalf("%d of 5 calls passed", passed)
	}
	err = fails
	if _, got := w.Check(t.Context(), c); !errors.Is(got, fails) {
		t.Errorf("a freeze that fails: %v", got)
	}
	err = nil
	d, got := w.Check(t.Context(), c)
	if got != nil || d.Verdict != ostiary.Deny || d.Code != ostiary.CodeFreezeActive || d.Message == "" {
		t.Fatalf("the call that is too many: %+v, %v", d, got)
	}
	w.now += freezing - 1
	if passed := w.calls(3, c); passed != 0 {
		t.Errorf("%d calls passed before the freeze held", passed)
	}
	if len(stopped) != 1 || stopped[0].Principal != "alice" || !stopped[0].Frozen {
		t.Errorf("%+v", stopped)
	}
	w.now++
	if passed := w.calls(1, c); passed != 1 { // the freeze itself refuses now, or it was lifted
		t.Error("this gate goes on refusing")
	}
	if passed := w.calls(200, calling("bob", "pay")); passed != 200 { // control: no rule wants it
		t.Errorf("%d of 200 calls passed of somebody who is not to be frozen", passed)
	}
}

// The webhook gets a signed message, hostile names as text.
func TestAnomalyWebhook(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	got := make(chan []byte, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = webhook.Verify(secret, r.Header.Get("Ostiary-Signature"), body, time.Now(), time.Minute)
		}
		if err != nil {
			t.Error(err)
		}
		got <- body
	}))
	defer s.Close()
	observed := make(chan Anomaly, 1)
	w := newWatch(t, func(o *AnomalyOptions) {
		var err error
		if o.Webhook, err = webhook.New(webhook.Options{URL: s.URL, Secret: secret, Client: s.Client()}); err != nil {
			t.Fatal(err)
		}
		o.Redact = func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") }
		o.Observe = func(a Anomaly) { observed <- a }
	})
	w.calls(101, calling("<!channel> hunter2\x1b", "read"))
	var m alertMessage
	if err := json.Unmarshal(<-got, &m); err != nil {
		t.Fatal(err)
	}
	if m.Data.Event != "anomaly_raised" || m.Data.Delivery == "" || m.Data.Count != 101 || m.Data.Most != 100 || m.Data.Target != "read" {
		t.Errorf("%+v", m)
	}
	if strings.ContainsAny(m.Text, "<>\x1b") || strings.Contains(m.Text+m.Data.Principal, "hunter2") {
		t.Errorf("%q", m.Text)
	}
	if a := <-observed; a.Count != 101 {
		t.Errorf("%+v", a)
	}
}

func TestNewAnomaliesRefuses(t *testing.T) {
	rule, every := DefaultAnomaly()
	good := AnomalyOptions{AnomalyRule: rule, Every: every, Journal: &kept{}}
	a, err := NewAnomalies(good)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	for name, change := range map[string]func(*AnomalyOptions){
		"no times":        func(o *AnomalyOptions) { o.Times = 0 },
		"no least":        func(o *AnomalyOptions) { o.Least = 0 },
		"no interval":     func(o *AnomalyOptions) { o.Every = 0 },
		"no evidence":     func(o *AnomalyOptions) { o.Journal = nil },
		"nothing freezes": func(o *AnomalyOptions) { o.Freeze = true },
	} {
		o := good
		change(&o)
		if a, err := NewAnomalies(o); a != nil || !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkAnomalies(b *testing.B) {
	rule, every := DefaultAnomaly()
	a, err := NewAnomalies(AnomalyOptions{AnomalyRule: rule, Every: every, Journal: &kept{}})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	c := calling("alice", "read")
	b.ReportAllocs()
	for b.Loop() {
		if d, err := a.Check(context.Background(), c); err != nil || d.Verdict != ostiary.Allow {
			b.Fatal(d, err)
		}
	}
}
