package policy

import (
	"context"
	"fmt"
	"slices"

	"github.com/ostiary/ostiary"
)

// Book is what a policy says about one upstream, compiled against its catalog. It
// is safe for use by many goroutines. A nil Book forbids everything.
type Book struct {
	upstream string
	policy   *Policy
	tools    map[string]*ostiary.Rule
	names    []string // sorted
	other    *otherBook
	view     *view // of which this is the book; nil for all of the upstream
}

// Problem is a row that does not compile for a tool, or a tool that no row can
// speak for. The tool is denied; nothing else is.
type Problem struct {
	Source string // the row's; empty if it is the tool's own
	Tool   string // upstream/name
	Err    error
}

// badCondition tells a condition that does not compile from what else is wrong with
// a row.
type badCondition struct{ error }

func (e badCondition) Unwrap() error { return e.error }

// slice is the part of a table that concerns one upstream.
type slice[R any] struct {
	rows     []*R
	patterns []pattern
	index    *index
}

func cut[R any](rows []R, patterns []pattern, upstream string) slice[R] {
	var s slice[R]
	var globs []glob
	for i := range rows {
		if patterns[i].up.match(upstream) {
			s.rows, s.patterns = append(s.rows, &rows[i]), append(s.patterns, patterns[i])
			globs = append(globs, patterns[i].rest)
		}
	}
	s.index = newIndex(globs)
	return s
}

// best returns the place of the most specific row for a target, or -1.
func (s *slice[R]) best(target string) int {
	best := -1
	for _, id := range s.index.find(target, nil) {
		if best < 0 || s.patterns[id].compare(s.patterns[best]) < 0 {
			best = id
		}
	}
	return best
}

// all returns the places of all rows for a target, in the order of the file.
func (s *slice[R]) all(target string) []int {
	ids := s.index.find(target, nil)
	slices.Sort(ids)
	return ids
}

// compiler makes the rules of one book.
type compiler struct {
	*Policy
	upstream   string
	rows       slice[Row]
	deny       slice[DenyRow]
	denyMethod slice[DenyRow]
	// types are the arguments of every tool of the catalog, made when needed.
	types    map[string]*argTypes
	tools    []ostiary.Tool
	problems []Problem
}

func (p *Policy) compiler(upstream string, tools []ostiary.Tool) *compiler {
	return &compiler{
		Policy: p, upstream: upstream, tools: tools, types: map[string]*argTypes{},
		rows:       cut(p.rows[Tool].rows, p.rows[Tool].patterns, upstream),
		deny:       cut(p.deny[Tool].rows, p.deny[Tool].patterns, upstream),
		denyMethod: cut(p.deny[Method].rows, p.deny[Method].patterns, upstream),
	}
}

// Compile makes the book of an upstream from its catalog, once per catalog. A row
// that does not compile for a tool is a Problem and denies that tool alone.
func (p *Policy) Compile(upstream string, tools []ostiary.Tool) (*Book, []Problem) {
	c := p.compiler(upstream, tools)
	b := &Book{upstream: upstream, policy: p, tools: make(map[string]*ostiary.Rule, len(tools)), other: newOtherBook(p, upstream)}
	for _, t := range tools {
		if _, twice := b.tools[t.Name]; twice || t.Name == "" {
			c.problem("", t, fmt.Errorf("the upstream lists %d tools of the name %q; a call could mean any of them", 1+count(twice), t.Name))
			b.tools[t.Name] = broken(nil, t)
			continue
		}
		b.tools[t.Name] = c.tool(t)
	}
	b.names = sortedKeys(b.tools)
	if p.options.Listed != nil {
		p.options.Listed(upstream, b.names)
	}
	return b, c.problems
}

func (c *compiler) problem(source string, t ostiary.Tool, err error) {
	c.problems = append(c.problems, Problem{Source: source, Tool: c.upstream + "/" + t.Name, Err: err})
}

