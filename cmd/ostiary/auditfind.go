package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/audit"
)

// findCall returns the records of one call. A prefix that only one call has is
// enough; otherwise the error names the calls that may have been meant.
func (p program) findCall(ctx context.Context, dir, id string) ([]audit.Found, error) {
	id = strings.TrimSpace(id)
	if id == "" {
		return nil, misusedFlag("the id of a call is empty: `ostiary audit tail` prints ids in its last column")
	}
	found, err := p.search(ctx, dir, audit.Filter{Call: id, Limit: mostOfCall})
	if err != nil || len(found) > 0 {
		return found, err
	}
	id = strings.ToLower(id) // the door writes them so
	var calls *candidates
	late := time.NewTimer(slow)
	defer late.Stop()
	patiently(p.err, late.C, "Looking through all records for calls that begin with "+visible(id)+" …", func() {
		calls, err = callsNear(ctx, dir, id)
	})
	switch {
	case err != nil:
		return nil, readable(err)
	case len(calls.begin) == 1:
		return p.search(ctx, dir, audit.Filter{Call: calls.begin[0], Limit: mostOfCall})
	case len(calls.begin) > 1:
		return nil, misusedFlag("%s begins the ids of %d calls: write more of it, such as %s", id, calls.count, strings.Join(calls.begin, ", "))
	case len(calls.near) > 0:
		return nil, misusedFlag("no call has the id %s; the nearest are %s", short(id, 64), strings.Join(calls.near, ", "))
	}
	return nil, misusedFlag("no call has the id %s, and there is no other: is --state right?", short(id, 64))
}

const (
	mostOfCall = 1000 // records of one call; there are two, and late answers
	mostNamed  = 3    // ids in an error
	page       = 5000 // records in one look at the index
)

// candidates are calls whose id may have been meant.
type candidates struct {
	begin []string // begin with it, newest first, at most mostNamed
	count int      // how many begin with it
	near  []string // share the longest beginning with it
}

// callsNear looks through all records, newest first, a page at a time.
func callsNear(ctx context.Context, dir, id string) (*candidates, error) {
	c := &candidates{}
	ids := map[string]bool{}
	f := audit.Filter{Limit: page}
	for {
		found, err := audit.Query(ctx, dir, f)
		if err != nil {
			return nil, err
		}
		fresh := false
		for i := range slices.Backward(found) {
			call := found[i].Record.Call
			if call == "" || ids[call] {
				continue
			}
			ids[call], fresh = true, true
			c.consider(id, call)
		}
		if len(found) < f.Limit {
			return c, nil
		}
		// Records of one moment may lie on both sides of the edge of a page.
		next := found[0].Record.Time.Add(1)
		if !fresh && next.Equal(f.Until) {
			f.Limit *= 2
		}
		f.Until = next
	}
}

func (c *candidates) consider(id, call string) {
	if strings.HasPrefix(call, id) {
		c.count++
		if len(c.begin) < mostNamed {
			c.begin = append(c.begin, call)
		}
		return
	}
	c.near = append(c.near, call)
	slices.SortStableFunc(c.near, func(a, b string) int { return cmp.Compare(alike(id, b), alike(id, a)) })
	c.near = c.near[:min(len(c.near), mostNamed)]
}

// alike counts the places in which two ids agree, the first ones counting most.
func alike(a, b string) int {
	begin, same := 0, 0
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			same++
			if begin == i {
				begin++
			}
		}
	}
	return begin*100 + same
}
