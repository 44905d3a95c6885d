package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	show "github.com/ostiary/ostiary/internal/visible"
	"github.com/ostiary/ostiary/redact"
)

// exceptCommand makes exceptions from redaction, and takes them back.
type exceptCommand struct {
	Add    exceptAddCommand    `cmd:"" default:"withargs" help:"Let what one finding found pass from now on, at this place only."`
	List   exceptListCommand   `cmd:"" help:"Show the exceptions that hold."`
	Remove exceptRemoveCommand `cmd:"" help:"Take an exception back."`
}

func openExceptions(ctx context.Context, p program, s stateFlag, policy string) (*desk, *redact.ExceptionDesk, error) {
	d, err := openDesk(ctx, p, s, policy)
	if err != nil {
		return nil, nil, err
	}
	return d, redact.NewExceptionDesk(redact.ExceptionDeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock}), nil
}

// exceptAddCommand excepts what a finding found.
type exceptAddCommand struct {
	stateFlag
	Config    string `placeholder:"FILE" help:"Policy file, for the evidence: what to keep out of it, and where it is checkpointed."`
	Finding   string `arg:"" help:"Id of the finding, as \"ostiary audit show\" prints it."`
	Reason    string `required:"" help:"Why, for whoever reads the evidence."`
	For       string `placeholder:"30d" help:"For how long, 365d at most (default: 30d)."`
	ValueOnly bool   `help:"Only for the value that was found."`
	AnyIndex  bool   `help:"At any place of the arrays that it stands in: /content/0/text is then /content/*/text."`
	JSON      bool   `name:"json" help:"Print one JSON object."`
}

// Run makes the exception.
func (c *exceptAddCommand) Run(ctx context.Context, p program) (err error) {
	life := redact.DefaultExceptionLife
	if c.For != "" {
		var ok bool
		if life, ok = longAgo(c.For); !ok {
			return misusedFlag("--for %q is no time: write how long, as in 12h, 30d or 8w", c.For)
		}
	}
	dir, err := c.logsOf()
	if err != nil {
		return err
	}
	f, err := p.findFinding(ctx, dir, c.Finding)
	if err != nil {
		return err
	}
	if err := f.exceptable(); err != nil {
		return err
	}
	x := redact.Exception{
		Rule: f.Rule, Upstream: f.record.Upstream, Tool: f.subject(), Pointer: f.Pointer, AnyIndex: c.AnyIndex, Finding: f.ID, Reason: c.Reason,
	}
	switch {
	case c.ValueOnly && f.Value == "":
		return misusedFlag("the finding has no one value, so --value-only says nothing: leave it out to except the place")
	case c.ValueOnly:
		x.Value = f.Value
	case !f.named():
		return misusedFlag("no tool, resource or prompt is named by %s, so the place alone would be too wide: add --value-only", f.subject())
	}
	d, desk, err := openExceptions(ctx, p, c.stateFlag, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	made, err := desk.Except(ctx, x, life, f.record.Call, redact.ExceptionWho(d.Who))
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(made)
	}
	_, err = fmt.Fprintf(p.out, "excepted %s: %s passes until %s, in every process within a second\ntake it back with: ostiary except remove%s %s --reason …\n",
		made.ID, whatPasses(&made), made.Expires.In(p.style().zone).Format("2006-01-02 15:04:05-07:00"), d.again, made.ID)
	return err
}

// whatPasses says what an exception is about.
func whatPasses(x *redact.Exception) string {
	what := "what the rule " + x.Rule + " finds"
	if x.Value != "" {
		what = "the one value that the rule " + x.Rule + " found"
	}
	at := x.Pointer
	if at == "" {
		at = "the whole"
	}
	return visible(what + " at " + at + " of " + x.Upstream + " " + x.Tool)
}

// exceptListCommand shows what is excepted.
type exceptListCommand struct {
	stateFlag
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// Run prints one line an exception.
func (c *exceptListCommand) Run(ctx context.Context, p program) (err error) {
	d, desk, err := openExceptions(ctx, p, c.stateFlag, "")
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	all, err := desk.List(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		for _, x := range all {
			if err := p.printLine(x); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		_, err := io.WriteString(p.out, "nothing is excepted from redaction\n")
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tRULE\tTOOL\tPLACE\tVALUE\tUNTIL\tBY\tREASON")
	for _, x := range all {
		value := "any"
		if x.Value != "" {
			value = show.Line(x.Value, 16)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.ID, show.Line(x.Rule, 40), show.Line(x.Upstream+" "+x.Tool, 48), show.Line(x.Pointer, 48), value,
			x.Expires.In(p.style().zone).Format(time.DateTime), show.Line(x.By+", "+x.Channel, 40), show.Line(x.Reason, 60))
	}
	return w.Flush()
}

// exceptRemoveCommand takes an exception back.
type exceptRemoveCommand struct {
	stateFlag
	Config string `placeholder:"FILE" help:"Policy file, for the evidence: what to keep out of it, and where it is checkpointed."`
	ID     string `arg:"" help:"Id of the exception, or as much of its beginning as no other has."`
	Reason string `required:"" help:"Why, for whoever reads the evidence."`
	JSON   bool   `name:"json" help:"Print one JSON object: what was taken back."`
}

// Run takes it back.
func (c *exceptRemoveCommand) Run(ctx context.Context, p program) (err error) {
	d, desk, err := openExceptions(ctx, p, c.stateFlag, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	x, err := desk.Remove(ctx, c.ID, redact.ExceptionWho(d.Who), c.Reason)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(x)
	}
	_, err = fmt.Fprintf(p.out, "removed %s: %s does not pass any more\n", x.ID, whatPasses(&x))
	return err
}
