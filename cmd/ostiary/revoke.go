package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/freeze"
	show "github.com/ostiary/ostiary/internal/visible"
)

// revokeCommand takes back everything that a person gave to a principal.
type revokeCommand struct {
	stateFlag
	Config    string `placeholder:"FILE" help:"Policy file, for the evidence: what to keep out of it, and where it is checkpointed."`
	Principal string `required:"" placeholder:"NAME" help:"Whose grants, API keys and approvals."`
	Reason    string `required:"" help:"Why, for whoever reads the evidence."`
	Freeze    bool   `help:"Freeze the principal first, and end its calls in flight."`
	JSON      bool   `name:"json" help:"Print one JSON object."`
}

// revoked is what was done.
type revoked struct {
	Principal string `json:"principal"`
	// Frozen says that the principal, or everything, is frozen now, by whatever.
	Frozen    bool `json:"frozen"`
	Grants    int  `json:"grants"`
	Keys      int  `json:"keys"`
	Approvals int  `json:"approvals"`
	Done      bool `json:"done"`
}

// Run revokes, and says what may not be as it was meant.
func (c *revokeCommand) Run(ctx context.Context, p program) error {
	did := revoked{Principal: c.Principal}
	var d *desk
	err := fromKeptSpace(p, c.stateFlag, func() error {
		used, err := c.revoke(ctx, p, &did)
		d = cmp.Or(used, d)
		return err
	})
	if d == nil {
		return err
	}
	did.Done = err == nil
	if err := errors.Join(err, did.print(p, c.JSON)); err != nil {
		return err
	}
	if did.Grants+did.Keys+did.Approvals == 0 {
		for _, text := range doubtsAbout(ctx, p, d, freeze.Scope{Principal: c.Principal}) {
			fmt.Fprintln(p.err, "ostiary: warning:", visible(text))
		}
	}
	return nil
}

// revoke does all that it can, and adds it to what was done before: a part that fails does
// not keep the others from it. The desk is closed then; it is nil if nothing could be tried.
func (c *revokeCommand) revoke(ctx context.Context, p program, did *revoked) (_ *desk, err error) {
	d, freezes, err := openFreezes(ctx, p, c.stateFlag, c.Config)
	if err != nil {
		return nil, err
	}
	defer func() { err = closing(err, d) }()
	g, err := openGrants(d, false)
	if err != nil {
		return nil, err
	}
	a, err := approval.NewDesk(approval.DeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock})
	if err != nil {
		return nil, err
	}
	var errs []error
	if c.Freeze {
		_, err := freezes.Freeze(ctx, freeze.Scope{Principal: c.Principal}, true, freeze.Who(d.Who), c.Reason)
		errs = append(errs, err)
	}
	inForce, err := freezes.List(ctx)
	did.Frozen = slices.ContainsFunc(inForce, func(f freeze.Freeze) bool { return f.Scope.All || f.Scope.Principal == c.Principal })
	errs = append(errs, err)
	n, err := g.RevokeAll(ctx, c.Principal, g.who(), c.Reason)
	did.Grants, errs = did.Grants+n, append(errs, err)
	k := openKeys(d)
	n, err = k.RevokeAll(ctx, c.Principal, k.who(), c.Reason)
	did.Keys, errs = did.Keys+n, append(errs, err)
	n, err = a.Void(ctx, approval.Filter{Principal: c.Principal}, approval.Who(d.Who), c.Reason)
	did.Approvals += n
	return d, errors.Join(append(errs, err)...)
}

func (r revoked) print(p program, asJSON bool) error {
	if asJSON {
		return p.printJSON(r)
	}
	who := show.Line(r.Principal, 256)
	still := "may still call what its rules allow: `ostiary freeze --principal` stops that"
	if r.Frozen {
		still = "is frozen"
	}
	_, err := fmt.Fprintf(p.out, "%s: %s and %s revoked, %s made void\n%s %s\n", who, counted(r.Grants, "grant"), counted(r.Keys, "key"), counted(r.Approvals, "request"), who, still)
	return err
}
