package approval

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

// What stands in params beside name, arguments and _meta reaches the server and
// can say more than the arguments do, so the person sees it under a heading of
// its own.
const besideHeading = "BESIDE THE ARGUMENTS the server gets (secrets masked)"

// namesShown is how many names a warning lists.
const namesShown = 5

// maskBeside puts into the detail what stands beside the arguments without secrets,
// as [Options.Mask] makes it of arguments. What cannot be masked is cut whole.
func (g *Gate) maskBeside(d *detail, c *ostiary.Call) {
	if c.Beside == nil {
		return
	}
	beside := *c
	beside.Arguments, beside.Args = c.Beside, c.BesideArgs
	masked := g.o.Mask(&beside)
	d.Remarks = append(d.Remarks, remarks("what stands beside the arguments", c.Beside, masked)...)
	if d.Beside, d.BesideCut = bounded(masked, maxArgs); len(d.Beside) == 0 {
		d.BesideCut = len(c.Beside)
	}
}

// bounded is what is kept of masked JSON for the eye, whole characters in at most n
// bytes, and how much was cut.
func bounded(b []byte, n int) ([]byte, int) {
	if len(b) <= n {
		return b, 0
	}
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n:n], len(b) - n
}

// besideWarnings say at every channel, also where no values are shown, that there
// is more than arguments.
func besideWarnings(c *ostiary.Call) []string {
	if c.Beside == nil {
		return nil
	}
	members, _ := c.BesideArgs.(map[string]any)
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, cut(name, 100))
	}
	slices.Sort(names)
	if n := len(names) - namesShown; n > 0 {
		names = append(names[:namesShown], fmt.Sprintf("… and %d more", n))
	}
	return []string{"the server gets more than the arguments: " + strings.Join(names, ", ")}
}

func (b *card) beside(r *Request) {
	if len(r.Beside) > 0 {
		b.unseen.beside = b.block(besideHeading, pretty(r.Beside))
	}
}

func (d *detail) besideInto(r *Request) {
	if d.BesideCut > 0 {
		r.Warnings = append(r.Warnings[:len(r.Warnings):len(r.Warnings)],
			fmt.Sprintf("the last %d bytes of what stands beside the arguments are not kept for the eye", d.BesideCut))
	}
}
