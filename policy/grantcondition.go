package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ostiary/ostiary"
)

// CompileCondition makes a predicate of a condition that stands in no row, such as
// a grant's, for one tool. Arguments that the tool does not declare count as absent
// unless they are sent; CheckCondition has found the misspelt ones. The source is
// for messages. It is safe for many goroutines, and compiles anew each time.
func (p *Policy) CompileCondition(tool ostiary.Tool, text, source string) (*ostiary.Condition, error) {
	c, err := p.conditions.compile(text, scope{
		tool: tool.Upstream + "/" + tool.Name, args: newArgTypes(tool.InputSchema),
		admits: func(string) bool { return true },
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	c.Source = text + " (" + source + ")"
	return c, nil
}

// CheckCondition compiles a condition for every tool that a pattern names, and
// returns those tools. It refuses an argument that none of them has, with what may
// have been meant, and a condition that fits the arguments of one and not of
// another. Tools carry the names of their upstreams. The error is of the kind
// config_invalid; without a condition only the pattern is looked at.
func (p *Policy) CheckCondition(patternText, text string, tools []ostiary.Tool) ([]ostiary.Tool, error) {
	pt, err := parsePattern(patternText)
	if err != nil {
		return nil, invalid("", nil, "%v", err)
	}
	var named []ostiary.Tool
	types := map[string]*argTypes{}
	for _, t := range tools {
		if pt.up.match(t.Upstream) && pt.rest.match(t.Name) {
			named = append(named, t)
			types[t.Upstream+"/"+t.Name] = newArgTypes(t.InputSchema)
		}
	}
	if text == "" {
		return named, nil
	}
	if err := p.conditions.parse(text); err != nil {
		return named, invalid("", nil, "the condition is no CEL expression: %v", err)
	}
	if len(named) == 0 {
		return nil, invalid("", nil, "no known tool fits %s%s, so its condition cannot be checked", patternText, meant(pt, tools))
	}
	var problems []error
	for _, t := range named {
		name := t.Upstream + "/" + t.Name
		_, err := p.conditions.compile(text, scope{tool: name, args: types[name], admits: func(argument string) bool {
			return slices.ContainsFunc(named, func(o ostiary.Tool) bool { return types[o.Upstream+"/"+o.Name].has(argument) })
		}})
		if err != nil {
			problems = append(problems, invalid(name, nil, "the condition does not fit: %v", err))
		}
	}
	return named, errors.Join(problems...)
}

// meant continues a sentence that says that a pattern fits nothing.
func meant(pt pattern, tools []ostiary.Tool) string {
	switch {
	case len(tools) == 0:
		return " (no list of tools was kept yet: run the server once with `ostiary run`)"
	case !pt.exact():
		return ""
	}
	names := make([]string, 0, len(tools))
	for _, t := range tools {
		names = append(names, t.Upstream+"/"+t.Name)
	}
	return didYouMean(pt.text, names)
}
