package main

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"time"

	"github.com/ostiary/ostiary/audit"
)

// auditQueryCommand searches the index of the logs.
type auditQueryCommand struct {
	stateFlag
	Since     string `placeholder:"TIME" help:"From this time on: 1h or 7d ago, 2026-11-21, 2026-11-21T10:00, or RFC 3339."`
	Until     string `placeholder:"TIME" help:"Before this time."`
	Principal string `placeholder:"NAME" help:"Of this caller."`
	Tool      string `placeholder:"GLOB" help:"Of tools that match: read_*, or with a slash files/read_*."`
	Upstream  string `placeholder:"NAME" help:"To this server."`
	Decision  string `placeholder:"VERDICT" help:"With this verdict: allow, deny, ask or answer."`
	Code      string `placeholder:"CODE" help:"With this code, such as validate_path."`
	Session   string `placeholder:"ID" help:"Of this session."`
	Text      string `placeholder:"WORDS" help:"With these words together in reason, message, target, arguments or result."`
	Limit     int    `placeholder:"N" default:"100" help:"The newest N at most (default: 100)."`
	JSON      bool   `name:"json" help:"Print one JSON object a line: record and body."`
}

// Run prints what matches, newest last.
func (c *auditQueryCommand) Run(ctx context.Context, p program) error {
	f, err := c.filter(time.Now(), time.Local)
	if err != nil {
		return err
	}
	dir, err := c.logsOf()
	if err != nil {
		return err
	}
	f.Limit++ // one more tells whether there are more
	found, err := p.search(ctx, dir, f)
	if err != nil {
		return err
	}
	more := len(found) > c.Limit
	if more {
		found = found[1:]
	}
	if err := c.print(p, found); err != nil {
		return err
	}
	switch {
	case len(found) == 0:
		next := "`ostiary audit tail" + c.again() + "` shows the newest ones."
		if try := meant(f, newest(ctx, dir, audit.Filter{})); try != "" {
			next = "Did you mean " + try + "?"
		}
		fmt.Fprintln(p.err, "No record matches.", next)
	case more:
		fmt.Fprintf(p.err, "There are older ones; these are the newest %d. Narrow the search, or ask for more with --limit.\n", c.Limit)
	}
	if !c.JSON && len(found) > 0 {
		fmt.Fprintln(p.err, "Read from the index, not verified: `ostiary audit verify"+c.again()+"` proves what the logs say.")
	}
	return nil
}

func (c *auditQueryCommand) print(p program, found []audit.Found) error {
	if c.JSON {
		for _, f := range found {
			if _, err := p.out.Write(append(foundJSON(f), '\n')); err != nil {
				return err
			}
		}
		return nil
	}
	if len(found) == 0 {
		return nil
	}
	s := p.style()
	rows := [][columns]string{headings}
	for i := range found {
		rows = append(rows, s.row(&found[i].Record))
	}
	w := widths(rows)
	var paint [columns]string
	for i := range paint {
		paint[i] = bold
	}
	for i, row := range rows {
		if i > 0 {
			paint = verdictColours(&found[i-1].Record)
		}
		if err := s.writeRow(p.out, row, paint, w); err != nil {
			return err
		}
	}
	return nil
}

// filter reads the flags. Relative times count from now, dates are of zone.
func (c *auditQueryCommand) filter(now time.Time, zone *time.Location) (f audit.Filter, err error) {
	f = audit.Filter{
		Principal: c.Principal, Tool: c.Tool, Upstream: c.Upstream, Decision: c.Decision,
		Code: c.Code, Session: c.Session, Text: c.Text, Limit: c.Limit,
	}
	if f.Since, err = moment("--since", c.Since, now, zone); err != nil {
		return f, err
	}
	if f.Until, err = moment("--until", c.Until, now, zone); err != nil {
		return f, err
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return f, misusedFlag("--since %s is not before --until %s, so nothing can match: exchange them", c.Since, c.Until)
	}
	if _, err := path.Match(c.Tool, ""); err != nil {
		return f, misusedFlag("--tool %q is not a pattern: close the [, and write * for any text and ? for one character", c.Tool)
	}
	if c.Limit < 1 {
		return f, misusedFlag("--limit %d: write how many records to print at most, 1 or more", c.Limit)
	}
	if err := oneOf("--decision", c.Decision, "allow", "deny", "ask", "answer"); err != nil {
		return f, err
	}
	if c.Code != "" && !codeShape.MatchString(c.Code) {
		return f, misusedFlag("--code %q is not a code: they look like validate_path; docs/reference/codes.md lists them", c.Code)
	}
	return f, nil
}

var codeShape = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)+$`)
