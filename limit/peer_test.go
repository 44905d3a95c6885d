package limit

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func peers(t testing.TB, count int, period time.Duration) (*Peers, *atomic.Int64) {
	t.Helper()
	now := new(atomic.Int64)
	now.Store(int64(time.Hour))
	p, err := NewPeers(ostiary.RateLimit{Count: count, Period: period}, func() time.Duration { return time.Duration(now.Load()) })
	if err != nil {
		t.Fatal(err)
	}
	return p, now
}

func TestPeersHaveALimitEach(t *testing.T) {
	for _, c := range []struct {
		name, first, other string
		same               bool
	}{
		{"another address", "192.0.2.1", "192.0.2.2", false},
		{"the same", "192.0.2.1", "192.0.2.1", true},
		{"one /64", "2001:db8::1", "2001:db8::ffff:1", true},
		{"the end of a /64", "2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", true},
		{"the next /64", "2001:db8::1", "2001:db8:0:1::1", false},
		{"users of a socket", "uid:1000", "uid:1001", false},
		{"one user", "uid:1000", "uid:1000", true},
		{"no name", "", "", true},
		{"a name and none", "uid:0", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, now := peers(t, 3, time.Minute)
			for range 3 {
				if err := p.Take(c.first); err != nil {
					t.Fatal(err)
				}
			}
			err := p.Take(c.first)
			e := ostiary.AsError(err)
			if !errors.Is(err, ostiary.CodeLimitRate) || e.RetryAfter != 20*time.Second {
				t.Fatalf("the fourth: %v, again in %v", err, e.RetryAfter)
			}
			if refused := p.Take(c.other) != nil; refused != c.same {
				t.Errorf("%s after %s: refused %v", c.other, c.first, refused)
			}
			now.Add(int64(e.RetryAfter) - 1)
			if p.Take(c.first) == nil {
				t.Error("one nanosecond too early it passes")
			}
			now.Add(1)
			if err := p.Take(c.first); err != nil {
				t.Errorf("after what was said: %v", err)
			}
		})
	}
}

// However many addresses a flood comes from, the memory is bounded, and so is
// what those beyond it may send together.
func TestPeersAreBounded(t *testing.T) {
	p, now := peers(t, 2, time.Minute)
	p.most = 100
	name := func(i int) string { return fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff) }
	passed := 0
	for i := range 20_000 {
		if p.Take(name(i)) == nil {
			passed++
		}
	}
	if n := p.cells.count.Load(); n > p.most {
		t.Errorf("%d peers are kept, want at most %d", n, p.most)
	}
	if most := 100 + 2*sharedPeers; passed > most {
		t.Errorf("%d requests passed, want at most %d", passed, most)
	}
	if err := p.Take(name(0)); err != nil { // control: who was known before the flood has a limit of his own
		t.Errorf("a peer of before: %v", err)
	}
	now.Add(int64(time.Hour))
	p.swept.Store(0)
	p.cells.sweep(now.Load())
	if err := p.Take("192.0.2.1"); err != nil || p.cells.count.Load() != 1 {
		t.Errorf("after the flood: %v, %d peers", err, p.cells.count.Load())
	}
}

func TestNewPeersRefuses(t *testing.T) {
	for _, r := range []ostiary.RateLimit{{}, {Count: 1}, {Count: -1, Period: time.Minute}, {Count: 1, Period: maxPeriod + 1}} {
		if p, err := NewPeers(r, nil); p != nil || !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func BenchmarkPeers(b *testing.B) {
	p, err := NewPeers(ostiary.RateLimit{Count: maxCount, Period: time.Minute}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if p.Take("192.0.2.1") != nil {
				b.Fatal("refused")
			}
		}
	})
}
