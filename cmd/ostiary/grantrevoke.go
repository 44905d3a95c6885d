package main

import (
	"context"
	"fmt"

	show "github.com/ostiary/ostiary/internal/visible"
)

type grantRevokeCommand struct {
	stateFlag
	Config    string `placeholder:"FILE" help:"Policy file, for the evidence: what to keep out of it, and where it is checkpointed."`
	ID        string `arg:"" optional:"" help:"Id of the grant, as much of its beginning as no other has, or its token."`
	Principal string `placeholder:"NAME" help:"All grants of a principal."`
	Reason    string `required:"" help:"Why, for whoever reads the evidence."`
}

// Run takes back one grant or all of a principal.
func (c *grantRevokeCommand) Run(ctx context.Context, p program) (err error) {
	if (c.ID == "") == (c.Principal == "") {
		return misusedFlag("name one grant, or a principal with --principal")
	}
	d, err := openDesk(ctx, p, c.stateFlag, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	g, err := openGrants(d, false)
	if err != nil {
		return err
	}
	if c.Principal != "" {
		n, err := g.RevokeAll(ctx, c.Principal, g.who(), c.Reason)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, "revoked %s of %s\n", counted(n, "grant"), show.Line(c.Principal, 256))
		return err
	}
	taken, err := g.Revoke(ctx, c.ID, g.who(), c.Reason)
	if err != nil {
		return err
	}
	for i, one := range taken {
		what := ""
		if i > 0 {
			what = ", which was a part of it"
		}
		if _, err := fmt.Fprintf(p.out, "revoked %s%s\n", one.ID, what); err != nil {
			return err
		}
	}
	return nil
}
