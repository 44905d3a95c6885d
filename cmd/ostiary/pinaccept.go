package main

import (
	"context"
	"fmt"

	show "github.com/ostiary/ostiary/internal/visible"
	"github.com/ostiary/ostiary/pin"
)

type pinAcceptCommand struct {
	stateFlag
	Config string `placeholder:"FILE" help:"Policy file, for the evidence: what to keep out of it, and where it is checkpointed."`
	Of     string `arg:"" name:"upstream" help:"UPSTREAM for all of it that waits, or UPSTREAM/TOOL, UPSTREAM/prompt:NAME, UPSTREAM/template:URI, UPSTREAM/capability:NAME."`
	Digest string `placeholder:"HEX" help:"Only the form whose digest begins so, as pin diff shows it."`
	Also   bool   `help:"Keep what was accepted before beside it, for servers that show different people different definitions."`
	Reason string `help:"Why, for whoever reads the evidence."`
	JSON   bool   `name:"json" help:"Print one JSON object a line: what is accepted now."`
}

// Run accepts what waits, and shows what that changes.
func (c *pinAcceptCommand) Run(ctx context.Context, p program) (err error) {
	d, desk, err := openPins(ctx, p, c.stateFlag, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	upstream, tool := target(c.Of)
	done, err := desk.Accept(ctx, pin.Accept{Upstream: upstream, Tool: tool, Also: c.Also, Digest: c.Digest, Reason: c.Reason}, pin.Who(d.Who))
	if err != nil {
		return err
	}
	for _, one := range done {
		if c.JSON {
			if err := p.printLine(one.Pin); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(p.out, "accepted: %s, %s, in every process within a second\n", show.Line(one.Pin.String(), 200), one.Now.Digest[:12]); err != nil {
			return err
		}
		if one.Before == nil || one.Before.Text == "" || one.Now.Text == "" {
			continue
		}
		for _, difference := range pin.Diff(one.Before.Text, one.Now.Text) {
			for _, line := range difference.Lines(diffWidth) {
				fmt.Fprintln(p.out, "  "+line)
			}
		}
	}
	return nil
}
