package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/freeze"
	show "github.com/ostiary/ostiary/internal/visible"
)

// scopeFlags say what is frozen; exactly one is given.
type scopeFlags struct {
	All       bool   `help:"Everything but handshakes, pings, lists and cancellations."`
	Principal string `placeholder:"NAME" help:"The calls of one principal."`
	Tool      string `placeholder:"UPSTREAM/TOOL" help:"The calls of a tool; * stands for any run of characters, as in files/delete_*."`
	Upstream  string `placeholder:"NAME" help:"Everything to and from one server, with the same exceptions."`
	Session   string `placeholder:"ID" help:"The calls of one session, as records name it."`
}

func (f scopeFlags) scope() freeze.Scope { return freeze.Scope(f) }

// again is the scope as it is typed, "" where a shell could read it otherwise.
func again(s freeze.Scope) string {
	kind, name, _ := strings.Cut(s.ID(), ":")
	if kind == "all" {
		return "--all"
	}
	if strings.ContainsFunc(name, func(r rune) bool {
		return r > '~' || r <= ' ' || strings.ContainsRune("'\\\"`$", r)
	}) {
		return ""
	}
	return "--" + kind + " '" + name + "'"
}

// freezeCommand stops calls at once.
type freezeCommand struct {
	stateFlag
	Config string `placeholder:"FILE" help:"Policy file, for the evidence: what to keep out of it, and where it is checkpointed."`
	scopeFlags
	Now    bool   `help:"End the calls in flight, too, those that wait for a person among them."`
	Reason string `help:"Why. The agent is told it, and whoever reads the evidence."`
	List   bool   `help:"Show what is frozen, and change nothing."`
	JSON   bool   `name:"json" help:"Print one JSON object; with --list one a line."`
}

// Run freezes, and says what may not be as it was meant.
func (c *freezeCommand) Run(ctx context.Context, p program) (err error) {
	if c.List {
		return c.list(ctx, p)
	}
	var d *desk
	var f freeze.Freeze
	var before time.Time
	if err := fromKeptSpace(p, c.stateFlag, func() (err error) {
		var desk *freeze.Desk
		if d, desk, err = openFreezes(ctx, p, c.stateFlag, c.Config); err != nil {
			return notFrozen(err)
		}
		before = d.Clock()
		if f, err = desk.Freeze(ctx, c.scope(), c.Now, freeze.Who(d.Who), c.Reason); err != nil {
			return closing(notFrozen(err), d)
		}
		return nil
	}); err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	if err := printFreeze(p, d, f, f.Since.Before(before.UTC()), c.JSON); err != nil {
		return err
	}
	for _, text := range doubtsAbout(ctx, p, d, f.Scope) { // behind the freeze, which must not wait for it
		fmt.Fprintln(p.err, "ostiary: warning:", visible(text))
	}
	return nil
}

// notFrozen says first what matters to whoever wanted to stop something: that log and store
// refuse this command does not stop a door that has its log open already.
func notFrozen(err error) error {
	e, ok := errors.AsType[*ostiary.Error](err)
	if !ok || e.Code == ostiary.CodeConfigInvalid { // a slip at the command line
		return err
	}
	told := *e
	told.Message = "nothing was frozen, and doors that run may still let calls pass: mend this and repeat it, or end their processes. " + e.Message
	return &told
}

func openFreezes(ctx context.Context, p program, s stateFlag, policy string) (*desk, *freeze.Desk, error) {
	d, err := openDesk(ctx, p, s, policy)
	if err != nil {
		return nil, nil, err
	}
	return d, freeze.NewDesk(freeze.DeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock}), nil
}

// frozen is a freeze in --json.
type frozen struct {
	ID string `json:"id"`
	freeze.Freeze
}

func printFreeze(p program, d *desk, f freeze.Freeze, already, asJSON bool) error {
	if asJSON {
		return p.printJSON(frozen{f.Scope.ID(), f})
	}
	ended := "calls in flight go on; add --now to end them"
	if f.Now {
		ended = "calls in flight are ended"
	}
	lift := "ostiary unfreeze" + d.again + " " + cmp.Or(again(f.Scope), "and the same scope") + " --reason …"
	since := "frozen: " + f.Scope.String() + ", in every process within a second"
	if already {
		since = fmt.Sprintf("%s was frozen already since %s, and stays so with this reason", f.Scope, f.Since.In(p.style().zone).Format(timeLayout))
	}
	_, err := fmt.Fprintf(p.out, "%s; %s\nlift it with: %s\n", since, ended, lift)
	return err
}

