package grant

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
)

// maxTargets is for how many tools it is remembered who covers them, and carried
// is up to how many of them that is corrected when a grant changes, not forgotten.
const (
	maxTargets = 4096
	carried    = 64
	// maxRows is how many rows are kept before those are forgotten that count for
	// nothing now; one that counts again is put into the store again.
	maxRows = 2 * maxLive
)

// owned is one principal's grants that are not over, as some version of the store
// has them.
type owned struct {
	version atomic.Int64
	held    []*held // in the order in which they are used
	// rows belong to whoever holds Gate.fresh and go on to the next owned.
	rows map[string]decoded
	// family: some grant is a part of another.
	family bool

	mu   sync.RWMutex
	seen map[target][]*held
}

type target struct{ upstream, tool string }

func newOwned() *owned {
	return &owned{rows: map[string]decoded{}, seen: map[target][]*held{}}
}

// candidates are the grants that cover a tool, the narrowest first.
func (o *owned) candidates(c *ostiary.Call) []*held {
	if len(o.held) == 0 {
		return nil
	}
	key := target{c.Upstream, c.Target}
	o.mu.RLock()
	found, known := o.seen[key]
	o.mu.RUnlock()
	if known {
		return found
	}
	for _, h := range o.held {
		if h.covers(c.Upstream, c.Target) {
			found = append(found, h)
		}
	}
	o.mu.Lock()
	if len(o.seen) < maxTargets {
		o.seen[key] = found
	}
	o.mu.Unlock()
	return found
}

// with is what became of it. It takes the rows over.
func (o *owned) with(changed []decoded, now time.Time, log *slog.Logger) *owned {
	next := &owned{rows: o.rows, family: o.family, seen: map[target][]*held{}}
	for _, d := range changed {
		next.rows[d.key] = d
		next.family = next.family || d.grant != nil && d.grant.Parent != ""
	}
	if next.family || len(changed) > carried || len(next.rows) > maxRows {
		maps.DeleteFunc(next.rows, func(_ string, d decoded) bool { return d.grant == nil || d.grant.State(now) != "live" })
		next.all(now, log)
		return next
	}
	next.held = o.held
	o.mu.RLock()
	if len(o.seen) <= carried {
		for key, of := range o.seen {
			next.seen[key] = of
		}
	}
	o.mu.RUnlock()
	for _, d := range changed {
		next.change(d, now, log)
	}
	return next
}

// change puts one grant in or out that has no ancestors and no parts.
func (o *owned) change(d decoded, now time.Time, log *slog.Logger) {
	var h *held
	if d.grant != nil && !d.grant.Token && d.grant.State(now) == "live" {
		h = madeHeld([]*Grant{d.grant}, log)
	}
	o.held = exchanged(o.held, d.key, h)
	for key, of := range o.seen {
		covering := h
		if h != nil && !h.covers(key.upstream, key.tool) {
			covering = nil
		}
		o.seen[key] = exchanged(of, d.key, covering)
	}
}

// exchanged is a list without the grant of that id and with another in its place
// in the order, if there is another.
func exchanged(all []*held, id string, h *held) []*held {
	at := slices.IndexFunc(all, func(one *held) bool { return one.ID == id })
	if at < 0 && h == nil {
		return all
	}
	all = slices.Clone(all) // others read it
	if at >= 0 {
		all = slices.Delete(all, at, at+1)
	}
	if h != nil {
		at, _ = slices.BinarySearchFunc(all, h, narrower)
		all = slices.Insert(all, at, h)
	}
	return all
}

// all makes the list anew of all rows.
func (o *owned) all(now time.Time, log *slog.Logger) {
	known := make(map[string]*Grant, len(o.rows))
	for key, d := range o.rows {
		known[key] = d.grant
	}
	for _, one := range known {
		if one == nil || one.Token || !alive(known, one, now) {
			continue
		}
		if h := madeHeld(ancestors(known, one), log); h != nil {
			o.held = append(o.held, h)
		}
	}
	slices.SortFunc(o.held, narrower)
}

func madeHeld(line []*Grant, log *slog.Logger) *held {
	h, err := newHeld(line)
	if err != nil {
		log.Warn("a grant cannot be read and does not count", "err", err)
		return nil
	}
	return h
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
