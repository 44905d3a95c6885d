package main

import (
	"context"
	"strings"

	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/grant"
	show "github.com/ostiary/ostiary/internal/visible"
)

// terms are those of the grant that an approval also gives: this principal, this
// session, this tool. nil if none is wanted.
func (c *approveCommand) terms(r *approval.Request) (*grant.Terms, error) {
	if !c.Grant {
		return nil, nil
	}
	id := show.Line(r.ID, 64)
	switch {
	case c.Uses < 0 || c.For < 0:
		return nil, misusedFlag("--uses is 1 or more, --for a duration as in 5m")
	case r.Method != "tools/call" || r.Principal == "" || r.Session == "":
		return nil, misusedFlag("request %s is not about a tool that somebody called in a session, so there is nothing to grant: leave out --grant", id)
	case strings.ContainsAny(r.Upstream+r.Target, "*") || strings.Contains(r.Upstream, "/"):
		return nil, misusedFlag("the name %s would be a pattern for other tools, so it is not granted: leave out --grant", toolLine(r))
	}
	return &grant.Terms{
		Principal: r.Principal, Session: r.Session, Pattern: r.Upstream + "/" + r.Target,
		Uses: c.Uses, For: c.For, Reason: "given with the approval of request " + r.ID,
	}, nil
}

func (r *requests) grant(ctx context.Context, t grant.Terms) (*grantReport, error) {
	g, err := openGrants(r.d, false)
	if err != nil {
		return nil, err
	}
	one, _, err := g.Create(ctx, t, g.who())
	if err != nil {
		return nil, err
	}
	report := g.report(one)
	return &report, nil
}
