package grant

import (
	"bytes"
	"context"
	"time"

	"github.com/ostiary/ostiary"
)

const (
	// stale is how old what we know of the store may be.
	stale = 250 * time.Millisecond
	// maxOwners is for how many principals the gate remembers their grants.
	maxOwners = 4096
)

// heard is what the store told when it was asked whether any grant changed.
type heard struct {
	version int64
	at      time.Duration // since the gate was made
	dirty   int64         // what dirty was then
}

// snapshot returns a principal's grants as they are in the store, at most a
// quarter of a second old. What this process changed itself is always in it.
func (g *Gate) snapshot(ctx context.Context, principal string) (*owned, error) {
	if h := g.heard.Load(); h != nil && g.current(h) {
		if o := g.owner(principal); o != nil && o.version.Load() == h.version {
			return o, nil
		}
	}
	g.fresh.Lock()
	defer g.fresh.Unlock()
	version, err := g.version(ctx)
	if err != nil {
		return nil, err
	}
	o := g.owner(principal)
	if o != nil && o.version.Load() == version {
		return o, nil
	}
	if o, err = g.read(ctx, principal, o); err != nil {
		return nil, err
	}
	// Asked before it was read: what was changed in between is read again.
	o.version.Store(version)
	g.keep(principal, o)
	return o, nil
}

// version asks the store, if the last answer is too old.
func (g *Gate) version(ctx context.Context) (int64, error) {
	if h := g.heard.Load(); h != nil && g.current(h) { // somebody else has asked meanwhile
		return h.version, nil
	}
	if g.o.Store == nil || g.o.Clock == nil {
		return 0, &ostiary.Error{Code: ostiary.CodeStoreUnavailable,
			Message: "there is no store of grants, so what needs one is refused; the operator must configure it"}
	}
	h := &heard{at: g.now(), dirty: g.dirty.Load()}
	var err error
	if h.version, err = g.o.Store.Version(ctx, bucketGrant); err != nil {
		return 0, err
	}
	g.heard.Store(h)
	return h.version, nil
}

// latest returns what is in the store now.
func (g *Gate) latest(ctx context.Context, principal string) (*owned, error) {
	g.dirty.Add(1)
	return g.snapshot(ctx, principal)
}

// now is the time since the gate was made, on the monotonic clock if there is one.
func (g *Gate) now() time.Duration { return g.o.Clock().Sub(g.start) }

func (g *Gate) current(h *heard) bool {
	age := g.now() - h.at
	return age >= 0 && age < stale && h.dirty == g.dirty.Load()
}

func (g *Gate) owner(principal string) *owned {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.owners[principal]
}

func (g *Gate) keep(principal string, o *owned) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.owners[principal]; !known && len(g.owners) >= maxOwners {
		for other := range g.owners { // anybody: they are read again when they call
			delete(g.owners, other)
			break
		}
	}
	g.owners[principal] = o
}

// read reads the grants of a principal that are not over, or what has changed
// of them. One that cannot be read counts for nothing, and what is a part of it
// neither.
func (g *Gate) read(ctx context.Context, principal string, before *owned) (*owned, error) {
	if principal == "" { // nobody's; and no group means all
		return newOwned(), nil
	}
	q := ostiary.Query{Group: principal}
	if before != nil {
		q.Since = before.version.Load()
	}
	now := g.o.Clock()
	var changed []decoded
	err := g.o.Store.View(ctx, func(tx ostiary.Tx) error {
		changed = changed[:0]
		for r, err := range tx.List(bucketGrant, q) {
			if err != nil {
				return err
			}
			if before.has(&r) || !now.Before(r.Expires.Add(-kept)) {
				continue
			}
			one := decoded{key: r.Key, value: r.Value}
			if one.grant, err = decode(&r); err != nil {
				g.o.Logger.Warn("a grant cannot be read and does not count", "err", err)
			}
			changed = append(changed, one)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if before == nil {
		before = newOwned()
	}
	return before.with(changed, now, g.o.Logger), nil
}

// decoded is a row and what it says; nil if that cannot be read.
type decoded struct {
	key   string
	value []byte
	grant *Grant
}

func (o *owned) has(r *ostiary.Row) bool {
	if o == nil {
		return false
	}
	d, there := o.rows[r.Key]
	return there && bytes.Equal(d.value, r.Value)
}
