package main

import (
	"context"
	"fmt"
	"io"
	"os/user"
	"strings"

	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/grant"
	show "github.com/ostiary/ostiary/internal/visible"
)

type grantCreateCommand struct {
	stateFlag
	Config    string `placeholder:"FILE" help:"Policy file, to know its principals."`
	Principal string `placeholder:"NAME" help:"Who may call. With --from: whose grant that is."`
	Tool      string `required:"" placeholder:"UPSTREAM/TOOL" help:"What may be called; * stands for any run of characters, as in files/delete_*."`
	When      string `placeholder:"CEL" help:"A condition over the arguments, as in when: of a rule."`
	amountFlags
	Reason  string `required:"" help:"Why, for whoever reads the evidence."`
	Session string `placeholder:"ID" help:"The only session in which it counts, as records name it."`
	Token   bool   `help:"Make a token, which is shown this once; without it the gateway holds the grant."`
	From    string `placeholder:"GRANT" help:"Make it a part of another grant, named by its id or token; it cannot be wider."`
	JSON    bool   `name:"json" help:"Print one JSON object."`
}

// Run makes the grant, and says what may not be as it was meant.
func (c *grantCreateCommand) Run(ctx context.Context, p program) (err error) {
	uses, life, err := c.amount()
	if err != nil {
		return err
	}
	d, err := openDesk(ctx, p, c.stateFlag, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	g, err := openGrants(d, true)
	if err != nil {
		return err
	}
	one, token, err := g.Create(ctx, grant.Terms{
		Principal: c.Principal, Session: c.Session, Pattern: c.Tool, When: c.When, Uses: uses, For: life,
		Reason: c.Reason, Parent: c.From, Token: c.Token,
	}, g.who())
	if err != nil {
		return err
	}
	for _, text := range g.doubts(&one) {
		fmt.Fprintln(p.err, "ostiary: warning:", visible(text))
	}
	if c.JSON {
		r := g.report(one)
		r.Secret = token
		return p.printJSON(r)
	}
	text := "granted " + one.ID + "\n" + p.about(&one, d.Clock())
	if token != "" {
		text += "  token    " + token + "\n           It is shown this once. Who has it can use it as " + show.Line(one.Principal, 256) + ": keep it out of files and logs.\n"
	}
	_, err = io.WriteString(p.out, text)
	return err
}

// doubts are what is allowed and may not be meant.
func (g *grants) doubts(one *grant.Grant) []string {
	var doubts []string
	if why := known(g.d.File, one.Principal, func(name string) bool { _, err := user.Lookup(name); return err == nil }); why != "" {
		doubts = append(doubts, why)
	}
	if !g.fits(one.Pattern) {
		next := ""
		var names []string
		for _, t := range g.tools {
			names = append(names, t.Upstream+"/"+t.Name)
		}
		if near := config.Nearest(one.Pattern, names); near != "" {
			next = fmt.Sprintf("; did you mean %q?", near)
		}
		doubts = append(doubts, fmt.Sprintf("no tool that is known fits %s%s", one.Pattern, next))
	}
	if _, tool, _ := strings.Cut(one.Pattern, "/"); strings.Trim(tool, "*") == "" && one.When == "" {
		doubts = append(doubts, one.Pattern+" names every tool: whatever a rule asks about them passes")
	}
	if life := one.Expires.Sub(one.Created); life > grant.DefaultLife {
		doubts = append(doubts, fmt.Sprintf("a rule without grant: {max: …} counts it for %s, and for %s where the effect is execute",
			grant.DefaultLife, grant.ExecuteLife))
	}
	return doubts
}

// fits reports whether a pattern names a tool that is known, or none is known.
func (g *grants) fits(pattern string) bool {
	named, err := g.rules.CheckCondition(pattern, "", g.tools)
	return err == nil && (len(named) > 0 || len(g.tools) == 0)
}