// tool makes the one rule of a tool. It never returns nil.
func (c *compiler) tool(t ostiary.Tool) *ostiary.Rule {
	var row *Row
	if id := c.rows.best(t.Name); id >= 0 {
		row = c.rows.rows[id]
	}
	rule, source, err := c.compose(row, t)
	if err != nil {
		c.problem(source, t, err)
		return broken(row, t)
	}
	return rule
}

func (c *compiler) compose(row *Row, t ostiary.Tool) (rule *ostiary.Rule, source string, err error) {
	defer func() {
		if r := recover(); r != nil {
			rule, err = nil, fmt.Errorf("compiling the row panicked: %v", r)
		}
	}()
	if row != nil {
		source = row.Source
	}
	rule = judged(row, t, c.upstream)
	if schema := c.options.Schema; schema != nil {
		check, err := schema(t)
		if err != nil {
			return nil, "", fmt.Errorf("the tool's own schema: %w", err)
		}
		rule.Checks = append(rule.Checks, check)
	}
	if row != nil {
		if err := c.fill(rule, row, t); err != nil {
			return nil, source, err
		}
	}
	for _, id := range c.deny.all(t.Name) {
		if err := c.addDeny(rule, c.deny.rows[id], c.deny.patterns[id], t); err != nil {
			return nil, c.deny.rows[id].Source, err
		}
	}
	for _, id := range c.denyMethod.all(toolMethod) {
		if err := c.addDeny(rule, c.denyMethod.rows[id], c.denyMethod.patterns[id], t); err != nil {
			return nil, c.denyMethod.rows[id].Source, err
		}
	}
	return rule, "", nil
}

func (c *compiler) fill(rule *ostiary.Rule, row *Row, t ostiary.Tool) (err error) {
	rule.Scopes, rule.Limits, rule.Timeout, rule.ReportOnly = row.Scopes, row.Limits, row.Timeout, row.ReportOnly
	if err := c.consent(rule, row, t); err != nil {
		return err
	}
	if row.When != "" {
		pt, _ := parsePattern(row.Pattern) // New has parsed it
		if rule.When, err = c.conditions.compile(row.When, c.scope(pt, t)); err != nil {
			return fmt.Errorf("when: %w", badCondition{err})
		}
	}
	if row.Checks != nil {
		checks, err := row.Checks(t)
		if err != nil {
			return fmt.Errorf("args: %w", err)
		}
		rule.Checks = append(rule.Checks, checks...)
	}
	return nil
}

// scope is what a row's condition may name for a tool: the tool's arguments, and
// those of the other tools that the row speaks for. A row for several upstreams
// may mean a tool of another catalog; Lint, which sees all, finds its typos.
func (c *compiler) scope(pt pattern, t ostiary.Tool) scope {
	return scope{tool: c.upstream + "/" + t.Name, args: c.argTypes(t), admits: func(name string) bool {
		if !pt.up.exact() {
			return true
		}
		return slices.ContainsFunc(c.tools, func(o ostiary.Tool) bool {
			return pt.rest.match(o.Name) && c.argTypes(o).has(name)
		})
	}}
}

func (c *compiler) argTypes(t ostiary.Tool) *argTypes {
	a := c.types[t.Name]
	if a == nil {
		a = newArgTypes(t.InputSchema)
		c.types[t.Name] = a
	}
	return a
}

func (c *compiler) addDeny(rule *ostiary.Rule, d *DenyRow, pt pattern, t ostiary.Tool) error {
	var when, forbids *ostiary.Condition
	var err error
	if d.Forbids != nil {
		if forbids, err = d.Forbids(t); err != nil {
			return fmt.Errorf("deny row, args: %w", err)
		}
		if forbids == nil {
			return nil // the tool has no such argument
		}
	}
	if d.When != "" {
		if when, err = c.conditions.compile(d.When, c.scope(pt, t)); err != nil {
			return fmt.Errorf("deny row, when: %w", badCondition{err})
		}
	}
	rule.Deny = append(rule.Deny, d.condition(forbids, when))
	return nil
}

