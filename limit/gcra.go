package limit

import (
	"hash/maphash"
	"math"
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v4"

	"github.com/ostiary/ostiary"
)

// pace is a rate as the generic cell rate algorithm sees it (GCRA, ITU-T I.371;
// the virtual scheduling form), in whole nanoseconds. Each call moves the
// theoretical arrival time (TAT) one step ahead; a call passes while the TAT is
// not more than slack ahead of now.
type pace struct{ step, slack int64 }

// maxPeriod keeps every sum of times far from overflow.
const maxPeriod = 366 * 24 * time.Hour

// newPace rounds the step up: never more than Count calls in a Period once the
// burst is spent. It reports false for a rate that makes no sense.
func newPace(l ostiary.RateLimit) (pace, bool) {
	if l.Count < 1 || l.Period < 1 || l.Period > maxPeriod || int64(l.Count) > int64(l.Period) {
		return pace{}, false
	}
	n := int64(l.Count)
	step := (int64(l.Period) + n - 1) / n
	return pace{step: step, slack: (n - 1) * step}, true
}

// wait returns how long until one more call passes; 0 or less is now.
func (p pace) wait(tat, now int64) int64 { return tat - p.slack - now }

// next returns the TAT after a call at now.
func (p pace) next(tat, now int64) int64 { return max(tat, now) + p.step }

// cell is the state of one key: its TAT. A TAT that has passed is worth nothing,
// so that a missing cell and an old one mean the same.
type cell struct{ tat atomic.Int64 }

// dead marks a cell that the sweeper has taken out of the map, so that nobody
// counts on it any more.
const dead = math.MinInt64

// claim is one limit that a call must pass, and what was taken from it.
type claim struct {
	limit    *limit
	pace     pace
	key      uint64
	cell     *cell
	old, new int64
}

// firstSweep is how many cells there may be before anybody looks for old ones.
const firstSweep = 1024

// cells hold one TAT a key. Keys are hashes under a seed of this process: a
// collision of two keys, which nobody can aim at, makes them share a limit, and
// no text of a message stays in memory.
type cells struct {
	seed     maphash.Seed
	m        *xsync.Map[uint64, *cell]
	count    atomic.Int64
	sweepAt  atomic.Int64
	sweeping atomic.Bool
}

func newCells() *cells {
	s := &cells{seed: maphash.MakeSeed(), m: xsync.NewMap[uint64, *cell]()}
	s.sweepAt.Store(firstSweep)
	return s
}

// take counts a call against all claims, or against none and returns the claim
// that makes it wait longest, and how long. Claims go from the narrowest to the
// widest.
func (s *cells) take(claims []claim, now int64) (*claim, int64) {
	for {
		if worst, wait := s.look(claims, now); worst != nil {
			return worst, wait
		}
		i := 0
		for i < len(claims) && s.takeOne(&claims[i], now) {
			i++
		}
		if i == len(claims) {
			return nil, 0
		}
		// Somebody was faster between the look and the take. Give back only what
		// nobody has built upon: what others moved meanwhile stays counted, which
		// is strict. The widest limits come last, so they hardly ever stay.
		for i--; i >= 0; i-- {
			claims[i].cell.tat.CompareAndSwap(claims[i].new, claims[i].old)
		}
	}
}

// look changes nothing, so that a refused call costs no limit anything, nor memory.
func (s *cells) look(claims []claim, now int64) (worst *claim, wait int64) {
	for i := range claims {
		c := &claims[i]
		cell, ok := s.m.Load(c.key)
		c.cell = cell
		if !ok {
			continue
		}
		tat := cell.tat.Load()
		if tat == dead {
			c.cell = nil
		} else if w := c.pace.wait(tat, now); w > wait {
			worst, wait = c, w
		}
	}
	return worst, wait
}

func (s *cells) takeOne(c *claim, now int64) bool {
	if c.cell == nil {
		c.cell = s.get(c.key, now)
	}
	for {
		tat := c.cell.tat.Load()
		if tat == dead {
			c.cell = s.get(c.key, now)
			continue
		}
		if c.pace.wait(tat, now) > 0 {
			return false
		}
		next := c.pace.next(tat, now)
		if c.cell.tat.CompareAndSwap(tat, next) {
			c.old, c.new = tat, next
			return true
		}
	}
}

// get finds or makes the cell of a key.
func (s *cells) get(key uint64, now int64) *cell {
	made := false
	c, _ := s.m.Compute(key, func(old *cell, loaded bool) (*cell, xsync.ComputeOp) {
		if loaded && old.tat.Load() != dead {
			return old, xsync.CancelOp
		}
		fresh := new(cell)
		fresh.tat.Store(now)
		made = !loaded
		return fresh, xsync.UpdateOp
	})
	if made {
		s.count.Add(1)
	}
	return c
}

// sweep drops every cell whose time has passed and returns how many. The next
// one is due when the cells have doubled, so a call pays for it a constant share.
func (s *cells) sweep(now int64) int {
	n := s.m.DeleteMatching(func(_ uint64, c *cell) (bool, bool) {
		tat := c.tat.Load()
		return tat == dead || tat <= now && c.tat.CompareAndSwap(tat, dead), false
	})
	left := s.count.Add(int64(-n))
	s.sweepAt.Store(max(firstSweep, 2*left))
	return n
}
