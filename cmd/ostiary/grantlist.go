package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ostiary/ostiary/grant"
	show "github.com/ostiary/ostiary/internal/visible"
)

type grantListCommand struct {
	stateFlag
	All       bool   `help:"Those that are over as well, for a week."`
	Principal string `placeholder:"NAME" help:"Those of one principal."`
	JSON      bool   `name:"json" help:"Print one JSON object a line."`
}

// Run prints one line a grant.
func (c *grantListCommand) Run(ctx context.Context, p program) (err error) {
	d, err := openDesk(ctx, p, c.stateFlag, "")
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	g, err := openGrants(d, false)
	if err != nil {
		return err
	}
	all, err := g.List(ctx, grant.Filter{Principal: c.Principal, All: c.All})
	if err != nil {
		return err
	}
	if c.JSON {
		for _, one := range all {
			if err := p.printLine(g.report(one)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		_, err := io.WriteString(p.out, "no grant is live; `ostiary grant create"+g.d.again+"` gives one\n")
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tWHO\tWHAT\tWHEN\tUNTIL\tUSES\tREASON")
	now := d.Clock()
	for i := range all {
		fmt.Fprintln(w, strings.Join(p.grantLine(&all[i], now), "\t"))
	}
	return w.Flush()
}

func (p program) grantLine(one *grant.Grant, now time.Time) []string {
	until := one.Expires.In(p.style().zone).Format("15:04:05")
	switch state := one.State(now); state {
	case "live":
		until += ", in " + one.Expires.Sub(now).Round(time.Second).String()
	default:
		until = state
	}
	uses := "any"
	if one.Uses > 0 {
		uses = fmt.Sprintf("%d of %d left", one.Left(), one.Uses)
	}
	how := ""
	if one.Token {
		how = " (token " + one.Digest + ")"
	}
	return []string{
		one.ID, show.Line(one.Principal, 24), show.Line(one.Pattern, 48) + how, show.Line(one.When, 40), until, uses, show.Line(one.Reason, 60),
	}
}

type grantShowCommand struct {
	stateFlag
	ID   string `arg:"" help:"Id of the grant, or as much of its beginning as no other has."`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// Run prints one grant and those that it is a part of.
func (c *grantShowCommand) Run(ctx context.Context, p program) (err error) {
	d, err := openDesk(ctx, p, c.stateFlag, "")
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	g, err := openGrants(d, false)
	if err != nil {
		return err
	}
	one, err := g.Get(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(g.report(one))
	}
	for {
		if _, err := fmt.Fprintf(p.out, "grant %s, %s\n%s", one.ID, one.State(d.Clock()), p.about(&one, d.Clock())); err != nil || one.Parent == "" {
			return err
		}
		if one, err = g.Get(ctx, one.Parent); err != nil {
			return err
		}
		fmt.Fprint(p.out, "which is a part of ")
	}
}