// condition holds if everything that the row asks for holds; a row that asks for
// nothing always holds.
func (d *DenyRow) condition(forbids, when *ostiary.Condition) ostiary.Condition {
	return ostiary.Condition{
		Source: fmt.Sprintf("%s (%s)", d.Pattern, d.Source), Reason: d.Reason, Always: forbids == nil && when == nil,
		Holds: func(ctx context.Context, c *ostiary.Call) (bool, error) {
			for _, part := range []*ostiary.Condition{forbids, when} {
				if part == nil {
					continue
				}
				if holds, err := part.Holds(ctx, c); err != nil || !holds {
					return false, err
				}
			}
			return true, nil
		},
	}
}

// Tool returns the rule of a tool, never nil: one map lookup for a tool that the
// upstream lists, a rule that forbids for any other.
func (b *Book) Tool(name string) *ostiary.Rule {
	return b.toolOf(name, func(*ostiary.Rule) bool { return true })
}

// ToolFor is Tool for a caller: what a refusal suggests are tools that the caller
// may call, so that it names none that the caller has not named.
func (b *Book) ToolFor(name string, p *ostiary.Principal) *ostiary.Rule {
	return b.toolOf(name, func(r *ostiary.Rule) bool { return Shown(r, p) })
}

// Shown reports whether a principal may call at all what a rule speaks for.
func Shown(r *ostiary.Rule, p *ostiary.Principal) bool {
	return r.Forbid == nil && len(p.MissingScopes(r.Scopes)) == 0 &&
		!slices.ContainsFunc(r.Deny, func(c ostiary.Condition) bool { return c.Always })
}

func (b *Book) toolOf(name string, shown func(*ostiary.Rule) bool) *ostiary.Rule {
	if b == nil {
		return noCatalog()
	}
	if rule := b.tools[name]; rule != nil {
		return rule
	}
	names := slices.DeleteFunc(slices.Clone(b.names), func(n string) bool { return !shown(b.tools[n]) })
	return &ostiary.Rule{
		Effect: ostiary.EffectDestructive, EffectWhy: "nothing is known about the tool",
		Forbid: &ostiary.Error{
			Code: ostiary.CodePolicyUnknown,
			Message: fmt.Sprintf("the server %s lists no tool %s%s: call tools/list for the names it has",
				b.called(), quoted(name), didYouMean(name, names)),
		},
	}
}

// called is the name under which callers know what the book is about.
func (b *Book) called() string {
	if b.view != nil {
		return b.view.Name
	}
	return b.upstream
}

func noCatalog() *ostiary.Rule {
	return &ostiary.Rule{
		Effect: ostiary.EffectDestructive, EffectWhy: "the catalog is not known",
		Forbid: &ostiary.Error{
			Code:    ostiary.CodePolicyCatalog,
			Message: "the server's list of tools is not known yet, so no rule can speak: try again shortly",
		},
	}
}

// broken forbids a tool for which something does not compile. The agent learns
// that much; the operator finds the error among the problems.
func broken(row *Row, t ostiary.Tool) *ostiary.Rule {
	rule := &ostiary.Rule{
		Effect: ostiary.EffectDestructive, EffectWhy: "the rule does not compile",
		Forbid: &ostiary.Error{
			Code: ostiary.CodePolicyRule,
			Message: fmt.Sprintf("what the policy says about the tool %s does not compile, so it is refused: the operator runs ostiary policy lint, which names the row and the error",
				quoted(t.Name)),
		},
	}
	if row != nil {
		rule.Pattern, rule.Source = row.Pattern, row.Source
	}
	return rule
}

// quoted makes a name from outside fit for a message.
func quoted(name string) string {
	const longest = 120
	if len(name) > longest {
		return fmt.Sprintf("%.*q…", longest, name)
	}
	return fmt.Sprintf("%q", name)
}
