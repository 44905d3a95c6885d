package auth

import (
	"context"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary"
)

// RevokeAll takes back every key of a principal that is live, and returns how many.
// Keys that somebody makes meanwhile are taken back too.
func (d *Desk) RevokeAll(ctx context.Context, principal string, who Who, reason string) (int, error) {
	switch err := serious(reason); {
	case err != nil:
		return 0, err
	case who.Name == "":
		return 0, badTerms("a key is taken back by somebody: who does is not known")
	case !goodName(principal):
		return 0, badTerms("say whose keys are to be taken back")
	}
	for n := 0; ; {
		live, err := d.live(ctx, principal)
		if err != nil || len(live) == 0 {
			return n, err
		}
		// At most maxLiveKeys, so the event names all of them.
		event := ostiary.Event{Name: "auth_key_revoked_all", Principal: principal, Reason: reason,
			Detail: fmt.Sprintf("%d that were live: %s", len(live), strings.Join(live, " "))}
		if err := d.note(event, who); err != nil {
			return n, err
		}
		taken := 0
		if err := d.o.Store.Update(ctx, func(tx ostiary.Tx) (err error) {
			taken, err = d.take(tx, live, who, reason)
			return err
		}); err != nil {
			return n, d.undone(event, who, "the keys of "+principal+" may not have been taken back", err)
		}
		n += taken
	}
}

// live are the prefixes of a principal's keys that open something.
func (d *Desk) live(ctx context.Context, principal string) (prefixes []string, err error) {
	all, err := d.List(ctx, KeyFilter{Principal: principal})
	for _, k := range all {
		prefixes = append(prefixes, k.Prefix)
	}
	return prefixes, err
}

// take writes into the rows of keys that they are taken back.
func (d *Desk) take(tx ostiary.Tx, prefixes []string, who Who, reason string) (n int, err error) {
	now := d.o.Clock().UTC().Round(0)
	for _, prefix := range prefixes {
		k, err := findKey(tx, prefix)
		if err != nil {
			return 0, err
		}
		if k.State(now) != "live" {
			continue // somebody else was faster
		}
		k.Revoked, k.RevokedBy, k.RevokedWhy = now, who.Name, reason
		if err := putKey(tx, k); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
