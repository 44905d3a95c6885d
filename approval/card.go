package approval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/visible"
)

// extent is how much a card shows.
type extent struct{ texts, line, lines, bytes int }

var (
	onCard   = extent{texts: maxTexts, line: 300, lines: 120, bytes: 16 << 10}
	onDialog = extent{texts: 4, line: 160, lines: 24, bytes: 1500}
)

// Card shows a request to a person as plain text, with the commands that answer
// it. Everything in it is from outside: what is unusual is made visible, what is
// long is cut and says so, and no text can look like a line of the card itself.
func Card(r Request) string {
	b, body := &card{extent: onCard}, &card{extent: onCard}
	body.what(&r)
	b.line("Request", r.ID+"  "+string(r.State))
	b.missing(&r, body.unseen)
	b.asked(&r)
	b.line("Session", r.Session)
	b.line("Method", r.Method)
	b.line("Created", at(r.Created))
	b.line("Expires", at(r.Expires))
	if !r.Decided.IsZero() {
		b.line("Decided", strings.TrimSpace(at(r.Decided)+" by "+r.By+" at "+r.Channel+" "+r.Answer))
		b.line("Reason", r.Reason)
	}
	b.line("Used by", r.UsedBy)
	b.WriteString(body.String())
	if r.State == Pending {
		id := visible.Line(r.ID, 64)
		b.WriteString("\nTo let it run once:  ostiary approve" + r.flags + " " + id + "\nTo refuse it:        ostiary deny" + r.flags + " " + id + " --reason …\n")
		if !r.answeredAt(ChannelCLI) {
			b.line("But approve", "only at: "+strings.Join(r.Channels, ", "))
		}
	}
	return b.String()
}

// dialogText is the essence of a card, for a client's dialog.
func dialogText(r *Request, d *detail) string {
	shown := *r
	d.into(&shown)
	b, body := &card{extent: onDialog}, &card{extent: onDialog}
	body.what(&shown)
	b.WriteString("May this call run once?\n")
	b.missing(&shown, body.unseen)
	b.asked(&shown)
	b.WriteString(body.String())
	b.line("Request", r.ID)
	b.line("Expires", at(r.Expires))
	b.WriteString("Answer " + Confirm + " only if this is what you want.\n")
	return b.String()
}

type card struct {
	strings.Builder
	extent
	unseen
}

// asked is who asks for what, and why a person is asked.
func (b *card) asked(r *Request) {
	var told []string
	for _, w := range append(warnings(r.Upstream, r.Target), r.Warnings...) {
		if len(told) < b.texts && !slices.Contains(told, w) {
			b.line("WARNING", w)
			told = append(told, w)
		}
	}
	b.line("Server", r.Upstream)
	b.line("Tool", r.Target)
	b.line("Effect", r.Effect)
	b.line("Principal", r.Principal)
	b.line("Client", r.Client)
	for i, why := range r.Why {
		if i == b.texts {
			b.line("Why", fmt.Sprintf("… and %d more", len(r.Why)-i))
			break
		}
		b.line("Why", why)
	}
}

// what is what would run, and what it would do.
func (b *card) what(r *Request) {
	switch {
	case len(r.Args) > 0:
		b.args = r.ArgsCut + b.block("Arguments (secrets masked)", pretty(r.Args))
	case r.Arguments != "":
		b.line("Arguments", "none, or not shown because they could not be masked")
	}
	b.beside(r)
	if r.Preview != nil {
		b.preview = b.block("Preview ("+visible.Line(r.Preview.Kind, 40)+")", r.Preview.Text)
	}
	if r.PreviewError != "" {
		b.block("Preview FAILED: what this call would do is not known", r.PreviewError)
	}
}

// pretty is JSON on several lines, if it is JSON of a length that is looked at.
func pretty(raw []byte) string {
	var b bytes.Buffer
	if len(raw) > maxArgs || json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// warnings tell of names that pose as others.
func warnings(names ...string) (found []string) {
	for _, n := range names {
		if why, ok := visible.Lookalike(n); ok {
			found = append(found, "a name may not be what it looks like: "+why)
		}
	}
	return found
}

// into puts into a request what only a person needs.
func (d *detail) into(r *Request) {
	r.Args, r.ArgsCut, r.Beside, r.Preview, r.PreviewError = d.Args, d.ArgsCut, d.Beside, d.Preview, d.PreviewError
	r.Warnings = append(r.Warnings[:len(r.Warnings):len(r.Warnings)], d.Remarks...)
	d.besideInto(r)
}
