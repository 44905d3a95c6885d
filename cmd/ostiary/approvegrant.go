package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

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
	uses, life, err := c.amount()
	switch {
	case err != nil:
		return nil, err
	case r.Method != "tools/call" || r.Principal == "" || r.Session == "":
		return nil, misusedFlag("request %s is not about a tool that somebody called in a session, so there is nothing to grant: leave out --grant", id)
	case strings.ContainsAny(r.Upstream+r.Target, "*") || strings.Contains(r.Upstream, "/"):
		return nil, misusedFlag("the name %s would be a pattern for other tools, so it is not granted: leave out --grant", toolLine(r))
	}
	return &grant.Terms{
		Principal: r.Principal, Session: r.Session, Pattern: r.Upstream + "/" + r.Target,
		Uses: uses, For: life, Reason: "given with the approval of request " + r.ID,
	}, nil
}

// amountFlags say how much a grant gives. What is left out is nil: an explicit 0 is
// a slip, and must not be read as no limit or as the default.
type amountFlags struct {
	Uses *int    `placeholder:"N" help:"For how many calls (default: any number within its life)."`
	For  *string `placeholder:"5m" help:"For how long, 24h at most (default: 5m). A rule counts it for its grant: {max: …} only, else for 5m, or 1m where the effect is execute."`
}

// amount is 0 where the default is wanted.
func (f amountFlags) amount() (uses int, life time.Duration, err error) {
	if f.Uses != nil {
		if uses = *f.Uses; uses < 1 {
			return 0, 0, misusedFlag("--uses is 1 or more, not %d: leave it out for any number of calls within the life of the grant", uses)
		}
	}
	if f.For != nil {
		var ok bool
		if life, ok = longAgo(*f.For); !ok {
			return 0, 0, misusedFlag("--for is more than 0s, as in 90s, 5m or 1d, not %q: leave it out for %s", *f.For, grant.DefaultLife)
		}
	}
	return uses, life, nil
}

// extent is what terms give, in words.
func extent(t *grant.Terms) string {
	uses := "any number of calls"
	if t.Uses > 0 {
		uses = counted(t.Uses, "call")
	}
	return fmt.Sprintf("%s within %s", uses, cmp.Or(t.For, grant.DefaultLife))
}

// check says whether a grant can be made, before anything is decided.
func (r *requests) check(ctx context.Context, t *grant.Terms) error {
	if t == nil {
		return nil
	}
	g, err := openGrants(r.d, false)
	if err != nil {
		return err
	}
	return g.Check(ctx, *t, g.who())
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
