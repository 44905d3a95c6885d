package limit

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// model is a slow bucket in exact arithmetic: it keeps credit in parts of a step
// instead of an arrival time.
type model struct {
	step, credit, max, at int64
}

func newModel(l ostiary.RateLimit) *model {
	step := (int64(l.Period) + int64(l.Count) - 1) / int64(l.Count)
	full := step * int64(l.Count)
	return &model{step: step, credit: full, max: full}
}

func (m *model) refill(now int64) {
	m.credit = min(m.max, m.credit+now-m.at)
	m.at = now
}

func TestAgainstModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 100 {
		random := func() ostiary.RateLimit {
			return ostiary.RateLimit{Count: 1 + rng.IntN(20), Period: time.Duration(20 + rng.IntN(5000))}
		}
		o := wide()
		o.Global, o.PerPrincipal, o.EffectsPerPrincipalTool = random(), random(), random()
		l, clock := limiter(t, o)
		global := newModel(o.Global)
		principals, effects := map[string]*model{}, map[string]*model{}
		get := func(m map[string]*model, key string, r ostiary.RateLimit) *model {
			if m[key] == nil {
				m[key] = newModel(r)
			}
			return m[key]
		}
		for i := range 500 {
			clock.forward(time.Duration(rng.IntN(200)))
			if rng.IntN(50) == 0 {
				clock.forward(time.Duration(rng.IntN(20000)))
			}
			if rng.IntN(20) == 0 {
				l.Sweep()
			}
			now := int64(clock.now())
			who, tool := fmt.Sprint("p", rng.IntN(3)), fmt.Sprint("t", rng.IntN(2))
			models := []*model{global, get(principals, who, o.PerPrincipal)}
			effect := ostiary.EffectRead
			if rng.IntN(2) == 0 {
				effect = ostiary.EffectWrite
				models = append(models, get(effects, who+"/"+tool, o.EffectsPerPrincipalTool))
			}
			var wait int64
			for _, m := range models {
				m.refill(now)
				wait = max(wait, m.step-m.credit)
			}
			d := check(t, l, call(who, tool, effect))
			if (d.Verdict == ostiary.Allow) != (wait <= 0) || int64(d.RetryAfter) != max(0, wait) {
				t.Fatalf("round %d call %d: %v after %v, the model waits %d", round, i, d.Verdict, d.RetryAfter, wait)
			}
			if wait <= 0 {
				for _, m := range models {
					m.credit -= m.step
				}
			}
		}
	}
}

// Whatever the interleaving, with the sweeper in between, no limit ever lets
// more pass than its burst and what time has earned.
func TestRacesAreStrict(t *testing.T) {
	for range 20 {
		o := wide()
		o.Global = ostiary.RateLimit{Count: 50, Period: 50 * time.Microsecond}
		o.PerPrincipal = ostiary.RateLimit{Count: 20, Period: 40 * time.Microsecond}
		o.PerTool = ostiary.RateLimit{Count: 30, Period: 30 * time.Microsecond}
		l, clock := limiter(t, o)
		var passed [4]atomic.Int64
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				c := call(fmt.Sprint(g%4), "tool", ostiary.EffectRead)
				for i := range 2000 {
					clock.forward(3)
					if check(t, l, c).Verdict == ostiary.Allow {
						passed[g%4].Add(1)
					}
					if i%100 == g {
						l.Sweep()
					}
				}
			})
		}
		all.Wait()
		spent := int64(clock.now())
		var sum int64
		for i := range passed {
			n := passed[i].Load()
			sum += n
			if most := 20 + spent/2000; n > most {
				t.Fatalf("principal %d: %d passed in %d ns, at most %d may", i, n, spent, most)
			}
		}
		if most := 50 + spent/1000; sum > most {
			t.Fatalf("%d passed in %d ns, at most %d may", sum, spent, most)
		}
		if most := 30 + spent/1000; sum > most {
			t.Fatalf("tool: %d passed in %d ns, at most %d may", sum, spent, most)
		}
		if sum < 30 {
			t.Fatalf("only %d passed", sum)
		}
	}
}

func TestSweepForgetsWhatHasPassed(t *testing.T) {
	o := wide()
	o.PerPrincipalTool = perMin(60)
	l, clock := limiter(t, o)
	for i := range 900 {
		allow(t, l, call("alice", fmt.Sprint(i), ostiary.EffectRead))
	}
	if n := l.Sweep(); n != 0 {
		t.Fatalf("%d keys dropped while they count", n)
	}
	clock.forward(time.Second)
	before := l.cells.m.Size()
	if n := l.Sweep(); n != before || l.cells.m.Size() != 0 || l.cells.count.Load() != 0 {
		t.Fatalf("dropped %d of %d, count %d", n, before, l.cells.count.Load())
	}
}

// Nobody calls Sweep: calls that come now and then still do not pile up.
func TestMemoryIsBounded(t *testing.T) {
	o := wide()
	o.PerPrincipalTool = perMin(60)
	l, clock := limiter(t, o)
	most := 0
	for i := range 20_000 {
		allow(t, l, call(fmt.Sprint("p", i), "tool", ostiary.EffectRead))
		clock.forward(10 * time.Millisecond) // 100 keys count at any time
		for l.cells.sweeping.Load() {
		}
		most = max(most, l.cells.m.Size())
	}
	if most > 2*firstSweep {
		t.Fatalf("%d keys at once", most)
	}
}

// The races by hand, between the look and the take of one call.
func TestLostRaceGivesBack(t *testing.T) {
	one, _ := newPace(ostiary.RateLimit{Count: 1, Period: time.Second})
	two, _ := newPace(ostiary.RateLimit{Count: 2, Period: time.Second})
	s := newCells()
	mine := []claim{{pace: two, key: 1}, {pace: one, key: 2}}
	if worst, _ := s.look(mine, 0); worst != nil {
		t.Fatal("both are free")
	}
	s.take([]claim{{pace: one, key: 2}}, 0) // somebody is faster
	if !s.takeOne(&mine[0], 0) || s.takeOne(&mine[1], 0) {
		t.Fatal("the first is free and the second is not")
	}
	mine[0].cell.tat.CompareAndSwap(mine[0].new, mine[0].old)
	for i := range 2 {
		if worst, _ := s.take([]claim{{pace: two, key: 1}}, 0); worst != nil {
			t.Fatalf("call %d: what was given back is missing", i)
		}
	}
	if worst, wait := s.take(mine, 0); worst == nil || wait != int64(time.Second) {
		t.Fatalf("both are used up, wait %d", wait)
	}
}

func TestSweptCellIsNotCountedOn(t *testing.T) {
	p, _ := newPace(ostiary.RateLimit{Count: 1, Period: time.Second})
	s := newCells()
	s.take([]claim{{pace: p, key: 1}}, 0)
	late := int64(time.Minute)
	mine := []claim{{pace: p, key: 1}}
	s.look(mine, late) // has the old cell in hand
	if n := s.sweep(late); n != 1 {
		t.Fatalf("swept %d", n)
	}
	if !s.takeOne(&mine[0], late) {
		t.Fatal("free, and refused")
	}
	if worst, _ := s.take([]claim{{pace: p, key: 1}}, late); worst == nil {
		t.Fatal("the call counted on a cell that nobody sees")
	}
}
