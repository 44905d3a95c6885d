package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/incident"
)

// incidentCommand hands evidence on.
type incidentCommand struct {
	Export incidentExportCommand `cmd:"" help:"Pack what happened, with proofs, into one archive."`
	Verify incidentVerifyCommand `cmd:"" help:"Check such an archive by itself and name what was changed."`
}

// incidentExportCommand packs the records that were asked for.
type incidentExportCommand struct {
	stateFlag
	Since      string   `required:"" placeholder:"TIME" help:"From this time on: 1h or 7d ago, 2026-11-21, 2026-11-21T10:00, or RFC 3339."`
	Until      string   `placeholder:"TIME" help:"Before this time."`
	Principal  string   `placeholder:"NAME" help:"Only records, approvals, grants and API keys of this caller."`
	Session    string   `placeholder:"ID" help:"Only records of this session."`
	Tool       string   `placeholder:"GLOB" help:"Only records of tools that match: read_*, or with a slash files/read_*."`
	Upstream   string   `placeholder:"NAME" help:"Only records and pins of this server."`
	Checkpoint []string `placeholder:"FILE" sep:"none" help:"Checkpoints that were kept elsewhere; the archive then proves that the logs continue them. May be given several times."`
	Out        string   `short:"o" placeholder:"FILE" help:"Where to write; it must not exist (default: ostiary-incident-TIME.tar.gz here)."`
	JSON       bool     `name:"json" help:"Print one JSON object."`
}

// exported is what incident export --json prints.
type exported struct {
	File     string             `json:"file"`
	Bytes    int64              `json:"bytes"`
	SHA256   string             `json:"sha256"`
	Logs     int                `json:"logs"`
	Records  int64              `json:"records"`
	Bodies   int64              `json:"bodies"`
	Dropped  int64              `json:"bodies_dropped"`
	Policies []incident.Policy  `json:"policies"`
	Tools    []incident.Tools   `json:"tools"`
	Parts    []incident.Rows    `json:"parts"`
	Found    []string           `json:"found"`
	Key      string             `json:"key"`
	Chosen   incident.Selection `json:"selection"`
}

// Run writes the archive, or nothing.
func (c *incidentExportCommand) Run(ctx context.Context, p program) error {
	now := time.Now()
	f, err := c.filter(now, time.Local)
	if err != nil {
		return err
	}
	kept, err := readKept(c.Checkpoint)
	if err != nil {
		return err
	}
	dir, err := c.logsOf()
	if err != nil {
		return err
	}
	parts, closeParts, err := c.parts(ctx, p, dir)
	if err != nil {
		return err
	}
	if c.Out == "" {
		c.Out = "ostiary-incident-" + now.UTC().Format("20060102T150405Z") + ".tar.gz"
	}
	out, err := newOutput(c.Out)
	if err != nil {
		return errors.Join(err, closeParts())
	}
	m, err := incident.Export(ctx, out, incident.Options{
		State: dir, Filter: f, Checkpoint: kept.lines, Parts: parts, Mask: config.MaskPolicy, Version: version,
		Now: time.Now, Progress: percentOf(p.err, "Exporting"),
	})
	endProgress(p.err)
	if err = errors.Join(readable(kept.named(err)), closeParts()); err != nil {
		return errors.Join(err, out.abandon())
	}
	if err := out.finish(); err != nil {
		return err
	}
	e := exported{
		File: c.Out, Bytes: out.n, SHA256: out.digest(), Logs: len(m.Logs), Policies: append([]incident.Policy{}, m.Policies...),
		Tools: append([]incident.Tools{}, m.Tools...), Parts: append([]incident.Rows{}, m.Parts...), Found: append([]string{}, m.Found...),
		Key: m.Key, Chosen: m.Selection,
	}
	for _, l := range m.Logs {
		e.Records, e.Bodies, e.Dropped = e.Records+l.Records, e.Bodies+l.Bodies, e.Dropped+l.Dropped
	}
	if e.Records == 0 { // an archive of nothing may be meant: it proves what was there
		fmt.Fprintln(p.err, "ostiary: warning:", nothingPacked(ctx, dir, c.again(), f))
	}
	if c.JSON {
		return p.printJSON(e)
	}
	return e.print(p.out, p.style())
}

func (c *incidentExportCommand) filter(now time.Time, zone *time.Location) (f audit.Filter, err error) {
	f = audit.Filter{Principal: c.Principal, Session: c.Session, Tool: c.Tool, Upstream: c.Upstream}
	if f.Since, err = moment("--since", c.Since, now, zone); err != nil {
		return f, err
	}
	if f.Until, err = moment("--until", c.Until, now, zone); err != nil {
		return f, err
	}
	if !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return f, misusedFlag("--since %s is not before --until %s, so nothing can match: exchange them", c.Since, c.Until)
	}
	if _, err := path.Match(c.Tool, ""); err != nil {
		return f, misusedFlag("--tool %q is not a pattern: close the [, and write * for any text and ? for one character", c.Tool)
	}
	return f, nil
}

func (e *exported) print(to io.Writer, s style) error {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, visible(fmt.Sprintf(format, args...)))
	}
	row("archive", "%s", e.File)
	row("sha256", "%s", e.SHA256)
	row("records", "%d of %d logs", e.Records, e.Logs)
	row("bodies", "%d present, %d dropped before", e.Bodies, e.Dropped)
	for _, p := range e.Policies {
		row("policy", "%s  %s", p.Digest, p.State)
	}
	for _, t := range e.Tools {
		row("tools", "%s  %s", t.Upstream, t.State)
	}
	for _, part := range e.Parts {
		if part.Absent != "" {
			row(part.Name, "none: %s", part.Absent)
		} else {
			row(part.Name, "%d", part.Rows)
		}
	}
	for _, f := range e.Found {
		row(s.paint(red, "broken"), "%s", f)
	}
	row("key", "%s", e.Key)
	row("next", "Give it away with the sha256, over another way. `ostiary incident verify %s --key FILE` checks it; it holds redacted arguments and results, so treat it as what it is about.", filepath.Base(e.File))
	_, err := io.WriteString(to, b.String())
	return err
}

// percentOf shows how far work is, on a terminal only.
func percentOf(to io.Writer, what string) func(done, total int64) {
	if !isTerminal(to) {
		return nil
	}
	last := int64(-1)
	return func(done, total int64) {
		if percent := done * 100 / max(total, 1); percent != last {
			last = percent
			fmt.Fprintf(to, "\r%s … %d %%", what, percent)
		}
	}
}

func endProgress(to io.Writer) {
	if isTerminal(to) {
		fmt.Fprint(to, "\r\x1b[K")
	}
}

// noStore is why there are no rows.
const noStore = "the state directory has no store"

func hasStore(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, "store.sqlite"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Err: err, Message: "the store cannot be looked at; run this as the user who runs the door"}
	}
	return true, nil
}
