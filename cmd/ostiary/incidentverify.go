package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ostiary/ostiary/incident"
)

// incidentVerifyCommand checks an archive. It needs no state directory.
type incidentVerifyCommand struct {
	File       string   `arg:"" help:"The archive."`
	Key        string   `placeholder:"FILE" help:"Copy of key.pub that was kept elsewhere; without it the archive's own key is believed."`
	Checkpoint []string `placeholder:"FILE" sep:"none" help:"Checkpoints that were kept elsewhere. May be given several times."`
	JSON       bool     `name:"json" help:"Print one JSON object."`
}

// incidentVerified is what incident verify --json prints.
type incidentVerified struct {
	File     string             `json:"file"`
	Intact   bool               `json:"intact"`
	Pinned   string             `json:"pinned"` // key, checkpoint or ""
	Proved   int                `json:"outside_checkpoints_proved"`
	Unproved int                `json:"outside_checkpoints_unproved"`
	Logs     int                `json:"logs"`
	Records  int64              `json:"records"`
	Bodies   int64              `json:"bodies"`
	Dropped  int64              `json:"bodies_dropped"`
	Files    int                `json:"files"`
	Broken   []incidentBroken   `json:"broken"`
	Found    []string           `json:"found"` // what the export found broken
	Claimed  string             `json:"claimed"`
	Not      string             `json:"not_claimed"`
	Manifest *incident.Manifest `json:"manifest,omitempty"`
}

type incidentBroken struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	What string `json:"what"`
}

// What an archive proves, and what it cannot.
const (
	incidentPinned   = "These records stood in the logs of the door with the key that is known from elsewhere, and nobody without that key changed, added or removed a byte of the archive."
	incidentUnpinned = "Nothing was changed since somebody with the key inside packed it. Whose key that is does not show: use --key with a copy of key.pub, or --checkpoint, that came another way."
	incidentNot      = "That no record that was asked for was left out is the word of who exported; bodies may have been dropped before; who has the secret key can make an archive of anything."
	incidentChanged  = "What is not named as broken fits its proofs; do not rely on it."
)

// Run fails if anything is broken, and names the first.
func (c *incidentVerifyCommand) Run(ctx context.Context, p program) error {
	kept, err := readKept(c.Checkpoint)
	if err != nil {
		return err
	}
	o := incident.VerifyOptions{Checkpoint: kept.lines}
	if c.Key != "" {
		text, err := os.ReadFile(c.Key)
		if err != nil {
			return unreadableFile("--key", c.Key, err)
		}
		o.Key = string(text)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return unreadableFile("the archive", c.File, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		if show := percentOf(p.err, "Verifying"); show != nil {
			o.Progress = func(n int64) { show(n, info.Size()) }
		}
	}
	rep, err := incident.Verify(ctx, f, o)
	endProgress(p.err)
	if err != nil {
		return readable(err)
	}
	v := incidentVerdict(c.File, rep)
	for i := range v.Broken {
		v.Broken[i].What = kept.name(v.Broken[i].What)
	}
	if c.JSON {
		err = p.printJSON(v)
	} else {
		err = v.print(p.out, p.style())
	}
	return errors.Join(err, readable(kept.named(rep.Err())))
}

func incidentVerdict(file string, r *incident.Report) incidentVerified {
	v := incidentVerified{
		File: file, Intact: r.Err() == nil, Pinned: r.Pinned, Proved: r.Proved, Unproved: r.Unproved, Logs: r.Logs,
		Records: r.Records, Bodies: r.Bodies, Dropped: r.Dropped, Files: r.Files, Broken: []incidentBroken{},
		Found: append([]string{}, r.Found...), Claimed: incidentPinned, Not: incidentNot, Manifest: r.Manifest,
	}
	if r.Pinned == incident.PinnedByNothing {
		v.Claimed = incidentUnpinned
	}
	if len(r.Broken) > 0 {
		v.Claimed = incidentChanged
	}
	for _, b := range r.Broken {
		v.Broken = append(v.Broken, incidentBroken{b.File, b.Line, b.What})
	}
	return v
}

func (v *incidentVerified) print(to io.Writer, s style) error {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, visible(fmt.Sprintf(format, args...)))
	}
	if v.Intact {
		b.WriteString(s.paint(green, "intact"))
	} else {
		b.WriteString(s.paint(red, "BROKEN"))
	}
	b.WriteString("       " + visible(v.File) + "\n")
	if m := v.Manifest; m != nil {
		row("exported", "%s by ostiary %s", m.Made.Format("2006-01-02T15:04:05Z07:00"), m.Versions.Ostiary)
		row("asked for", "%s", asked(&m.Selection))
	}
	switch v.Pinned {
	case incident.PinnedByKey:
		row("key", "is the one that was given")
	case incident.PinnedByCheckpoint:
		row("key", "signed what was kept elsewhere")
	default:
		row("key", "is known from the archive only")
	}
	if v.Proved+v.Unproved > 0 {
		row("checkpoints", "%d from elsewhere are continued, %d the archive has no proof for (export with --checkpoint to have it)", v.Proved, v.Unproved)
	}
	row("logs", "%d", v.Logs)
	row("records", "%d", v.Records)
	row("bodies", "%d present, %d dropped before", v.Bodies, v.Dropped)
	for _, one := range v.Broken {
		row("broken", "%s", incident.Broken(one))
	}
	for _, f := range v.Found {
		row("broken", "when it was exported: %s", f)
	}
	row("claimed", "%s", v.Claimed)
	row("not claimed", "%s", v.Not)
	_, err := io.WriteString(to, b.String())
	return err
}

// asked is a selection in words.
func asked(s *incident.Selection) string {
	var words []string
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+" "+value)
		}
	}
	if s.Since != nil {
		add("since", s.Since.Format("2006-01-02T15:04:05Z07:00"))
	}
	if s.Until != nil {
		add("until", s.Until.Format("2006-01-02T15:04:05Z07:00"))
	}
	add("principal", s.Principal)
	add("session", s.Session)
	add("tool", s.Tool)
	add("upstream", s.Upstream)
	if len(words) == 0 {
		return "everything"
	}
	return strings.Join(words, ", ")
}
