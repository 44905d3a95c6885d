package main

import (
	"context"
	"fmt"

	show "github.com/ostiary/ostiary/internal/visible"
)

type keyRevokeCommand struct {
	stateFlag
	Config string `placeholder:"FILE" help:"Policy file, for the evidence: what to keep out of it, and where it is checkpointed."`
	Prefix string `arg:"" help:"Prefix of the key, as much of its beginning as no other has, or the whole key."`
	Reason string `required:"" help:"Why, for whoever reads the evidence."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// Run takes back one key.
func (c *keyRevokeCommand) Run(ctx context.Context, p program) (err error) {
	d, err := openDesk(ctx, p, c.stateFlag, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	k := openKeys(d)
	one, err := k.Revoke(ctx, c.Prefix, k.who(), c.Reason)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(k.report(one))
	}
	_, err = fmt.Fprintf(p.out, "revoked key %s of %s\n", one.Prefix, show.Line(one.Principal, 256))
	return err
}
