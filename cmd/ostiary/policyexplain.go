package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/validate"
	"github.com/ostiary/ostiary/validate/sqlhelper"
	"github.com/ostiary/ostiary/wire"
)

type policyExplainCommand struct {
	stateFlag
	File      string `arg:"" help:"The policy file."`
	Tool      string `required:"" placeholder:"UPSTREAM/TOOL" help:"The tool that is called."`
	Args      string `default:"{}" placeholder:"JSON" help:"The arguments of the call."`
	Principal string `placeholder:"NAME" help:"Who calls: a name of principals: (default: you)."`
	JSON      bool   `name:"json" help:"Print one JSON object."`
	serverFlags
}

// explanation is what policy explain --json prints.
type explanation struct {
	Tool      string   `json:"tool"`
	Principal string   `json:"principal"`
	Scopes    []string `json:"scopes"`
	// Implies says of the scopes which others came with them.
	Implies   []lintScope `json:"implies,omitempty"`
	Source    string      `json:"source"`
	Effect    string      `json:"effect"`
	EffectWhy string      `json:"effect_why"`
	// Output is how what comes back is treated.
	Output   explainedOutput   `json:"output"`
	Rows     []explainedRow    `json:"rows"`
	Gates    []explainedGate   `json:"gates"`
	Checks   []explainedCheck  `json:"checks"`
	Decision explainedDecision `json:"decision"`
}

type explainedRow struct {
	At      string `json:"at,omitempty"`
	Pattern string `json:"pattern,omitempty"`
	Deny    bool   `json:"deny,omitempty"`
	Speaks  bool   `json:"speaks"`
	Why     string `json:"why"`
}

type explainedGate struct {
	Gate string `json:"gate"`
	explainedDecision
}

type explainedCheck struct {
	Pointer string `json:"pointer"`
	Kind    string `json:"kind"`
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty"`
}

type explainedDecision struct {
	Verdict   string       `json:"verdict"`
	Code      ostiary.Code `json:"code,omitempty"`
	Stage     string       `json:"stage,omitempty"`
	Reason    string       `json:"reason,omitempty"`
	Message   string       `json:"message,omitempty"`
	Would     ostiary.Code `json:"would,omitempty"`
	Forwarded bool         `json:"forwarded"`
}

func decisionOf(d ostiary.Decision) explainedDecision {
	return explainedDecision{Verdict: d.Verdict.String(), Code: d.Code, Stage: d.Stage, Reason: d.Reason, Message: d.Message, Would: d.Would}
}

func (e *policyExplainCommand) Run(ctx context.Context, p program) error {
	file, err := config.Load(e.File, config.Options{SkipSecrets: true})
	if err != nil {
		return err
	}
	up, tool, ok := strings.Cut(e.Tool, "/")
	if !ok || up == "" || tool == "" {
		return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "--tool is UPSTREAM/TOOL, as in files/read_file"}
	}
	if e.Name == "" {
		e.Name = up
	}
	if err := e.placed(file); err != nil {
		return shownErrors(err)
	}
	lists, err := e.catalogs(ctx, file, e.stateFlag, p.err)
	if err != nil {
		return err
	}
	var list *catalog
	var known []string
	for i := range lists {
		if known = append(known, lists[i].upstream); lists[i].upstream == up {
			list = &lists[i]
		}
	}
	if list == nil {
		return noSuch("list of tools of a server", up, known)
	}
	who, err := e.who(file)
	if err != nil {
		return err
	}
	x, err := e.explain(ctx, file, *list, tool, who)
	if err != nil {
		return err
	}
	if e.JSON {
		return printJSON(p.out, x)
	}
	x.print(p.out)
	return nil
}

// who is the principal of the call.
func (e *policyExplainCommand) who(file *config.File) (ostiary.Principal, error) {
	if e.Principal == "" {
		who, _, err := auth.Stdio(principals(file), "/proc")
		return who, err
	}
	var names []string
	for _, row := range file.Principals {
		if row.Name == e.Principal {
			return ostiary.Principal{ID: row.Name, Scopes: file.Expand(row.Scopes)}, nil
		}
		names = append(names, row.Name)
	}
	return ostiary.Principal{}, noSuch("principal", e.Principal, names)
}

