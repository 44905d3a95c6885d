package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/grant"
	show "github.com/ostiary/ostiary/internal/visible"
)

type approveCommand struct {
	deskFlags
	ID    string `arg:"" help:"Id of the request, or as much of its beginning as no other has."`
	Yes   bool   `help:"Do not ask: this is the answer CONFIRM. Needed where standard input is no terminal."`
	Grant bool   `help:"Let the same principal call the same tool in the same session without being asked, with any arguments."`
	amountFlags
	JSON bool `name:"json" help:"Print one JSON object; the request is shown on standard error."`
}

// approveReport is what approve and deny print with --json.
type approveReport struct {
	Request requestReport `json:"request"`
	Grant   *grantReport  `json:"grant,omitempty"`
}

// Run shows the card, asks, and records the answer.
func (c *approveCommand) Run(ctx context.Context, p program) (err error) {
	if !c.Grant && (c.amountFlags != (amountFlags{})) {
		return misusedFlag("--uses and --for say what a grant is: add --grant, or leave them out to approve this one call")
	}
	r, err := c.requests(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, r.d) }()
	one, err := r.Get(ctx, c.ID)
	if err != nil {
		return readable(err)
	}
	terms, err := c.terms(&one)
	if err != nil {
		return err
	}
	if err := r.check(ctx, terms); err != nil {
		return fmt.Errorf("nothing was decided: %w", readable(err))
	}
	if one.State == approval.Pending {
		if err := c.ask(ctx, p, r, &one, terms); err != nil {
			return err
		}
	}
	if one, err = r.Approve(ctx, one.ID, r.who(), approval.Confirm); err != nil {
		return readable(err)
	}
	report := approveReport{Request: requestJSON(&one)}
	if terms != nil {
		g, err := r.grant(ctx, *terms)
		if err != nil {
			return fmt.Errorf("request %s is approved, and the grant was not made: %w", show.Line(one.ID, 64), readable(err))
		}
		report.Grant = g
	}
	if c.JSON {
		return p.printJSON(report)
	}
	fmt.Fprintf(p.out, "approved %s: %s may call %s once, until %s. If the call does not wait any more, the agent repeats it.\n",
		show.Line(one.ID, 64), show.Line(one.Principal, 64), toolLine(&one), one.Expires.Local().Format("15:04:05"))
	if g := report.Grant; g != nil {
		fmt.Fprintf(p.out, "granted %s: %s\n%s", g.ID, extent(terms), p.about(&g.Grant, r.d.Clock()))
	}
	return nil
}

// ask shows the request and gets the answer of the person at the terminal. Any
// answer but CONFIRM is an error; CANCEL is a denial.
func (c *approveCommand) ask(ctx context.Context, p program, r *requests, one *approval.Request, terms *grant.Terms) error {
	to := p.out
	if c.JSON {
		to = p.err
	}
	if _, err := fmt.Fprintf(to, "%s\n", approval.Card(*one)); err != nil {
		return err // nobody approves what was not shown
	}
	unseen := ""
	if n := approval.Unseen(*one); n > 0 {
		unseen = counted(n, "byte") + " of this request not shown above"
		fmt.Fprintf(to, "WARNING: %s; `ostiary approvals show %s --json` has all of it.\n", unseen, show.Line(one.ID, 64))
	}
	if c.Yes {
		return nil
	}
	if !isTerminalIn(p.in) {
		return misusedFlag("standard input is no terminal, so nobody can be asked: look at the request, then repeat this with --yes: ostiary approve%s %s --yes", c.again(), one.ID)
	}
	also := ""
	if unseen != "" {
		also = ", with " + unseen
	}
	if terms != nil {
		also += fmt.Sprintf(" and to grant %s %s of %s", show.Line(one.Principal, 64), extent(terms), toolLine(one))
	}
	fmt.Fprintf(to, "Type %s to let this run once%s, %s to refuse it: ", approval.Confirm, also, approval.Cancel)
	switch answer, err := readAnswer(ctx, p.in); {
	case err != nil:
		fmt.Fprintln(to)
		return err
	case answer == approval.Confirm:
		return nil
	case answer == approval.Cancel:
		if _, err := r.Deny(ctx, one.ID, r.who(), ""); err != nil {
			return readable(err)
		}
		return &ostiary.Error{Code: ostiary.CodeApprovalDenied, Message: "request " + show.Line(one.ID, 64) + " is refused, and the agent is told so"}
	default:
		return misusedFlag("nothing was decided: the answer %q is neither %s nor %s", show.Line(answer, 40), approval.Confirm, approval.Cancel)
	}
}

func toolLine(r *approval.Request) string { return show.Line(r.Upstream+"/"+r.Target, 128) }

// answerMost is how much is read of an answer.
const answerMost = 256

// readAnswer reads a line, or ends with ctx.
func readAnswer(ctx context.Context, in io.Reader) (string, error) {
	type line struct {
		text string
		err  error
	}
	got := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(io.LimitReader(in, answerMost)).ReadString('\n')
		got <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", &ostiary.Error{Code: ostiary.CodeApprovalPending, Message: "interrupted: nothing was decided"}
	case l := <-got:
		if l.err != nil && !errors.Is(l.err, io.EOF) {
			return "", l.err
		}
		return strings.TrimSpace(l.text), nil
	}
}

func isTerminalIn(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
