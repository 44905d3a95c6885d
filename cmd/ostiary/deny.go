package main

import (
	"context"
	"fmt"
	"unicode/utf8"

	show "github.com/ostiary/ostiary/internal/visible"
)

type denyCommand struct {
	deskFlags
	ID     string `arg:"" help:"Id of the request, or as much of its beginning as no other has."`
	Reason string `placeholder:"TEXT" help:"Why; the agent is told."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// reasonMost is how long a reason may be, in bytes.
const reasonMost = 1000

// Run refuses the request, also one that was approved and is not used yet.
func (c *denyCommand) Run(ctx context.Context, p program) (err error) {
	if len(c.Reason) > reasonMost || !utf8.ValidString(c.Reason) {
		return misusedFlag("--reason is UTF-8 text of at most %d bytes", reasonMost)
	}
	r, err := c.requests(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, r.d) }()
	one, err := r.Deny(ctx, c.ID, r.who(), c.Reason)
	if err != nil {
		return readable(err)
	}
	if c.JSON {
		return p.printJSON(approveReport{Request: requestJSON(&one)})
	}
	_, err = fmt.Fprintf(p.out, "refused %s: %s may not call %s so, and is told\n", show.Line(one.ID, 64), show.Line(one.Principal, 64), toolLine(&one))
	return err
}
