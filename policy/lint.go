package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// Severity says how bad a finding is.
type Severity string

// An error denies calls or makes a row useless; a warning may be intended.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Finding is something about a row that its writer should know.
type Finding struct {
	Source   string
	Severity Severity
	Message  string
	// Next is what to do about it.
	Next string
}

// linter collects findings over all upstreams that are known.
type linter struct {
	*Policy
	names     []string // of the upstreams, sorted
	compilers map[string]*compiler
	found     []Finding
	bad       map[string]bool // sources of conditions that were found not to compile
}

// Lint compares the rows with the catalogs of all upstreams: rows that match
// nothing or never speak, names that no tool knows, effects that are weaker than
// what a tool says of itself. The findings are in the order of the file.
func (p *Policy) Lint(upstreams map[string][]ostiary.Tool) []Finding {
	l := &linter{Policy: p, names: sortedKeys(upstreams), compilers: map[string]*compiler{}, bad: map[string]bool{}}
	for _, name := range l.names {
		l.compilers[name] = p.compiler(name, upstreams[name])
	}
	spoken := l.speakers()
	for i := range p.rows[Tool].rows {
		l.row(&p.rows[Tool].rows[i], p.rows[Tool].patterns[i], spoken[&p.rows[Tool].rows[i]])
	}
	for i := range p.deny[Tool].rows {
		d, pt := &p.deny[Tool].rows[i], p.deny[Tool].patterns[i]
		if l.reach(d.Source, "deny row "+d.Pattern, pt, SeverityError) {
			l.arguments(d, pt)
		}
		l.condition(d.Source, d.When, pt, true)
	}
	for _, kind := range []Kind{Resource, Method} {
		for i := range p.rows[kind].rows {
			r := &p.rows[kind].rows[i]
			l.free(kind, r.Source, r.When, p.rows[kind].patterns[i])
		}
		for i := range p.deny[kind].rows {
			d := &p.deny[kind].rows[i]
			l.free(kind, d.Source, d.When, p.deny[kind].patterns[i])
		}
	}
	l.problems()
	order := map[string]int{}
	for i, r := range p.options.Deny {
		order[r.Source] = i + 1
	}
	for i, r := range p.options.Rows {
		order[r.Source] = len(p.options.Deny) + i + 1
	}
	slices.SortStableFunc(l.found, func(a, b Finding) int { return order[a.Source] - order[b.Source] })
	return l.found
}

func (l *linter) add(source string, s Severity, next, format string, args ...any) {
	f := Finding{Source: source, Severity: s, Message: fmt.Sprintf(format, args...), Next: next}
	if !slices.Contains(l.found, f) {
		l.found = append(l.found, f)
	}
}

// problems reports what Compile reports, for each tool; a condition that was reported
// for the row is not repeated.
func (l *linter) problems() {
	for _, name := range l.names {
		_, problems := l.Compile(name, l.compilers[name].tools)
		for _, p := range problems {
			if bad := (badCondition{}); l.bad[p.Source] && errors.As(p.Err, &bad) {
				continue
			}
			l.add(p.Source, SeverityError, "until this is mended the tool is refused", "%s: %v", p.Tool, p.Err)
		}
	}
}

// speakers maps each row to the tools that it speaks for.
func (l *linter) speakers() map[*Row][]ostiary.Tool {
	spoken := map[*Row][]ostiary.Tool{}
	for _, name := range l.names {
		c := l.compilers[name]
		for _, t := range c.tools {
			if id := c.rows.best(t.Name); id >= 0 {
				t.Upstream = name
				spoken[c.rows.rows[id]] = append(spoken[c.rows.rows[id]], t)
			}
		}
	}
	return spoken
}

// each calls do for every tool that a pattern matches and returns their number.
func (l *linter) each(pt pattern, do func(c *compiler, t ostiary.Tool)) (tools, upstreams int) {
	for _, name := range l.names {
		if !pt.up.match(name) {
			continue
		}
		upstreams++
		for _, t := range l.compilers[name].tools {
			if pt.rest.match(t.Name) {
				tools++
				if do != nil {
					do(l.compilers[name], t)
				}
			}
		}
	}
	return tools, upstreams
}

// reach reports a pattern that matches nothing.
func (l *linter) reach(source, what string, pt pattern, s Severity) bool {
	tools, upstreams := l.each(pt, nil)
	switch {
	case tools > 0:
		return true
	case upstreams == 0:
		l.add(source, s, "correct the name before the slash, or remove the row",
			"%s: no server is called %s%s", what, pt.up, didYouMean(pt.up.String(), l.names))
	default:
		var names []string
		for _, name := range l.names {
			if pt.up.match(name) {
				for _, t := range l.compilers[name].tools {
					names = append(names, t.Name)
				}
			}
		}
		slices.Sort(names)
		l.add(source, s, "correct the name behind the slash, or remove the row",
			"%s matches none of the server's tools%s", what, didYouMean(strings.ReplaceAll(pt.rest.String(), "*", ""), slices.Compact(names)))
	}
	return false
}

