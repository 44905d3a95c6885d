package main

import (
	"context"
	"fmt"
	"io"

	show "github.com/ostiary/ostiary/internal/visible"
	"github.com/ostiary/ostiary/pin"
)

// diffWidth is how many characters of one side of a difference are shown.
const diffWidth = 400

type pinDiffCommand struct {
	stateFlag
	Of   string `arg:"" optional:"" name:"upstream" help:"UPSTREAM or UPSTREAM/TOOL, as pin list names it (default: all that waits)."`
	Full bool   `help:"Show all of each text."`
	JSON bool   `name:"json" help:"Print one JSON object a line."`
}

// pinDiff is one difference in --json.
type pinDiff struct {
	Upstream    string           `json:"upstream"`
	Kind        pin.Kind         `json:"kind"`
	Name        string           `json:"name,omitempty"`
	Accepted    string           `json:"accepted,omitempty"`
	Waiting     string           `json:"waiting"`
	Differences []pin.Difference `json:"differences"`
	Findings    []string         `json:"findings,omitempty"`
	Shadows     []pin.Shadow     `json:"shadows,omitempty"`
}

// Run prints what waits beside what was accepted.
func (c *pinDiffCommand) Run(ctx context.Context, p program) (err error) {
	d, desk, err := openPins(ctx, p, c.stateFlag, "")
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	found, err := chosen(ctx, desk, c.Of)
	if err != nil {
		return err
	}
	n := 0
	for _, one := range found {
		for i := range one.Waiting {
			n++
			if err := c.print(p, one, &one.Waiting[i]); err != nil {
				return err
			}
		}
	}
	switch {
	case c.JSON:
		return nil
	case n == 0:
		_, err = io.WriteString(p.out, "nothing has changed: everything is as it was accepted\n")
	default:
		_, err = fmt.Fprintf(p.out, "accept with: ostiary pin accept%s UPSTREAM[/TOOL] --reason …\n", d.again)
	}
	return err
}

func (c *pinDiffCommand) print(p program, one *pin.Pin, waits *pin.Form) error {
	accepted, _ := last(one)
	v := pinDiff{Upstream: one.Upstream, Kind: one.Kind, Name: one.Name, Waiting: waits.Digest, Findings: waits.Findings, Shadows: waits.Shadows}
	before := ""
	if accepted != nil {
		v.Accepted, before = accepted.Digest, accepted.Text
	}
	switch {
	case waits.Text == "" || accepted != nil && before == "":
	case accepted == nil:
		v.Differences = pin.Diff("{}", waits.Text)
	default:
		v.Differences = pin.Diff(before, waits.Text)
	}
	if c.JSON {
		return p.printLine(v)
	}
	state := "changed"
	if accepted == nil {
		state = "new"
	}
	fmt.Fprintf(p.out, "%s, %s, seen %s, %s\n", show.Line(one.String(), 200), state, waits.Since.In(p.style().zone).Format(timeLayout), waits.Digest[:12])
	width := diffWidth
	if c.Full {
		width = 1 << 20
	}
	for _, difference := range v.Differences {
		for _, line := range difference.Lines(width) {
			fmt.Fprintln(p.out, "  "+line)
		}
	}
	if len(v.Differences) == 0 {
		fmt.Fprintln(p.out, "  the text is too long to be kept, so only its digest can be compared")
	}
	for _, f := range waits.Findings {
		fmt.Fprintln(p.out, "  suspicious: "+show.Line(f, 300))
	}
	for _, s := range waits.Shadows {
		fmt.Fprintln(p.out, "  suspicious: "+s.String())
	}
	return nil
}