// explain takes the call through the same line as the door; only the recorder
// forgets, and the run says that it would have been forwarded.
func (e *policyExplainCommand) explain(ctx context.Context, file *config.File, list catalog, tool string, who ostiary.Principal) (x *explanation, err error) {
	dir, err := e.dir()
	if err != nil {
		return nil, err
	}
	// Relative names mean what they would mean to the server. Where nothing says
	// how it is started, it is taken to start here.
	row, err := e.upstream(file)
	if err != nil {
		row = config.Upstream{}
	}
	w, err := wiring(dir, who.ID, row, logger(io.Discard, false))
	if err != nil {
		return nil, err
	}
	sql, err := sqlhelper.New(sqlhelper.Options{Command: []string{w.Program, "sql-helper"}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sql.Close()) }()
	rules, err := file.NewPolicy(w, sql.Parse)
	if err != nil {
		return nil, err
	}
	line, err := file.NewLine(rules, forgetful{}, time.Now, nil)
	if err != nil {
		return nil, err
	}
	read := rules.Explain(list.upstream, list.tools, tool)
	args := []byte(e.Args)
	c := &ostiary.Call{
		ID: "explained", Received: time.Now(), Principal: who, Session: "explain", Upstream: list.upstream,
		Method: "tools/call", Class: ostiary.ClassTool, Target: tool, Rule: read.Rule,
		Effect: read.Rule.Effect, Closed: read.Rule.Closed, Arguments: args,
	}
	if c.Args, err = wire.Decode(args); err != nil {
		e := ostiary.AsError(err)
		said := e.Message
		if e.Code == ostiary.CodeWireParse { // what it advises is for a whole message
			said = `this is not JSON; write the arguments as one object, as in --args '{"path":"notes.txt"}'` + strings.TrimPrefix(e.Reason, e.Message)
		}
		return nil, &ostiary.Error{Code: e.Code, Message: "--args: " + said}
	}
	if c.Digest, err = wire.Digest(args); err != nil {
		return nil, err
	}
	for _, t := range list.tools {
		if t.Name == tool {
			c.InputSchema = t.InputSchema
		}
	}
	x = &explanation{
		Tool: list.upstream + "/" + tool, Principal: who.ID, Scopes: append([]string{}, who.Scopes...), Source: list.source(),
		Effect: read.Rule.Effect.String(), EffectWhy: read.Rule.EffectWhy,
		Output: outputOf(file, read.Rule.Output), Rows: []explainedRow{}, Checks: []explainedCheck{},
	}
	for _, s := range who.Scopes {
		if implied := file.Implied(s); len(implied) > 0 {
			x.Implies = append(x.Implies, lintScope{s, implied})
		}
	}
	x.rows(read)
	for _, g := range []ostiary.Gate{rules.Gate(), validate.Gate()} {
		d, err := g.Check(ctx, c)
		if err != nil {
			d = ostiary.Refused(g.Name(), err)
		}
		x.Gates = append(x.Gates, explainedGate{g.Name(), decisionOf(d)})
	}
	for _, check := range read.Rule.Checks {
		ec := explainedCheck{Pointer: check.Pointer, Kind: check.Kind, OK: true}
		if err := check.Run(ctx, c); err != nil {
			ec.OK, ec.Message = false, ostiary.AsError(err).Message
		}
		x.Checks = append(x.Checks, ec)
	}
	forwarded := false
	_, d := line.Do(ctx, c, func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		forwarded = true
		return &ostiary.Result{Status: ostiary.StatusOK}, nil
	})
	x.Decision = decisionOf(d)
	x.Decision.Forwarded = forwarded
	return x, nil
}

func (x *explanation) rows(read policy.Explanation) {
	told := read.Err == nil
	for _, r := range read.Rows {
		row := explainedRow{At: r.Source, Pattern: r.Pattern, Deny: r.Deny, Speaks: r.Speaks, Why: r.Why}
		if !told && r.Speaks && r.Source == read.At {
			row.Why, told = "it does not compile, so the tool is refused: "+read.Err.Error(), true
		}
		x.Rows = append(x.Rows, row)
	}
	if !told {
		x.Rows = append(x.Rows, explainedRow{Pattern: x.Tool + " as its server lists it", Speaks: true, Why: "it does not compile, so the tool is refused: " + read.Err.Error()})
	}
}

func (x *explanation) print(out io.Writer) {
	fmt.Fprintf(out, "%s, called by %s (scopes: %s)\n", x.Tool, x.Principal, orNone(strings.Join(x.Scopes, ", ")))
	for _, s := range x.Implies {
		fmt.Fprintf(out, "scope %s implies %s\n", s.Scope, strings.Join(s.Implies, ", "))
	}
	fmt.Fprintf(out, "tools: %s\n", x.Source)
	fmt.Fprintf(out, "effect: %s, because %s\n", x.Effect, x.EffectWhy)
	fmt.Fprintf(out, "what comes back: %s\n", x.Output)
	fmt.Fprintln(out, "rows:")
	if len(x.Rows) == 0 {
		fmt.Fprintln(out, "  none speaks: the server lists no such tool")
	}
	for _, r := range x.Rows {
		word := "silent"
		switch {
		case r.Deny:
			word = "deny  "
		case r.Speaks:
			word = "speaks"
		}
		fmt.Fprintf(out, "  %s  %s\n          %s\n", word, strings.TrimSpace(r.Pattern+"  "+r.At), r.Why)
	}
	fmt.Fprintln(out, "gates, each asked by itself (limits aside, which depend on the calls before):")
	for _, g := range x.Gates {
		fmt.Fprintf(out, "  %-8s %s", g.Gate, g.Verdict)
		if g.Code != "" {
			fmt.Fprintf(out, "  %s\n           %s", g.Code, g.Message)
		}
		fmt.Fprintln(out)
	}
	for _, c := range x.Checks {
		verdict := "passes"
		if !c.OK {
			verdict = "denies: " + c.Message
		}
		fmt.Fprintf(out, "    %s at %s %s\n", c.Kind, orRoot(c.Pointer), verdict)
	}
	d := x.Decision
	fmt.Fprintf(out, "decision: %s", d.Verdict)
	if d.Code != "" {
		fmt.Fprintf(out, "  %s, by %s", d.Code, d.Stage)
	}
	if d.Would != "" {
		fmt.Fprintf(out, "  (only reported: %s)", d.Would)
	}
	fmt.Fprintln(out)
	if d.Forwarded {
		fmt.Fprintln(out, "  the call would be forwarded")
	} else {
		fmt.Fprintf(out, "  for the operator: %s\n  for the agent: %s\n", d.Reason, d.Message)
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func orRoot(pointer string) string {
	if pointer == "" {
		return "the arguments"
	}
	return pointer
}
