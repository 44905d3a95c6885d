package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/redact"
)

// explainCommand tells a person what a filter found, and what to do if it was wrong.
type explainCommand struct {
	stateFlag
	Config  string `placeholder:"FILE" help:"Policy file, for what it says of a rule of your own."`
	Finding string `arg:"" help:"Id of the finding, as \"ostiary audit show\" prints it: f-CALL-NUMBER."`
	JSON    bool   `name:"json" help:"Print one JSON object."`
}

// findingReport is what explain --json prints.
type findingReport struct {
	audit.Finding
	Call      string    `json:"call"`
	Time      time.Time `json:"time"`
	Principal string    `json:"principal"`
	Session   string    `json:"session"`
	Upstream  string    `json:"upstream"`
	Tool      string    `json:"tool"`
	Method    string    `json:"method"`
	// Why is what such a rule is for, Done what became of what it found.
	Why  string `json:"why"`
	Done string `json:"done"`
	// Same are the findings of this call with the same value.
	Same []string `json:"same"`
	// Excepted are the exceptions that cover it now, Commands those that would except
	// it or change how such things are treated, Instead what to do where nothing can be
	// excepted.
	Excepted []redact.Exception `json:"excepted"`
	Commands []string           `json:"commands"`
	Instead  string             `json:"instead,omitempty"`
}

// Run prints everything that is known of the finding. What was found is nowhere kept,
// so it cannot be shown.
func (c *explainCommand) Run(ctx context.Context, p program) (err error) {
	dir, err := c.logsOf()
	if err != nil {
		return err
	}
	f, err := p.findFinding(ctx, dir, c.Finding)
	if err != nil {
		return err
	}
	file, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	x := findingReport{
		Finding: f.Finding, Call: f.record.Call, Time: f.record.Time, Principal: f.record.Principal, Session: f.record.Session,
		Upstream: f.record.Upstream, Tool: f.subject(), Method: f.record.Method, Why: whyRule(&f.Finding, file.Redact.Custom), Done: doneWith(&f.Finding),
		Same: f.same(), Excepted: []redact.Exception{}, Commands: []string{},
	}
	if there, err := hasStore(dir); err != nil {
		return err
	} else if there {
		if x.Excepted, err = c.excepted(ctx, p, f); err != nil {
			return err
		}
	}
	if err := f.exceptable(); err != nil {
		x.Instead = ostiary.AsError(err).Message
	} else {
		x.Commands = f.commands(c.again())
	}
	if c.JSON {
		return p.printJSON(x)
	}
	_, err = io.WriteString(p.out, x.text(p.style()))
	return err
}

func (c *explainCommand) excepted(ctx context.Context, p program, f *recordedFinding) (_ []redact.Exception, err error) {
	d, desk, err := openExceptions(ctx, p, c.stateFlag, "")
	if err != nil {
		return nil, err
	}
	defer func() { err = closing(err, d) }()
	all, err := desk.List(ctx)
	if err != nil {
		return nil, err
	}
	return append([]redact.Exception{}, slices.DeleteFunc(all, func(x redact.Exception) bool {
		return !x.Covers(f.record.Upstream, f.subject(), f.Pointer, f.Rule, f.Value)
	})...), nil
}

func (x *findingReport) text(s style) string {
	v := sheet{style: s}
	fmt.Fprintf(&v.b, "%s\n", v.paint(bold, visible("finding "+x.ID)))
	where := cmp.Or(x.Pointer, "the whole")
	if x.Start > 0 {
		where += fmt.Sprintf(", from byte %d of its text", x.Start)
	}
	v.field("found", x.Rule+", by "+x.Stage)
	if x.Score > 0 {
		v.field("how sure", fmt.Sprintf("%g of 1", x.Score))
	}
	v.field("where", where)
	v.field("sent by", x.Upstream+", "+x.Tool)
	v.field("called by", strings.TrimPrefix(x.Principal+", session "+x.Session, ", "))
	v.field("call", x.Call+", at "+x.Time.In(s.zone).Format(timeLayout))
	v.field("what was done", x.Done)
	v.field("why", x.Why)
	if x.Value != "" {
		v.field("value", "is not kept; its keyed hash is "+x.Value)
	}
	if len(x.Same) > 0 {
		v.field("the same value", strings.Join(x.Same, ", "))
	}
	for _, e := range x.Excepted {
		v.field("excepted", e.ID+" until "+e.Expires.In(s.zone).Format(timeLayout)+", by "+e.By+": "+e.Reason)
	}
	v.field("instead", x.Instead)
	if len(x.Commands) > 0 {
		v.b.WriteString("\nIf it is no secret, or this tool may give it away, one of:\n")
		for _, c := range x.Commands {
			v.b.WriteString("  " + visible(c) + "\n")
		}
	}
	return v.b.String()
}
