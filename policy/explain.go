package policy

import (
	"fmt"
	"slices"

	"github.com/ostiary/ostiary"
)

// Explanation says which row speaks for a tool and why the others do not.
type Explanation struct {
	Rule *ostiary.Rule
	// Err is why the rule does not compile, nil if it does.
	Err error
	// At is the source of the row that Err is about; "" if that is the tool itself.
	At   string
	Rows []Reading
}

// Reading is one row's part in the decision about a tool.
type Reading struct {
	Source, Pattern string
	Deny, Speaks    bool
	Why             string
}

// Explain tells how the policy reads for one tool of an upstream's catalog: the
// deny rows, the rule that speaks, then the others. Rows that do not match are
// left out; for a tool that the catalog does not list nothing speaks.
func (p *Policy) Explain(upstream string, catalog []ostiary.Tool, tool string) Explanation {
	book, problems := p.Compile(upstream, catalog)
	e := Explanation{Rule: book.Tool(tool)}
	for _, problem := range problems {
		if problem.Tool == upstream+"/"+tool {
			e.Err, e.At = problem.Err, problem.Source
		}
	}
	at := slices.IndexFunc(catalog, func(t ostiary.Tool) bool { return t.Name == tool })
	if at < 0 {
		return e
	}
	c, t := p.compiler(upstream, catalog), catalog[at]
	denies := func(s *slice[DenyRow], target string) {
		for _, id := range s.all(target) {
			d := s.rows[id]
			why := "it denies every call"
			if d.When != "" || d.Forbids != nil {
				why = "it denies calls for which its condition holds or cannot be judged"
			}
			e.Rows = append(e.Rows, Reading{Source: d.Source, Pattern: d.Pattern, Deny: true, Speaks: true, Why: why})
		}
	}
	denies(&c.deny, t.Name)
	denies(&c.denyMethod, toolMethod)
	best := c.rows.best(t.Name)
	if best >= 0 {
		r := c.rows.rows[best]
		e.Rows = append(e.Rows, Reading{Source: r.Source, Pattern: r.Pattern, Speaks: true, Why: "it is the most specific rule that matches"})
	}
	for _, id := range c.rows.all(t.Name) {
		if id != best {
			r := c.rows.rows[id]
			e.Rows = append(e.Rows, Reading{Source: r.Source, Pattern: r.Pattern, Why: less(c.rows.patterns[id], c.rows.patterns[best])})
		}
	}
	if best < 0 {
		effect, why := Judge(t)
		e.Rows = append(e.Rows, Reading{Speaks: true, Why: fmt.Sprintf("no rule matches; the safe defaults speak: %s, because %s", effect, why)})
	}
	return e
}

// less says why p speaks less than q.
func less(p, q pattern) string {
	switch {
	case q.exact():
		return fmt.Sprintf("%s names the tool exactly", q.text)
	case p.rest.literal != q.rest.literal:
		return fmt.Sprintf("%s has more literal characters behind the slash (%d to %d)", q.text, q.rest.literal, p.rest.literal)
	}
	return fmt.Sprintf("%s has more literal characters before the slash (%d to %d)", q.text, q.up.literal, p.up.literal)
}
