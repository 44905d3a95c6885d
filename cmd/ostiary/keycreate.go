package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/ostiary/ostiary/auth"
)

type keyCreateCommand struct {
	stateFlag
	Config    string   `placeholder:"FILE" help:"Policy file, to know its scopes, and for the evidence: what to keep out of it, and where it is checkpointed."`
	Principal string   `required:"" placeholder:"NAME" help:"Who calls with it, as limits, grants and records name them."`
	Scope     []string `placeholder:"SCOPE" help:"What it may be used for; several with commas, or the flag again. Without one it opens only what needs no scope."`
	For       string   `placeholder:"90d" help:"How long it lives, 366d at most (default: 90d)."`
	Reason    string   `required:"" help:"What it is for, for whoever reads the evidence."`
	JSON      bool     `name:"json" help:"Print one JSON object."`
}

// Run makes the key and shows it.
func (c *keyCreateCommand) Run(ctx context.Context, p program) (err error) {
	n := auth.Terms{Principal: c.Principal, Scopes: c.Scope, Reason: c.Reason}
	if c.For != "" {
		life, ok := longAgo(c.For)
		if !ok {
			return misusedFlag("--for %q is no duration: write 90d, 2w or 12h", c.For)
		}
		n.For = life
	}
	d, err := openDesk(ctx, p, c.stateFlag, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	k := openKeys(d)
	one, secret, err := k.Create(ctx, n, k.who())
	if err != nil {
		return err
	}
	for _, text := range scopeDoubts(d.File, one.Scopes) {
		fmt.Fprintln(p.err, "ostiary: warning:", visible(text))
	}
	if c.JSON {
		r := k.report(one)
		r.Secret = secret
		return p.printJSON(r)
	}
	var b strings.Builder
	line := func(name, text string) { fmt.Fprintf(&b, "  %-8s %s\n", name, visible(text)) }
	fmt.Fprintf(&b, "made key %s\n", one.Prefix)
	line("who", one.Principal)
	line("scopes", orNone(strings.Join(one.Scopes, " ")))
	line("until", one.Expires.In(p.style().zone).Format(timeLayout))
	line("reason", one.Reason)
	line("key", secret)
	b.WriteString("           It is shown this once. Send it as  Authorization: Bearer KEY; keep it out of files that others read, and out of URLs.\n")
	_, err = io.WriteString(p.out, b.String())
	return err
}