func (c *freezeCommand) list(ctx context.Context, p program) (err error) {
	d, desk, err := openFreezes(ctx, p, c.stateFlag, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	if c.scope() != (freeze.Scope{}) || c.Reason != "" || c.Now {
		return misusedFlag("--list shows everything that is frozen and takes no scope, --reason or --now")
	}
	all, err := desk.List(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		for _, f := range all {
			if err := p.printLine(frozen{f.Scope.ID(), f}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		_, err := io.WriteString(p.out, "nothing is frozen\n")
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SCOPE\tSINCE\tIN FLIGHT\tBY\tREASON")
	for _, f := range all {
		ended := "went on"
		if f.Now {
			ended = "ended"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", show.Line(f.Scope.ID(), 80), f.Since.In(p.style().zone).Format("2006-01-02 15:04:05-07:00"), ended,
			show.Line(f.By+", "+f.Channel, 40), show.Line(f.Reason, 200))
	}
	return w.Flush()
}

// doubtsAbout says what of a freeze looks like a slip: nobody met the name yet.
func doubtsAbout(ctx context.Context, p program, d *desk, s freeze.Scope) []string {
	kind, name, _ := strings.Cut(s.ID(), ":")
	var known []string
	switch kind {
	case "upstream", "tool":
		lists, err := keptCatalogs(d.State)
		if err != nil || len(lists) == 0 {
			return nil // nothing is known to compare with
		}
		for _, c := range lists {
			if kind == "upstream" {
				known = append(known, c.upstream)
			}
			for _, t := range c.tools {
				if kind == "tool" {
					known = append(known, c.upstream+"/"+t.Name)
				}
			}
		}
	default:
		if kind == "all" || recorded(ctx, p, d, kind, name) {
			return nil
		}
		for _, row := range d.File.Principals {
			if kind == "principal" {
				known = append(known, row.Name)
			}
		}
	}
	if slices.ContainsFunc(known, s.Names) {
		return nil
	}
	text := fmt.Sprintf("no %s that is known fits %s: see whether it is written as in the records", kind, name)
	if near := config.Nearest(name, known); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	}
	return []string{text}
}

// recorded reports whether one of the newest records about a principal or session
// is one of a call; events, such as the freeze itself, are not. Where that cannot be
// found out it is taken for true.
func recorded(ctx context.Context, p program, d *desk, kind, name string) bool {
	f := audit.Filter{Principal: name}
	if kind == "session" {
		f = audit.Filter{Session: name}
	}
	found, err := p.search(ctx, d.State, f)
	return err != nil || slices.ContainsFunc(found, func(f audit.Found) bool { return f.Record.Kind != audit.KindEvent })
}

// unfreezeCommand lifts a freeze.
type unfreezeCommand struct {
	stateFlag
	Config string `placeholder:"FILE" help:"Policy file, for the evidence: what to keep out of it, and where it is checkpointed."`
	scopeFlags
	Reason string `required:"" help:"Why, for whoever reads the evidence."`
	JSON   bool   `name:"json" help:"Print one JSON object: what was lifted."`
}

// Run lifts the freeze with this scope, and says what is still frozen.
func (c *unfreezeCommand) Run(ctx context.Context, p program) (err error) {
	if c.scope() == (freeze.Scope{}) {
		return misusedFlag("say which freeze to lift: --all, --principal, --tool, --upstream or --session, as it was frozen; `ostiary freeze%s --list` shows what is", c.again())
	}
	d, desk, err := openFreezes(ctx, p, c.stateFlag, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, d) }()
	f, err := desk.Unfreeze(ctx, c.scope(), freeze.Who(d.Who), c.Reason)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(frozen{f.Scope.ID(), f})
	}
	left, err := desk.List(ctx)
	if err != nil {
		return err
	}
	still := ""
	if len(left) > 0 {
		var ids []string
		for _, one := range left[:min(len(left), 5)] {
			ids = append(ids, show.Line(one.Scope.ID(), 80))
		}
		still = fmt.Sprintf("still in force: %s: %s\n", counted(len(left), "freeze"), strings.Join(ids, ", "))
	}
	_, err = fmt.Fprintf(p.out, "lifted: %s is no longer frozen by this scope\n%s", f.Scope, still)
	return err
}
