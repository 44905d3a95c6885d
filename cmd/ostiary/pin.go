package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/ostiary/ostiary/config"
	show "github.com/ostiary/ostiary/internal/visible"
	"github.com/ostiary/ostiary/pin"
)

// pinCommand shows what servers are held to, and accepts what changed.
type pinCommand struct {
	List   pinListCommand   `cmd:"" help:"Show what servers are held to, what is suspicious and what waits to be accepted."`
	Diff   pinDiffCommand   `cmd:"" help:"Show how what waits differs from what was accepted."`
	Accept pinAcceptCommand `cmd:"" help:"Accept a server, or one of its tools or prompts, as it is now."`
}

func openPins(ctx context.Context, p program, s stateFlag, policy string) (*desk, *pin.Desk, error) {
	d, err := openDesk(ctx, p, s, policy)
	if err != nil {
		return nil, nil, err
	}
	return d, pin.NewDesk(pin.DeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock}), nil
}

// target is UPSTREAM or UPSTREAM/TOOL, in which the tool may be something else as
// Pin.String names it; names of upstreams have no slash.
func target(s string) (upstream, tool string) {
	upstream, tool, _ = strings.Cut(s, "/")
	return upstream, tool
}

// chosen are the pins of a target; an error if it names none.
func chosen(ctx context.Context, desk *pin.Desk, of string) ([]*pin.Pin, error) {
	upstream, tool := target(of)
	found, err := desk.List(ctx, upstream)
	if err != nil || tool == "" && len(found) > 0 || of == "" {
		return found, err
	}
	for _, one := range found {
		if one.String() == of {
			return []*pin.Pin{one}, nil
		}
	}
	return nil, unpinned(ctx, desk, of)
}

func unpinned(ctx context.Context, desk *pin.Desk, of string) error {
	all, err := desk.List(ctx, "")
	if err != nil {
		return err
	}
	var known []string
	for _, one := range all {
		known = append(known, one.Upstream, one.String())
	}
	near := ""
	if n := config.Nearest(of, known); n != "" {
		near = "; did you mean " + show.Line(n, 200) + "?"
	}
	return misusedFlag("nothing like %s is pinned%s: `ostiary pin list` shows what is", visible(of), near)
}

type pinListCommand struct {
	stateFlag
	Upstream string `arg:"" optional:"" help:"Those of one server."`
	JSON     bool   `name:"json" help:"Print one JSON object a line."`
}

// Run prints one line a pin.
func (c *pinListCommand) Run(ctx context.Context, p program) (err error) {
	d, desk, err := openPins(ctx, p, c.stateFlag, "")
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	found, err := chosen(ctx, desk, c.Upstream)
	if err != nil {
		return err
	}
	if c.JSON {
		for _, one := range found {
			if err := p.printLine(one); err != nil {
				return err
			}
		}
		return nil
	}
	if len(found) == 0 {
		_, err := io.WriteString(p.out, "nothing is pinned yet: a server is when it is started behind the door the first time\n")
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tSTATE\tSINCE\tBY\tDIGEST\tFINDINGS")
	waits := 0
	for _, one := range found {
		fmt.Fprintln(w, strings.Join(p.pinLine(one), "\t"))
		waits += min(1, len(one.Waiting))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	p.pinFindings(found)
	if waits > 0 {
		fmt.Fprintf(p.out, "%s to be accepted; until then it is refused: look with `ostiary pin diff%s`\n", waiting(waits), d.again)
	}
	return nil
}

func waiting(n int) string {
	if n == 1 {
		return "1 definition waits"
	}
	return fmt.Sprintf("%d definitions wait", n)
}

// last is the form that counts, and the one that waits; nil where there is none.
func last(one *pin.Pin) (accepted, waits *pin.Form) {
	if n := len(one.Accepted); n > 0 {
		accepted = &one.Accepted[n-1]
	}
	if n := len(one.Waiting); n > 0 {
		waits = &one.Waiting[n-1]
	}
	return accepted, waits
}

func (p program) pinLine(one *pin.Pin) []string {
	accepted, waits := last(one)
	f, state := accepted, "accepted"
	switch {
	case waits != nil && waits.Held:
		f, state = waits, "shadows"
	case waits != nil && accepted == nil:
		f, state = waits, "new"
	case waits != nil:
		f, state = waits, "changed"
	case f == nil:
		return []string{show.Line(one.String(), 80), "unknown", "", "", "", ""}
	case len(one.Accepted) > 1:
		state = fmt.Sprintf("accepted, %d forms", len(one.Accepted))
	}
	by := f.By
	if by == "" && state[:3] == "acc" {
		by = "first use"
	}
	findings := ""
	if n := len(f.Findings) + len(f.Shadows); n > 0 {
		findings = counted(n, "finding")
	}
	return []string{show.Line(one.String(), 80), state, f.Since.In(p.style().zone).Format(timeLayout), show.Line(by, 40), f.Digest[:12], findings}
}

// pinFindings prints what is suspicious about the forms, one a line.
func (p program) pinFindings(found []*pin.Pin) {
	for _, one := range found {
		accepted, waits := last(one)
		for _, f := range []*pin.Form{accepted, waits} {
			if f == nil || f == accepted && waits != nil {
				continue
			}
			for _, text := range f.Findings {
				fmt.Fprintf(p.out, "suspicious: %s: %s\n", show.Line(one.String(), 120), show.Line(text, 300))
			}
			for _, s := range f.Shadows {
				fmt.Fprintf(p.out, "suspicious: %s: %s\n", show.Line(one.String(), 120), show.Line(s.String(), 300))
			}
		}
	}
}
