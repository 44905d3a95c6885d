package limit

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/network"
)

const (
	// maxPeers is how many peers have a limit of their own. What comes beyond shares
	// sharedPeers limits by chance, so that no number of addresses fills the memory.
	maxPeers    = 1 << 16
	sharedPeers = 1 << 10
)

// Peers limits how often requests come from one end of the network, before
// anybody looks at who sends them. It is used by many goroutines at once.
type Peers struct {
	clock  func() time.Duration
	rate   ostiary.RateLimit
	pace   pace
	cells  *cells
	most   int64
	shared [sharedPeers]cell
	swept  atomic.Int64 // when the last search for old cells began
}

// sweepPause is the least time between two searches, or a flood from as many
// addresses as there is room for would have every request look through all.
const sweepPause = int64(time.Second)

// NewPeers makes one with a limit for each peer; of the rate only Count and
// Period are read. A nil clock is the machine's monotonic one. The error is
// CodeConfigInvalid.
func NewPeers(each ostiary.RateLimit, clock func() time.Duration) (*Peers, error) {
	p, ok := newPace(each)
	if !ok {
		return nil, invalid("limits.per_address: " + show(each) + " is no rate: use a count and a period such as 6000/min")
	}
	if clock == nil {
		start := time.Now()
		clock = func() time.Duration { return time.Since(start) }
	}
	return &Peers{clock: clock, rate: each, pace: p, cells: newCells(), most: maxPeers}, nil
}

// Take counts a request of a peer, or refuses it with CodeLimitRate, counts
// nothing, and says when the next one passes. A peer is an IP address, of which
// the first 64 bits count in IPv6, since whoever has one has all behind them
// (RFC 6177), or any other name that the door could verify, such as that of an
// operating-system user; all that have none are one peer.
func (p *Peers) Take(peer string) error {
	now := int64(p.clock())
	key := maphash.String(p.cells.seed, network.Of(peer))
	if wait := p.take(key, now); wait > 0 {
		return &ostiary.Error{
			Code: ostiary.CodeLimitRate, RetryAfter: time.Duration(wait),
			Message: "too many requests come from there: the limit is " + show(p.rate) + " for one address; this one was not looked at: retry in " + soon(time.Duration(wait)),
			Reason:  "limits.per_address: " + network.Of(peer) + " used up " + show(p.rate),
		}
	}
	return nil
}

func (p *Peers) take(key uint64, now int64) (wait int64) {
	c := claim{pace: p.pace, key: key}
	if known, ok := p.cells.m.Load(key); ok {
		c.cell = known
	} else if p.cells.count.Load() >= p.most {
		c.cell = &p.shared[key%sharedPeers]
	}
	taken := p.cells.takeOne(&c, now)
	p.sweepIfDue(now)
	if taken {
		return 0
	}
	return max(p.pace.wait(c.cell.tat.Load(), now), 1)
}

func (p *Peers) sweepIfDue(now int64) {
	s, last := p.cells, p.swept.Load()
	if s.count.Load() >= min(s.sweepAt.Load(), p.most) && now-last >= sweepPause && p.swept.CompareAndSwap(last, now) && s.sweeping.CompareAndSwap(false, true) {
		go func() {
			defer s.sweeping.Store(false)
			s.sweep(now)
		}()
	}
}
