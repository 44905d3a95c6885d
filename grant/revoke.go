package grant

import (
	"context"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary"
)

// Revoke takes back a grant, named as for Get, and everything that is a part of
// it, and returns what it took back, that grant first. The error is grant_revoked
// or grant_expired if there is nothing left to take back.
func (d *Desk) Revoke(ctx context.Context, ref string, who Who, reason string) ([]Grant, error) {
	if err := serious(who, reason); err != nil {
		return nil, err
	}
	g, err := d.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if state := g.State(d.o.Clock()); state == "revoked" || state == "expired" {
		return nil, over(&g, d.o.Clock())
	}
	event := ostiary.Event{
		Name: "grant_revoked", Subject: g.ID, Principal: g.Principal, Session: g.Session, Target: g.Pattern,
		Reason: reason, Detail: "with everything that is a part of it",
	}
	if err := d.note(event, who); err != nil {
		return nil, err
	}
	var taken []Grant
	err = d.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		all, err := list(tx, g.Principal, leave)
		if err != nil {
			return err
		}
		known := byID(all)
		taken, err = d.take(tx, all, who, reason, func(other *Grant) bool { return descends(known, other, g.ID) })
		return err
	})
	if err != nil {
		return nil, d.undone(event, who, "grant "+g.ID+" may not have been taken back", err)
	}
	for i := range taken {
		if taken[i].ID == g.ID {
			taken[0], taken[i] = taken[i], taken[0]
		}
	}
	if len(taken) == 0 {
		return nil, &ostiary.Error{Code: ostiary.CodeGrantRevoked, Message: "grant " + g.ID + " was taken back by somebody else just now"}
	}
	return taken, nil
}

// RevokeAll takes back every grant of a principal that is not over, and returns
// how many. It is recorded as one event, also if there was none.
func (d *Desk) RevokeAll(ctx context.Context, principal string, who Who, reason string) (int, error) {
	if err := serious(who, reason); err != nil {
		return 0, err
	}
	if principal == "" || !word(principal) {
		return 0, invalid("say whose grants are to be revoked")
	}
	var live []string
	if err := d.o.Store.View(ctx, func(tx ostiary.Tx) error {
		all, err := list(tx, principal, leave)
		known := byID(all)
		for _, g := range all {
			if alive(known, g, d.o.Clock()) {
				live = append(live, g.ID)
			}
		}
		return err
	}); err != nil {
		return 0, err
	}
	const shown = 50
	event := ostiary.Event{
		Name: "grant_revoked_all", Principal: principal, Reason: reason,
		Detail: strings.TrimSuffix(fmt.Sprintf("%d that were live: %s", len(live), strings.Join(live[:min(len(live), shown)], " ")), ": "),
	}
	if err := d.note(event, who); err != nil {
		return 0, err
	}
	n := 0
	err := d.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		all, err := list(tx, principal, leave)
		if err != nil {
			return err
		}
		taken, err := d.take(tx, all, who, reason, func(*Grant) bool { return true })
		n = len(taken)
		return err
	})
	if err != nil {
		return 0, d.undone(event, who, "the grants of "+principal+" may not have been taken back", err)
	}
	return n, nil
}

func serious(who Who, reason string) error {
	if who.Name == "" {
		return invalid("a grant is taken back by somebody: who does is not known")
	}
	if strings.TrimSpace(reason) == "" || len(reason) > 1000 {
		return invalid("a grant is taken back for a reason of at most 1000 bytes: give one")
	}
	return nil
}

// take marks those that are meant and not over yet. One without uses left is
// marked too: its time is not over.
func (d *Desk) take(tx ostiary.Tx, all []*Grant, who Who, reason string, meant func(*Grant) bool) ([]Grant, error) {
	now := d.o.Clock().UTC().Round(0)
	var taken []Grant
	for _, g := range all {
		if state := g.State(now); state == "revoked" || state == "expired" || !meant(g) {
			continue
		}
		g.Revoked, g.RevokedBy, g.RevokedWhy = now, who.Name, reason
		if err := put(tx, g); err != nil {
			return nil, err
		}
		taken = append(taken, *g)
	}
	return taken, nil
}

// descends reports whether a grant is another or a part of it.
func descends(known map[string]*Grant, g *Grant, id string) bool {
	for range maxDepth + 1 {
		if g == nil {
			return false
		}
		if g.ID == id {
			return true
		}
		g = known[g.Parent]
	}
	return false
}