func (l *linter) row(r *Row, pt pattern, spoken []ostiary.Tool) {
	if !l.reach(r.Source, "rule "+r.Pattern, pt, SeverityError) {
		return
	}
	if len(spoken) == 0 {
		l.add(r.Source, SeverityError, "remove the row, or write what it says into the rows that speak",
			"rule %s never speaks: for every tool that it matches a more specific rule does", r.Pattern)
		return
	}
	l.condition(r.Source, r.When, pt, false)
	l.rewrite(r, spoken)
	asks := false
	for _, t := range spoken {
		name := t.Upstream + "/" + t.Name
		effect, _, raised := effectOf(r, t)
		asks = asks || effect.Asks()
		if raised != "" {
			l.add(r.Source, SeverityWarning, fmt.Sprintf("write effect: %s, and dangerously_unapproved: true where no person should be asked", effect),
				"rule %s says %s, but %s is annotated %s, which makes it %s", r.Pattern, r.Effect, name, raised, effect)
		}
		if seems, why := contradiction(t); r.Effect == ostiary.EffectRead && raised == "" && why != "" && seems != ostiary.EffectRead {
			l.add(r.Source, SeverityWarning, "check what the tool does and write its effect in a row of its own",
				"rule %s says read, but of %s one thing speaks against it: %s", r.Pattern, name, why)
		}
	}
	if r.Unapproved && !asks {
		l.add(r.Source, SeverityWarning, "remove dangerously_unapproved",
			"rule %s says dangerously_unapproved, but none of its tools would be asked about", r.Pattern)
	}
}

// condition compiles a row's condition for all its tools at once, so that a name
// that no tool of any server knows is found, and with it a deny row that denies
// some tools altogether because they lack an argument that it reads.
func (l *linter) condition(source, when string, pt pattern, deny bool) {
	if when == "" {
		return
	}
	known := map[string]bool{}
	l.each(pt, func(c *compiler, t ostiary.Tool) {
		for name := range c.argTypes(t).fields {
			known[name] = true
		}
	})
	l.each(pt, func(c *compiler, t ostiary.Tool) {
		var lacks []string
		s := scope{tool: pt.text, args: c.argTypes(t), admits: func(name string) bool {
			if known[name] {
				lacks = append(lacks, name)
			}
			return known[name]
		}}
		compiled, err := l.conditions.compile(when, s)
		if err != nil {
			l.bad[source] = true
			l.add(source, SeverityError, "correct the condition: until then the tools that it is about are refused", "when: %v", err)
			return
		}
		if !deny || len(lacks) == 0 {
			return
		}
		if _, err := compiled.Holds(context.Background(), &ostiary.Call{Args: map[string]any{}}); err != nil {
			l.add(source, SeverityWarning, fmt.Sprintf("begin the condition with has(call.args.%s) &&", lacks[0]),
				"the deny row reads call.args.%s, which %s/%s does not have, so that it denies every call to it", lacks[0], c.upstream, t.Name)
		}
	})
}

// arguments reports a deny row about arguments that none of its tools has.
func (l *linter) arguments(d *DenyRow, pt pattern) {
	if d.Forbids == nil {
		return
	}
	speaks := false
	l.each(pt, func(_ *compiler, t ostiary.Tool) {
		forbids, err := d.Forbids(t)
		speaks = speaks || err != nil || forbids != nil // an error is reported as a problem
	})
	if !speaks {
		l.add(d.Source, SeverityWarning, "correct the names under args:, or remove the row",
			"deny row %s never speaks: none of the tools that it matches has such an argument", d.Pattern)
	}
}

// free looks at a row that is not about tools.
func (l *linter) free(kind Kind, source, when string, pt pattern) {
	if method := pt.rest.String(); kind == Method && pt.rest.exact() && !knownMethod(method) {
		l.add(source, SeverityWarning, "correct the name behind the slash, unless the server has a method of its own",
			"%s: no revision of the protocol has the method %s", pt.text, method)
	}
	if !slices.ContainsFunc(l.names, pt.up.match) {
		l.add(source, SeverityError, "correct the name before the slash, or remove the row",
			"%s: no server is called %s%s", pt.text, pt.up, didYouMean(pt.up.String(), l.names))
	}
	if when == "" {
		return
	}
	if _, err := l.conditions.compile(when, scope{tool: pt.text, args: &argTypes{free: true}}); err != nil {
		l.add(source, SeverityError, "correct the condition", "when: %v", err)
	}
}

func knownMethod(name string) bool {
	return wire.Describe(name, wire.FromClient).Known || wire.Describe(name, wire.FromServer).Known
}
