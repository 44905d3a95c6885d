package pin

import (
	"encoding/hex"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// changesMost is how many changes of a server are noted a minute, so that one which
// never stays the same does not fill the evidence; a whole new list counts as one
// sight.
const changesMost = 60

// pace counts the sights of each server that changed something.
type pace struct {
	mu    sync.Mutex
	since map[string]time.Time
	n     map[string]int
}

func (p *pace) take(upstream string, changes int, now time.Time) bool {
	if changes == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == nil {
		p.since, p.n = map[string]time.Time{}, map[string]int{}
	}
	if from := p.since[upstream]; now.Sub(from) >= time.Minute || now.Before(from) {
		p.since[upstream], p.n[upstream] = now, 0
	}
	p.n[upstream]++
	return p.n[upstream] <= changesMost
}

func hexOf(d ostiary.Digest) string { return hex.EncodeToString(d[:]) }
