package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/ostiary/ostiary/auth"
	show "github.com/ostiary/ostiary/internal/visible"
)

type keyListCommand struct {
	stateFlag
	Prefix    string `arg:"" optional:"" help:"Only those whose prefix begins like this; a whole key will do."`
	All       bool   `help:"Those that are over as well, for thirty days."`
	Principal string `placeholder:"NAME" help:"Those of one principal."`
	JSON      bool   `name:"json" help:"Print one JSON object a line."`
}

// Run prints one line a key.
func (c *keyListCommand) Run(ctx context.Context, p program) (err error) {
	d, err := openDesk(ctx, p, c.stateFlag, "")
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	k := openKeys(d)
	all, err := k.List(ctx, auth.KeyFilter{Principal: c.Principal, Prefix: c.Prefix, All: c.All})
	if err != nil {
		return err
	}
	if c.JSON {
		for _, one := range all {
			if err := p.printLine(k.report(one)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		_, err := io.WriteString(p.out, "no such key is live; `ostiary key create"+k.d.again+"` makes one\n")
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PREFIX\tWHO\tSCOPES\tUNTIL\tGIVEN BY\tREASON")
	for _, one := range all {
		until := one.Expires.In(p.style().zone).Format(timeLayout)
		if state := one.State(d.Clock()); state != "live" {
			until = state
		}
		fmt.Fprintln(w, strings.Join([]string{
			one.Prefix, show.Line(one.Principal, 24), show.Line(orNone(strings.Join(one.Scopes, " ")), 48), until,
			show.Line(one.By, 24), show.Line(one.Reason, 60),
		}, "\t"))
	}
	return w.Flush()
}
