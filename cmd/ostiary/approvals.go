package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	show "github.com/ostiary/ostiary/internal/visible"
)

// approvalsCommand looks at the calls that wait for a person.
type approvalsCommand struct {
	List  approvalsListCommand  `cmd:"" default:"withargs" help:"Print the requests that wait for a person."`
	Watch approvalsWatchCommand `cmd:"" help:"Show the requests that wait as they come and go, until interrupted."`
	Show  approvalsShowCommand  `cmd:"" help:"Print everything that a person needs to know of one request."`
}

// deskFlags are those of every command about requests.
type deskFlags struct {
	stateFlag
	Config string `placeholder:"FILE" help:"Policy file, to keep its secrets out of the evidence."`
}

// requests is the desk of a state directory.
type requests struct {
	*approval.Desk
	d *desk
}

func (f deskFlags) requests(ctx context.Context, p program) (*requests, error) {
	d, err := openDesk(ctx, p, f.stateFlag, f.Config)
	if err != nil {
		return nil, err
	}
	a, err := approval.NewDesk(approval.DeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock, Flags: d.again})
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &requests{Desk: a, d: d}, nil
}

func (r *requests) who() approval.Who {
	return approval.Who{Name: r.d.Who.Name, Channel: r.d.Who.Channel}
}

type approvalsListCommand struct {
	deskFlags
	All       bool   `help:"Those that were answered or expired as well, for a month."`
	Principal string `placeholder:"NAME" help:"Those of one principal."`
	Limit     int    `placeholder:"N" help:"At most so many, the oldest; 0 for all (default 100, all with --all and --json)." default:"-1"`
	JSON      bool   `name:"json" help:"Print one JSON object a line."`
}

// listedMost is how many requests a person is shown who has asked for no number.
const listedMost = 100

// most is how many requests are printed; 0 is all.
func (c *approvalsListCommand) most() (int, error) {
	switch {
	case c.Limit < -1:
		return 0, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "--limit is how many requests to print: write 1 or more, or 0 for all"}
	case c.Limit > 0 && c.All:
		return 0, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "--limit is for the requests that wait: leave it out with --all"}
	case c.Limit == -1 && !c.All && !c.JSON:
		return listedMost, nil
	}
	return max(c.Limit, 0), nil
}

// Run prints one line a request, the oldest first.
func (c *approvalsListCommand) Run(ctx context.Context, p program) (err error) {
	r, err := c.requests(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, r.d) }()
	f := approval.Filter{Principal: c.Principal}
	if !c.All {
		f.States = []approval.State{approval.Pending}
	}
	most, err := c.most()
	if err != nil {
		return err
	}
	if most > 0 {
		f.Limit = most + 1 // one more, to say that there are more
	}
	all, err := r.List(ctx, f)
	if err != nil {
		return readable(err)
	}
	more := most > 0 && len(all) > most
	if more {
		all = all[:most]
	}
	out := bufio.NewWriterSize(p.out, 64<<10) // a table is written cell by cell
	defer func() { err = errors.Join(err, out.Flush()) }()
	p.out = out
	if c.JSON {
		for i := range all {
			if err := p.printLine(requestJSON(&all[i])); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		fmt.Fprintln(p.err, c.none())
		return nil
	}
	if err := r.table(p, all, c.All); err != nil || !more {
		return err
	}
	fmt.Fprintf(p.err, "There are newer ones; these are the oldest %d. --limit 0 shows all.\n", most)
	return nil
}

// none says what it means that there is nothing.
func (c *approvalsListCommand) none() string {
	of := ""
	if c.Principal != "" {
		of = " of " + visible(c.Principal)
	}
	if c.All {
		return "No request" + of + " was ever made here, or all are older than a month."
	}
	return "No request" + of + " waits for a person. A call that asks shows here until it is answered or expires; --all shows what became of earlier ones."
}

// table prints requests for a person.
func (r *requests) table(p program, all []approval.Request, states bool) error {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	head := "ID\tAGE\tPRINCIPAL\tTOOL\tEFFECT\tEXPIRES\tWHY"
	if states {
		head = "ID\tSTATE\tAGE\tPRINCIPAL\tTOOL\tEFFECT\tEXPIRES\tWHY"
	}
	fmt.Fprintln(w, head)
	now := r.d.Clock()
	for i := range all {
		cells := requestCells(&all[i], now)
		if states {
			cells = append([]string{cells[0], string(all[i].State)}, cells[1:]...)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// requestCells are the cells of a line about a request, fit for a terminal.
func requestCells(r *approval.Request, now time.Time) []string {
	cell := func(s string, most int) string { return show.Line(show.Spaces(s), most) }
	tool := cell(r.Upstream+"/"+r.Target, 48)
	if len(r.Warnings) > 0 {
		tool += " (!)"
	}
	expires := "over"
	if left := r.Expires.Sub(now); left > 0 {
		expires = "in " + left.Round(time.Second).String()
	}
	return []string{
		show.Line(r.ID, 64), max(now.Sub(r.Created), 0).Round(time.Second).String(), cell(r.Principal, 24), tool,
		cell(r.Effect, 16), expires, cell(strings.Join(r.Why, "; "), 72),
	}
}

type approvalsShowCommand struct {
	deskFlags
	ID        string `arg:"" help:"Id of the request, or as much of its beginning as no other has."`
	JSON      bool   `name:"json" xor:"form" help:"Print one JSON object."`
	Arguments bool   `xor:"form" help:"Print the arguments only, whole, with secrets masked."`
}

// Run prints the card.
func (c *approvalsShowCommand) Run(ctx context.Context, p program) (err error) {
	r, err := c.requests(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, r.d) }()
	if c.Arguments {
		out := bufio.NewWriter(p.out)
		err := r.Desk.Arguments(ctx, c.ID, plainJSON{out})
		fmt.Fprintln(out)
		return errors.Join(readable(err), out.Flush())
	}
	one, err := r.Get(ctx, c.ID)
	if err != nil {
		return readable(err)
	}
	if c.JSON && one.ArgsCut > 0 {
		var whole bytes.Buffer
		switch err := r.Desk.Arguments(ctx, one.ID, &whole); {
		case err == nil:
			one.Args, one.ArgsCut = whole.Bytes(), 0
		case !errors.Is(err, ostiary.CodeApprovalUnknown): // else it is not kept any more
			return readable(err)
		}
	}
	if c.JSON {
		return p.printJSON(requestJSON(&one))
	}
	_, err = fmt.Fprint(p.out, approval.Card(one))
	return err
}

// plainJSON writes JSON that comes in whole characters so that a terminal obeys
// nothing of it.
type plainJSON struct{ out io.Writer }

func (w plainJSON) Write(b []byte) (int, error) {
	if _, err := w.out.Write(escapeJSON(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}
