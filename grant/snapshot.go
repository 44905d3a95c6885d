package grant

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
)

const (
	// stale is how old what we know of the store may be.
	stale = 250 * time.Millisecond
	// maxTargets is for how many tools a snapshot remembers who covers them.
	maxTargets = 4096
)

// snapshot is the grants of one version of the store that are not over.
type snapshot struct {
	version int64
	dirty   atomic.Int64
	of      map[string][]*held // by principal, in the order in which they are used
	rows    map[string]decoded // by id, so that what has not changed is decoded once

	mu   sync.RWMutex
	seen map[target][]*held
}

// decoded is a row and what it says.
type decoded struct {
	value []byte
	grant *Grant
}

type target struct{ principal, upstream, tool string }

// candidates are the grants that cover a tool, the narrowest first.
func (s *snapshot) candidates(c *ostiary.Call) []*held {
	of := s.of[c.Principal.ID]
	if len(of) == 0 {
		return nil
	}
	key := target{c.Principal.ID, c.Upstream, c.Target}
	s.mu.RLock()
	found, known := s.seen[key]
	s.mu.RUnlock()
	if known {
		return found
	}
	for _, h := range of {
		if h.covers(c.Upstream, c.Target) {
			found = append(found, h)
		}
	}
	s.mu.Lock()
	if len(s.seen) < maxTargets {
		s.seen[key] = found
	}
	s.mu.Unlock()
	return found
}

// snapshot returns what is in the store, at most a quarter of a second old. What
// this process changed itself is always in it.
func (g *Gate) snapshot(ctx context.Context) (*snapshot, error) {
	if s := g.snap.Load(); s != nil && g.current(s) {
		return s, nil
	}
	g.fresh.Lock()
	defer g.fresh.Unlock()
	s := g.snap.Load()
	if s != nil && g.current(s) { // somebody else has asked meanwhile
		return s, nil
	}
	if g.o.Store == nil || g.o.Clock == nil {
		return nil, &ostiary.Error{Code: ostiary.CodeStoreUnavailable,
			Message: "there is no store of grants, so what needs one is refused; the operator must configure it"}
	}
	asked, dirty := g.now(), g.dirty.Load()
	version, err := g.o.Store.Version(ctx, bucketGrant)
	if err != nil {
		return nil, err
	}
	if s == nil || s.version != version {
		if s, err = g.read(ctx, s); err != nil {
			return nil, err
		}
		// Asked before it was read: what was changed in between is read again.
		s.version = version
		g.snap.Store(s)
	}
	s.dirty.Store(dirty)
	g.asked.Store(int64(asked))
	return s, nil
}

// latest returns what is in the store now.
func (g *Gate) latest(ctx context.Context) (*snapshot, error) {
	g.dirty.Add(1)
	return g.snapshot(ctx)
}

// now is the time since the gate was made, on the monotonic clock if there is one.
func (g *Gate) now() time.Duration { return g.o.Clock().Sub(g.start) }

func (g *Gate) current(s *snapshot) bool {
	age := g.now() - time.Duration(g.asked.Load())
	return age >= 0 && age < stale && s.dirty.Load() == g.dirty.Load()
}

// read reads the grants that are not over. One that cannot be read counts for
// nothing, and what is a part of it neither.
func (g *Gate) read(ctx context.Context, before *snapshot) (*snapshot, error) {
	now := g.o.Clock()
	known := map[string]*Grant{}
	s := &snapshot{of: map[string][]*held{}, rows: map[string]decoded{}, seen: map[target][]*held{}}
	err := g.o.Store.View(ctx, func(tx ostiary.Tx) error {
		for r, err := range tx.List(bucketGrant, ostiary.Query{}) {
			if err != nil {
				return err
			}
			if !now.Before(r.Expires.Add(-kept)) {
				continue
			}
			d := before.row(&r)
			if d.grant == nil {
				if d.grant, err = decode(&r); err != nil {
					g.o.Logger.Warn("a grant cannot be read and does not count", "err", err)
					continue
				}
				d.value = r.Value
			}
			s.rows[r.Key], known[r.Key] = d, d.grant
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, one := range known {
		if one.Token || !alive(known, one, now) {
			continue
		}
		h, err := newHeld(ancestors(known, one))
		if err != nil {
			g.o.Logger.Warn("a grant cannot be read and does not count", "err", err)
			continue
		}
		s.of[one.Principal] = append(s.of[one.Principal], h)
	}
	for _, of := range s.of {
		slices.SortFunc(of, narrower)
	}
	return s, nil
}

// row returns what was read of a row before, if it is the same.
func (s *snapshot) row(r *ostiary.Row) decoded {
	if s != nil {
		if d := s.rows[r.Key]; bytes.Equal(d.value, r.Value) {
			return d
		}
	}
	return decoded{}
}

func ancestors(known map[string]*Grant, g *Grant) []*Grant {
	line := []*Grant{g}
	for g.Parent != "" { // alive has walked it
		g = known[g.Parent]
		line = append(line, g)
	}
	return line
}

// narrower orders grants as they are used: the one that is good for the least,
// then the one that ends first.
func narrower(a, b *held) int {
	loose := func(set bool) int {
		if set {
			return 0
		}
		return 1
	}
	return cmp.Or(
		a.pattern.compare(b.pattern),
		cmp.Compare(loose(a.Session != ""), loose(b.Session != "")),
		cmp.Compare(loose(a.When != ""), loose(b.When != "")),
		a.Expires.Compare(b.Expires),
		cmp.Compare(loose(a.Uses > 0), loose(b.Uses > 0)),
		cmp.Compare(a.ID, b.ID),
	)
}
