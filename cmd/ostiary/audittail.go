package main

import (
	"context"
	"errors"

	"github.com/ostiary/ostiary/audit"
)

// auditTailCommand prints records as they are written.
type auditTailCommand struct {
	stateFlag
	Follow bool `short:"f" help:"Go on with what is written from now on, new logs included, until interrupted."`
	N      int  `short:"n" name:"lines" placeholder:"N" default:"10" help:"How many records that are there already (default: 10)."`
	JSON   bool `name:"json" help:"Print one JSON object a line: record and body."`
}

// Run prints until the end, or until it is interrupted.
func (c *auditTailCommand) Run(ctx context.Context, p program) error {
	if c.N < 0 {
		return misusedFlag("-n %d: write how many records to print, 0 or more", c.N)
	}
	dir, err := c.logsOf()
	if err != nil {
		return err
	}
	s := p.style()
	err = audit.Tail(ctx, dir, audit.TailOptions{Last: c.N, Follow: c.Follow}, func(f audit.Found) error {
		if c.JSON {
			_, err := p.out.Write(append(foundJSON(f), '\n'))
			return err
		}
		return s.writeRow(p.out, s.row(&f.Record), verdictColours(&f.Record), narrowest)
	})
	if c.Follow && errors.Is(err, context.Canceled) {
		return nil // that is how following ends
	}
	return readable(err)
}
