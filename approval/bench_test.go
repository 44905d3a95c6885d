package approval

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary"
)

// filled is a house with n requests that wait.
func filled(b *testing.B, n int) *house {
	b.Helper()
	h := newHouse(b, func(o *Options) { o.Expire = time.Hour })
	const batch = 1000
	for from := 0; from < n; from += batch {
		if err := h.store.Update(b.Context(), func(tx ostiary.Tx) error {
			for i := from; i < min(n, from+batch); i++ {
				q := h.gate.question(call(fmt.Sprintf(`{"path":"/home/alice/work/project/file-%d"}`, i)), asks())
				id, err := newID(h.gate.o.Rand)
				if err != nil {
					return err
				}
				r := h.gate.fill(q, id)
				r.Principal = fmt.Sprint("user", i/10) // ten each, as many as may wait
				if err := create(tx, r); err != nil {
					return err
				}
				if err := (&detail{Args: q.c.Arguments}).put(tx, r); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	return h
}

// BenchmarkList lists 10,000 requests that wait.
func BenchmarkList(b *testing.B) {
	h := filled(b, 10_000)
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		all, err := h.desk.List(b.Context(), Filter{States: []State{Pending}})
		if err != nil || len(all) != 10_000 {
			b.Fatal(len(all), err)
		}
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// cpu is the processor's time of this process.
func cpu(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRelease measures how soon a decision of another process lets a
// waiting call go, with 10,000 others waiting for a person.
func BenchmarkRelease(b *testing.B) {
	h := filled(b, 10_000)
	h.gate.o.Wait = time.Hour
	for b.Loop() {
		took := releases(h, 100)
		b.ReportMetric(float64(took[50].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[99].Microseconds())/1000, "p99-ms")
	}
}

// BenchmarkSettle is a call whose request was approved before: what a person's
// decision costs beside the wait.
func BenchmarkSettle(b *testing.B) {
	h := newHouse(b)
	for b.Loop() {
		c := call(`{"path":"a"}`)
		h.gate.Settle(b.Context(), c, asks())
		h.approve(h.only().ID)
		d, err := h.settle(c)
		if err != nil || d.Hold.Commit() != nil {
			b.Fatal(d, err)
		}
	}
}
