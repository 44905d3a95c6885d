package freeze

import (
	"context"
	"fmt"
	"testing"

	"github.com/ostiary/ostiary"
)

// What one call pays, its place in the list of calls in flight included, when
// nothing or something else is frozen.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{0, 1, 1000} {
		b.Run(fmt.Sprintf("%d_freezes", n), func(b *testing.B) { benchmark(b, n, "files/other_%d", true) })
	}
	b.Run("1000_patterns", func(b *testing.B) { benchmark(b, 1000, "files/other_%d_*", true) })
	b.Run("0_freezes_not_in_flight", func(b *testing.B) { benchmark(b, 0, "", false) })
}

func benchmark(b *testing.B, n int, pattern string, caller bool) {
	s := open(b, b.TempDir())
	err := s.Update(b.Context(), func(tx ostiary.Tx) error {
		for i := range n {
			r, err := Freeze{Scope: Scope{Tool: fmt.Sprintf(pattern, i)}, Reason: "bench"}.row()
			if err != nil {
				return err
			}
			if err := tx.Put(bucket, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	g := New(Options{Store: s})
	b.Cleanup(func() { g.Close() })
	c := call("alice", "files", "read_file")
	if caller {
		c.Caller = &phone{}
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			d, err := g.Check(context.Background(), c)
			if err != nil || d.Verdict != ostiary.Allow {
				b.Error(d, err)
				return
			}
			if d.Hold != nil {
				d.Hold.Done()
			}
		}
	})
}
