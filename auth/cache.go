package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// tokenHash is all that is kept of a token.
type tokenHash [sha256.Size]byte

// cache remembers what was found out about tokens, each for its own time. It has
// at most so many entries; when it is full, one that happens to be near goes.
// It is used by many goroutines at once.
type cache[V any] struct {
	mu   sync.RWMutex
	most int
	of   map[tokenHash]remembered[V]
}

type remembered[V any] struct {
	value V
	// from and until bound when it counts, so that a clock that is set back does
	// not lengthen it.
	from, until time.Time
}

func newCache[V any](most int) *cache[V] {
	return &cache[V]{most: most, of: map[tokenHash]remembered[V]{}}
}

func (c *cache[V]) get(key *tokenHash, now time.Time) (v V, ok bool) {
	c.mu.RLock()
	r, ok := c.of[*key]
	c.mu.RUnlock()
	if !ok || now.Before(r.from) || !now.Before(r.until) {
		return v, false
	}
	return r.value, true
}

// had reports whether something was remembered, also if its time is over.
func (c *cache[V]) had(key *tokenHash) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, ok := c.of[*key]
	return ok
}

func (c *cache[V]) put(key *tokenHash, v V, now, until time.Time) {
	if !now.Before(until) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.of[*key]; !there && len(c.of) >= c.most {
		c.evict(now)
	}
	c.of[*key] = remembered[V]{value: v, from: now, until: until}
}

// evict makes room for one: it looks at a few and drops those that are over, or
// the first.
func (c *cache[V]) evict(now time.Time) {
	const looks = 8
	dropped, looked := false, 0
	var first tokenHash
	for key, r := range c.of {
		if looked == 0 {
			first = key
		}
		if !now.Before(r.until) {
			delete(c.of, key)
			dropped = true
		}
		if looked++; looked == looks {
			break
		}
	}
	if !dropped {
		delete(c.of, first)
	}
}
