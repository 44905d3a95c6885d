package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/validate/sqlhelper"
)

type policyLintCommand struct {
	stateFlag
	File string `arg:"" help:"The policy file."`
	JSON bool   `name:"json" help:"Print one JSON object."`
	serverFlags
}

// lintReport is what policy lint --json prints.
type lintReport struct {
	OK       bool         `json:"ok"`
	File     string       `json:"file"`
	Sources  []lintSource `json:"sources"`
	Scopes   []lintScope  `json:"scopes,omitempty"`
	Findings []lintEntry  `json:"findings"`
}

type lintSource struct {
	Upstream string `json:"upstream"`
	Tools    int    `json:"tools"`
	Listed   string `json:"listed"`
	Started  bool   `json:"started"`
}

// lintScope is a row of scopes: and all that it implies.
type lintScope struct {
	Scope   string   `json:"scope"`
	Implies []string `json:"implies"`
}

type lintEntry struct {
	At       string          `json:"at"`
	Severity policy.Severity `json:"severity"`
	Message  string          `json:"message"`
	Next     string          `json:"next"`
}

func (l *policyLintCommand) Run(ctx context.Context, p program) error {
	file, err := config.Load(l.File, config.Options{SkipSecrets: true})
	if err != nil {
		return err
	}
	if err := l.placed(file); err != nil {
		return shownErrors(err)
	}
	lists, err := l.catalogs(ctx, file, l.stateFlag, p.err)
	if err != nil {
		return err
	}
	rules, err := lintable(file, l.stateFlag)
	if err != nil {
		return err
	}
	r := lintReport{OK: true, File: l.File, Sources: []lintSource{}, Findings: []lintEntry{}}
	upstreams := map[string][]ostiary.Tool{}
	for _, c := range lists {
		upstreams[c.upstream] = c.tools
		r.Sources = append(r.Sources, lintSource{c.upstream, len(c.tools), c.listed.UTC().Format("2006-01-02T15:04:05Z"), c.started})
	}
	for _, s := range file.Scopes {
		r.Scopes = append(r.Scopes, lintScope{s.Name, append([]string{}, file.Implied(s.Name)...)})
	}
	keys, err := l.keys(ctx, p)
	if err != nil {
		return err
	}
	known := holders(file, keys)
	found := append(findings(file, rules, upstreams, l.again()), people(file, known)...)
	found = append(found, namesakes(file, keys)...)
	found = append(found, views(file, rules, upstreams, append(known, mapped(file)...))...)
	for _, f := range found {
		r.OK = r.OK && f.Severity != policy.SeverityError
		r.Findings = append(r.Findings, lintEntry{f.Source, f.Severity, f.Message, f.Next})
	}
	if l.JSON {
		return errors.Join(printJSON(p.out, r), toldUnless(r.OK))
	}
	fmt.Fprintln(p.out, "compared with the tools of")
	for _, c := range lists {
		fmt.Fprintln(p.out, "  "+c.source())
	}
	for _, s := range r.Scopes {
		fmt.Fprintf(p.out, "scope %s implies %s\n", s.Scope, orNone(strings.Join(s.Implies, ", ")))
	}
	for _, f := range r.Findings {
		fmt.Fprintf(p.out, "%s: %s: %s\n    %s\n", f.At, f.Severity, f.Message, f.Next)
	}
	if len(r.Findings) == 0 {
		fmt.Fprintf(p.out, "%s: nothing found in %s and %s\n", l.File, counted(len(file.Rules), "rule"), counted(len(file.Deny), "deny row"))
	}
	return toldUnless(r.OK)
}

// lintable makes the rules of a file as the door does.
func lintable(file *config.File, state stateFlag) (*policy.Policy, error) {
	dir, err := state.dir()
	if err != nil {
		return nil, err
	}
	w, err := wiring(dir, "", config.Upstream{Cwd: file.Dir}, logger(io.Discard, false))
	if err != nil {
		return nil, err
	}
	sql, err := sqlhelper.New(sqlhelper.Options{Command: []string{w.Program, "sql-helper"}})
	if err != nil {
		return nil, err
	}
	// The helper starts with the first statement; lint judges none.
	rules, err := file.NewPolicy(w, sql.Parse)
	return rules, errors.Join(err, sql.Close())
}

// findings leaves out what nobody can know: rows about a server of the file whose
// tools were not listed. It names that server instead; again is stateFlag.again.
func findings(file *config.File, rules *policy.Policy, upstreams map[string][]ostiary.Tool, again string) []policy.Finding {
	about := map[string]string{}
	for _, r := range file.Rules {
		about[r.Source] = upstreamOf(r.Pattern)
	}
	for _, d := range file.Deny {
		about[d.Source] = upstreamOf(d.Pattern)
	}
	var found []policy.Finding
	for _, f := range rules.Lint(upstreams) {
		up := about[f.Source]
		_, listed := upstreams[up]
		if row := file.Upstream(up); row != nil && !listed {
			f = policy.Finding{Source: fmt.Sprintf("%s:%d:%d", file.Path, row.Line, row.Col), Severity: policy.SeverityWarning,
				Message: fmt.Sprintf("the tools of %s are not known, so its rows were not compared", up),
				Next:    "write its command behind --, or run it once with `ostiary run" + again + "`"}
			if len(found) > 0 && found[len(found)-1] == f {
				continue
			}
		}
		found = append(found, f)
	}
	return found
}
