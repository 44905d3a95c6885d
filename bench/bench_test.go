package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/internal/peers"
)

// TestRefusalIsNoCall checks that what was refused does not count as fast.
func TestRefusalIsNoCall(t *testing.T) {
	s, err := launch(t.Context(), []string{peers.Build(t, "./internal/peers/cmd/echo")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.end() }()
	for _, size := range []int{small, large} {
		if got, err := s.drive("echo", size, 8, 0); err != nil || got.Calls != 8 {
			t.Errorf("8 callers with one call each of %d bytes made %d calls, %v", size, got.Calls, err)
		}
	}
	if _, err := s.drive("missing", small, 1, 0); err == nil {
		t.Error("a refused call was counted")
	}
}

// TestProcess reads the figures of this process itself.
func TestProcess(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for n, began := 0, time.Now(); time.Since(began) < 100*time.Millisecond; n++ {
		_ = strings.Repeat("x", n%1000)
	}
	after, err := cpuTime(os.Getpid())
	if err != nil || after <= before || after-before > 10*time.Second {
		t.Errorf("CPU time went from %v to %v, %v", before, after, err)
	}
	if mb, err := resident(os.Getpid()); err != nil || mb < 1 || mb > 10000 {
		t.Errorf("resident gave %v MB, %v", mb, err)
	}
	if d, err := measureDisk(t.TempDir(), time.Millisecond); err != nil || d.PerSecond <= 0 {
		t.Errorf("measureDisk gave %v, %v", d, err)
	}
}

// TestPolicyOf checks that rules are added to the benchmark's policy and that the
// rest of it stays.
func TestPolicyOf(t *testing.T) {
	base, err := os.ReadFile(filepath.Join(peers.Root(t), "bench", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got := policyOf(base, 3)
	if n := bytes.Count(got, []byte("- {tool: echo/t0")); n != 3 {
		t.Errorf("%d rules were added, want 3:\n%s", n, got)
	}
	for _, keep := range []string{"version: 1\n", "rules:\n", "concurrency: 64\n", "tool: echo/put\n"} {
		if bytes.Count(got, []byte(keep)) != 1 {
			t.Errorf("%q is not there once:\n%s", keep, got)
		}
	}
}

// TestTable prints a report of made-up figures, whose ratios are known.
func TestTable(t *testing.T) {
	one := func(perSecond int, cpu time.Duration) []round {
		s := sample{Calls: perSecond, Elapsed: time.Second, CPU: cpu * time.Duration(perSecond)}
		return []round{{One: s, Eight: s, EightLarge: s, Many: s}}
	}
	var out bytes.Buffer
	printLine(&out, line{
		Variants: []string{"direct", "byte relay", "SDK relay", doorReads, doorEffects},
		Rounds: [][]round{
			one(100000, 2*time.Microsecond), one(40000, 3*time.Microsecond), one(3000, 200*time.Microsecond),
			one(12000, 60*time.Microsecond), one(8000, 80*time.Microsecond),
		},
		Disk: []disk{{PerSecond: 5000, P50: 200 * time.Microsecond}},
	})
	for _, want := range []string{
		"SDK relay's | 30 % | 40 % | below 50 %",
		"byte relay's | 30 % | 20 % | at least 25 %, 15 %",
		"at most 350 (one fdatasync + 150), 550 (two)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

// TestLogAndSQLTables prints made-up figures, whose ratios are known.
func TestLogAndSQLTables(t *testing.T) {
	var out bytes.Buffer
	r := logRound{Disk: disk{PerSecond: 1000, P50: time.Millisecond}}
	for i, n := range writers {
		r.Log[i] = logSample{Records: 100 * n, Elapsed: time.Second, P50: time.Millisecond, P99: 2 * time.Millisecond, PerCommit: float64(n), Bytes: 600}
	}
	printLog(&out, "ext4", []logRound{r})
	printSQL(&out, []sqlRound{{After: 1, First: 2 * time.Second, Warm: time.Millisecond, FirstMB: 260, LongMB: 300, PeakMB: 400}})
	for _, want := range []string{
		"| 256 writers | 25600 | 25.6 | 1000 / 2000 | 256.0 | 600 | at least 10 times |",
		"before the first SQL text / behind it | 0 / 1 |",
		"start included, ms | 2000 |",
		"resident, MB | 400 |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

// TestAppendFor checks that a window of records is counted and verified.
func TestAppendFor(t *testing.T) {
	s, err := appendFor(t.Context(), filepath.Join(t.TempDir(), "state"), 4, 20*time.Millisecond)
	if err != nil || s.Records < 4 || s.PerCommit <= 0 || s.Bytes < 100 || s.P99 < s.P50 {
		t.Errorf("got %+v, %v", s, err)
	}
}

// TestLongestText checks that the text is as long as one may be.
func TestLongestText(t *testing.T) {
	if n := len(longSQL()); n > longestText || n < longestText-2 {
		t.Errorf("%d bytes, at most %d are taken", n, longestText)
	}
}

// TestMore checks that a door is compared with its control's turns beside it, so
// that a machine that becomes slower does not look like a slower door.
func TestMore(t *testing.T) {
	of := func(turns ...time.Duration) []doorRound { return []doorRound{{Read: doorSample{Turns: turns}}} }
	got := more(of(110, 220, 440), [][]doorRound{of(100, 200, 400)}, reads)
	if got.mid < 9.99 || got.mid > 10.01 || got.least != got.mid || got.most != got.mid {
		t.Errorf("a door that takes a tenth more takes %v %% more", got)
	}
	got = more(of(110, 220, 440), [][]doorRound{of(90, 180, 360), of(110, 220, 440)}, reads)
	if got.mid < 9.99 || got.mid > 10.01 {
		t.Errorf("a door that takes a tenth more than two together takes %v %% more", got)
	}
	three := func(a, b, c time.Duration) []doorRound { return append(append(of(a), of(b)...), of(c)...) }
	got = more(three(110, 120, 190), [][]doorRound{three(100, 100, 100)}, reads)
	if got.mid < 19.9 || got.mid > 20.1 || got.least > 11 || got.most < 89 {
		t.Errorf("rounds of 10, 20 and 90 %% more are %v", got)
	}
	all := []time.Duration{5, 1, 4, 2, 3}
	if middle(all) != 3 || quantile(all, 99) != 5 || all[0] != 5 {
		t.Errorf("the middle of %v is %v and the 99th percentile %v", all, middle(all), quantile(all, 99))
	}
}

// TestRequestsWait asks a real gate and lists and decides as the benchmark does.
func TestRequestsWait(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := seedRequests(t.Context(), dir, 12); err != nil {
		t.Fatal(err)
	}
	d, err := openDesk(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.close() }()
	all, err := d.List(t.Context(), approval.Filter{States: []approval.State{approval.Pending}})
	if err != nil || len(all) != 12 {
		t.Fatalf("%d requests wait, want 12: %v", len(all), err)
	}
	if id := all[0].ID; !requestID.MatchString("request " + id + " expires") {
		t.Errorf("the id %s is not found in a sign of life", id)
	}
}

// TestGrantsCount checks that a look and a use of the grants in the store succeed.
func TestGrantsCount(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := seedGrants(t.Context(), dir, 3, benchAgent); err != nil {
		t.Fatal(err)
	}
	p, err := openInProcess(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.store.Close() }()
	c := askingCall(benchAgent)
	d, err := p.grants().Check(t.Context(), c)
	if err != nil || !d.Settles || d.Hold.Commit() != nil {
		t.Errorf("the gate says %+v, %v", d, err)
	}
	c.Principal.ID = "somebody-else"
	if d, err := p.grants().Check(t.Context(), c); err != nil || d.Settles {
		t.Errorf("somebody without a grant gets %+v, %v", d, err)
	}
}

// BenchmarkGatesInLine takes a call that asks nobody through a line with the gates
// and through one with as many that do nothing: the difference is what they cost
// with everything that the line does for them.
func BenchmarkGatesInLine(b *testing.B) {
	p, err := openInProcess(filepath.Join(b.TempDir(), "state"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.store.Close() }()
	gates, closing, err := p.gates()
	if err != nil {
		b.Fatal(err)
	}
	defer closing()
	for name, gates := range map[string][]ostiary.Gate{"with": gates, "without": {openGate{}, openGate{}, openGate{}}} {
		b.Run(name, func(b *testing.B) {
			l, err := ostiary.New(ostiary.Options{Gates: gates, Recorder: noRecorder{}, Timeout: time.Minute, Now: time.Now})
			if err != nil {
				b.Fatal(err)
			}
			result, c := &ostiary.Result{Status: ostiary.StatusOK}, plainCall()
			run := func(context.Context, *ostiary.Call) (*ostiary.Result, error) { return result, nil }
			before, err := cpuTime(os.Getpid())
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, d := l.Do(b.Context(), c, run); d.Verdict != ostiary.Allow {
					b.Fatal(d)
				}
			}
			after, err := cpuTime(os.Getpid())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(after-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// openGate does nothing.
type openGate struct{}

func (openGate) Name() string { return "open" }
func (openGate) Check(context.Context, *ostiary.Call) (ostiary.Decision, error) {
	return ostiary.Allowed(), nil
}

// noRecorder keeps nothing.
type noRecorder struct{}

func (noRecorder) Begin(*ostiary.Call) (ostiary.Entry, error) { return noRecorder{}, nil }
func (noRecorder) Intent(ostiary.Decision) error              { return nil }
func (noRecorder) End(ostiary.Outcome) error                  { return nil }
