package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
)

// View is a part of what an upstream offers, under a name of its own.
type View struct {
	Name string
	// Tools, Resources and Prompts are patterns of names and URIs, in which * stands
	// for any run of characters; Effects are those whose tools belong to it too.
	Tools, Resources, Prompts []string
	Effects                   []ostiary.Effect
}

// Views are those of one upstream. No tool, resource or prompt is in two of them.
// They are immutable.
type Views struct {
	upstream string
	all      []view
}

type view struct {
	View
	tools, resources, prompts []glob
}

// ViewProblem is what is wrong with the view At.
type ViewProblem struct {
	At      int
	Message string
}

// NewViews checks the views of an upstream: two that can share a tool, a resource
// or a prompt by what is written are a problem. Which tools have an effect is known
// with the catalog only, see [Views.Book].
func NewViews(upstream string, rows []View) (*Views, []ViewProblem) {
	v := &Views{upstream: upstream}
	var problems []ViewProblem
	fail := func(at int, format string, args ...any) {
		problems = append(problems, ViewProblem{at, fmt.Sprintf(format, args...)})
	}
	for i, row := range rows {
		one := view{View: row}
		for _, part := range []struct {
			texts []string
			into  *[]glob
		}{{row.Tools, &one.tools}, {row.Resources, &one.resources}, {row.Prompts, &one.prompts}} {
			for _, text := range part.texts {
				if text == "" || strings.ContainsFunc(text, isControl) {
					fail(i, "the view %s has a pattern that is empty or has a control character", row.Name)
				}
				*part.into = append(*part.into, newGlob(text))
			}
		}
		if len(one.tools)+len(one.resources)+len(one.prompts)+len(one.Effects) == 0 {
			fail(i, "the view %s offers nothing: give it tools, effects, resources or prompts", row.Name)
		}
		for _, other := range v.all {
			if what := one.shares(&other); what != "" {
				fail(i, "the views %s and %s can both have %s: what is in one must not be in another", other.Name, row.Name, what)
			}
		}
		v.all = append(v.all, one)
	}
	return v, problems
}

// shares says what two views can both have by what is written; "" is nothing.
func (v *view) shares(o *view) string {
	for _, e := range v.Effects {
		if slices.Contains(o.Effects, e) {
			return "tools of the effect " + e.String()
		}
	}
	for _, part := range []struct {
		what       string
		ours, hers []glob
	}{{"a tool", v.tools, o.tools}, {"a resource", v.resources, o.resources}, {"a prompt", v.prompts, o.prompts}} {
		for _, a := range part.ours {
			for _, b := range part.hers {
				if a.overlaps(b) {
					return fmt.Sprintf("%s that %q and %q match", part.what, b, a)
				}
			}
		}
	}
	return ""
}

func matches(globs []glob, name string) bool {
	return slices.ContainsFunc(globs, func(g glob) bool { return g.match(name) })
}

// Of returns the names of the views that have a tool with this rule.
func (v *Views) Of(tool string, rule *ostiary.Rule) (names []string) {
	for i := range v.all {
		if one := &v.all[i]; matches(one.tools, tool) || slices.Contains(one.Effects, rule.Effect) {
			names = append(names, one.Name)
		}
	}
	return names
}

// Book returns the book of one view: to it everything outside does not exist. A
// tool that two views have is closed in both, and named in shared. A view that is
// not there has nothing.
func (v *Views) Book(b *Book, name string) (of *Book, shared []string) {
	if b == nil {
		return nil, nil
	}
	at := slices.IndexFunc(v.all, func(one view) bool { return one.Name == name })
	made := *b
	made.view, made.tools, made.names = &view{View: View{Name: name}}, map[string]*ostiary.Rule{}, nil
	if at >= 0 {
		made.view = &v.all[at]
	}
	for _, tool := range b.names {
		switch in := v.Of(tool, b.tools[tool]); {
		case !slices.Contains(in, name):
			continue
		case len(in) > 1:
			shared = append(shared, tool)
			made.tools[tool] = closed(b.tools[tool], in)
		default:
			made.tools[tool] = b.tools[tool]
		}
		made.names = append(made.names, tool)
	}
	return &made, shared
}

func closed(rule *ostiary.Rule, views []string) *ostiary.Rule {
	made := *rule
	made.Forbid = &ostiary.Error{
		Code:    ostiary.CodePolicyView,
		Reason:  "the tool is in the views " + strings.Join(views, " and "),
		Message: "two views of the server have this tool, so it is closed in both: the operator must take it out of one",
	}
	return &made
}

// outside is the rule of a resource or prompt that the view of the book does not
// have; nil if it has it.
func (b *Book) outside(class ostiary.Class, target string) *ostiary.Rule {
	if b.view == nil {
		return nil
	}
	what, globs := "prompt", b.view.prompts
	switch class {
	case ostiary.ClassResource:
		what, globs = "resource", b.view.resources
		// Another spelling could be the same resource of another view.
		whole := slices.ContainsFunc(globs, func(g glob) bool { return g.String() == "*" })
		if err := normalURI(target); err != nil && !whole && len(globs) > 0 {
			return abnormal(err)
		}
	case ostiary.ClassPrompt:
	default:
		return nil
	}
	if matches(globs, target) {
		return nil
	}
	return &ostiary.Rule{
		Effect: ostiary.EffectDestructive, EffectWhy: "nothing is known about the " + what,
		Forbid: &ostiary.Error{
			Code:    ostiary.CodePolicyUnknown,
			Message: fmt.Sprintf("the server %s has no %s %s: call %ss/list for what it has", b.view.Name, what, quoted(target), what),
		},
	}
}
