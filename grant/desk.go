package grant

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/ostiary/ostiary"
)

// DeskOptions are what a Desk is made of. All but Check are required.
type DeskOptions struct {
	Store   ostiary.Store
	Journal ostiary.Journal
	Clock   func() time.Time
	// Rand is for ids and tokens.
	Rand io.Reader
	// Check refuses a condition that does not fit the tools of a pattern; without
	// it no grant has a condition. It is asked with an empty condition too.
	Check func(pattern, when string) error
}

// Desk is where people give and take back grants. The command line and the
// console share it. It is used by many goroutines at once.
type Desk struct{ o DeskOptions }

// NewDesk makes a Desk.
func NewDesk(o DeskOptions) *Desk { return &Desk{o: o} }

// Filter names grants: those of a principal, if set; those that are over as
// well, if All.
type Filter struct {
	Principal string
	All       bool
}

// List returns the grants that a filter names, the oldest first. A grant whose
// ancestor is over is over.
func (d *Desk) List(ctx context.Context, f Filter) ([]Grant, error) {
	var all []*Grant
	err := d.o.Store.View(ctx, func(tx ostiary.Tx) (err error) {
		all, err = list(tx, f.Principal, func(err error) error { return err })
		return err
	})
	if err != nil {
		return nil, err
	}
	known := byID(all)
	now := d.o.Clock()
	var named []Grant
	for _, g := range all {
		if f.All || alive(known, g, now) {
			named = append(named, *g)
		}
	}
	slices.SortFunc(named, func(a, b Grant) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return named, nil
}

// Get returns one grant, by its id, as much of the beginning as no other has, or
// its token. Its error is grant_unknown if there is none.
func (d *Desk) Get(ctx context.Context, ref string) (Grant, error) {
	var found Grant
	err := d.o.Store.View(ctx, func(tx ostiary.Tx) error {
		g, err := find(tx, ref)
		if err == nil {
			found = *g
		}
		return err
	})
	return found, err
}

// list reads all grants of a principal, or of everybody. What to do about one
// that cannot be read is for the caller to say; it lets nothing pass.
func list(tx ostiary.Tx, principal string, unreadable func(error) error) ([]*Grant, error) {
	var all []*Grant
	for r, err := range tx.List(bucketGrant, ostiary.Query{Group: principal}) {
		if err != nil {
			return nil, err
		}
		g, err := decode(&r)
		if err != nil {
			if err := unreadable(err); err != nil {
				return nil, err
			}
			continue
		}
		if err := count(tx, g); err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// leave is for who takes back or counts grants: one that cannot be read must not
// keep the others.
func leave(error) error { return nil }

func byID(all []*Grant) map[string]*Grant {
	known := make(map[string]*Grant, len(all))
	for _, g := range all {
		known[g.ID] = g
	}
	return known
}

// alive reports whether a grant and all its ancestors are live.
func alive(known map[string]*Grant, g *Grant, now time.Time) bool {
	for range maxDepth + 1 {
		if g == nil || g.State(now) != "live" {
			return false
		}
		if g.Parent == "" {
			return true
		}
		g = known[g.Parent]
	}
	return false
}

// note puts an event into the evidence, before what it tells is done.
func (d *Desk) note(e ostiary.Event, who Who) error {
	if d.o.Journal == nil {
		return &ostiary.Error{Code: ostiary.CodeAuditUnavailable,
			Message: "grants are not changed where that cannot be recorded"}
	}
	e.By, e.Channel = who.Name, who.Channel
	return d.o.Journal.Note(e)
}

// undone says in the evidence that what was just noted may not have happened: a
// store that fails while it commits leaves that open.
func (d *Desk) undone(of ostiary.Event, who Who, so string, err error) error {
	e := ostiary.AsError(err)
	of.Name, of.Reason, of.Detail = "grant_undone", "", so+": "+e.Error()
	return errors.Join(&ostiary.Error{
		Code: e.Code, Reason: e.Reason, RetryAfter: e.RetryAfter, Err: e.Err,
		Message: so + "; look with `ostiary grant list`: " + e.Message,
	}, d.note(of, who))
}
