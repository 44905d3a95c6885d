package limit

import (
	"context"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// One call through every default limit, as the line makes it.
func BenchmarkCheck(b *testing.B) {
	for _, keys := range []int{1, 1_000_000} {
		b.Run(strconv.Itoa(keys)+"_tools", func(b *testing.B) {
			l, err := New(wide())
			if err != nil {
				b.Fatal(err)
			}
			calls := make([]*ostiary.Call, keys)
			for i := range calls {
				calls[i] = call("alice", strconv.Itoa(i), ostiary.EffectWrite)
			}
			b.ReportAllocs()
			var from atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				i := int(from.Add(1)) * 7919
				for pb.Next() {
					d, err := l.Check(context.Background(), calls[i%keys])
					if err != nil || d.Verdict != ostiary.Allow {
						b.Error(d, err)
						return
					}
					d.Hold.Done()
					i++
				}
			})
		})
	}
}

// One key taken, with a million of them alive: the price of a single limit.
func BenchmarkTakeMillionKeys(b *testing.B) {
	const keys = 1_000_000
	p, _ := newPace(ostiary.RateLimit{Count: 1_000_000_000, Period: time.Second})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := newCells()
	for i := range uint64(keys) {
		s.take([]claim{{pace: p, key: i * 0x9e3779b97f4a7c15}}, 0)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	var from atomic.Uint64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		i := from.Add(1) * 7919
		var claims [1]claim
		for pb.Next() {
			claims[0] = claim{pace: p, key: (i % keys) * 0x9e3779b97f4a7c15}
			s.take(claims[:], 0)
			i++
		}
	})
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/keys, "B/key")
	runtime.KeepAlive(s)
}
