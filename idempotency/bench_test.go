package idempotency

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary"
)

// A call that has no key, which is what almost all are.
func BenchmarkWithoutKey(b *testing.B) {
	g := newGate(b, openStore(b, stateDir(b)), nil)
	c := pay("", 1)
	b.ReportAllocs()
	for b.Loop() {
		if d, err := g.Check(b.Context(), c); err != nil || d.Verdict != ostiary.Allow {
			b.Fatal(d, err)
		}
	}
}

// BenchmarkWithKey has every step of a call: reserve, commit, keep.
func BenchmarkWithKey(b *testing.B) {
	g := newGate(b, openStore(b, stateDir(b)), nil)
	r := &ostiary.Result{Status: ostiary.StatusOK, Body: answer(1)}
	defer cpu(b)()
	for b.Loop() {
		b.StopTimer()
		c := pay("", 1)
		c.Key = c.ID
		b.StartTimer()
		d, err := g.Check(b.Context(), c)
		if err != nil || d.Hold.Commit() != nil {
			b.Fatal(d, err)
		}
		d.Hold.Keep(r)
		d.Hold.Done()
	}
}

func BenchmarkRepetition(b *testing.B) {
	g := newGate(b, openStore(b, stateDir(b)), nil)
	w := &world{}
	newLine(b, nil, g).Do(b.Context(), pay("k", 1), w.run)
	c := pay("k", 1)
	defer cpu(b)()
	for b.Loop() {
		if d, err := g.Check(b.Context(), c); err != nil || d.Verdict != ostiary.Answer {
			b.Fatal(d, err)
		}
	}
}

// cpu reports the processor's time, which says more than the clock where others
// use the machine.
func cpu(b *testing.B) func() {
	b.ReportAllocs()
	used := func() int64 {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}
