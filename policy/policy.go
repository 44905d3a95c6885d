package policy

import (
	"errors"
	"fmt"

	"github.com/ostiary/ostiary"
)

// maxErrors is how many contradictions between rows New names at once.
const maxErrors = 20

// Policy is a checked set of rows. It is immutable.
type Policy struct {
	options    Options
	rows       [Method + 1]rowTable
	deny       [Method + 1]denyTable
	conditions *conditions
}

type rowTable struct {
	rows     []Row
	patterns []pattern
}

type denyTable struct {
	rows     []DenyRow
	patterns []pattern
}

// New checks the rows: patterns, ties, rows that an unconditional deny row always
// beats, the syntax of conditions. Its error joins one *ostiary.Error with
// CodeConfigInvalid for each problem, with its place and the next step.
func New(o Options) (*Policy, error) {
	conditions, err := newConditions()
	if err != nil {
		return nil, &ostiary.Error{Code: ostiary.CodeInternal, Message: "the language of conditions does not start", Err: err}
	}
	p := &Policy{options: o, conditions: conditions}
	var problems []error
	parsed := map[string]error{"": nil}
	syntax := func(source, when string) {
		if _, seen := parsed[when]; !seen {
			parsed[when] = conditions.parse(when)
		}
		if err := parsed[when]; err != nil {
			problems = append(problems, invalid(source, err, "the condition is no CEL expression: %v", err))
		}
	}
	for _, r := range o.Rows {
		pt, err := parseFor(r.Kind, r.Pattern)
		if err == nil {
			err = r.check(pt)
		}
		if err != nil {
			problems = append(problems, invalid(r.Source, nil, "%v", err))
			continue
		}
		syntax(r.Source, r.When)
		t := &p.rows[r.Kind]
		t.rows, t.patterns = append(t.rows, r), append(t.patterns, pt)
	}
	for _, d := range o.Deny {
		pt, err := parseFor(d.Kind, d.Pattern)
		if err != nil {
			problems = append(problems, invalid(d.Source, nil, "%v", err))
			continue
		}
		syntax(d.Source, d.When)
		t := &p.deny[d.Kind]
		t.rows, t.patterns = append(t.rows, d), append(t.patterns, pt)
	}
	for kind := Tool; kind <= Method; kind++ {
		problems = append(problems, p.contradictions(kind)...)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return p, nil
}

func invalid(source string, cause error, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if source != "" {
		message = source + ": " + message
	}
	e := &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: message}
	if cause != nil {
		e.Reason = cause.Error()
	}
	return e
}

func parseFor(k Kind, text string) (pattern, error) {
	if k < Tool || k > Method {
		return pattern{}, errors.New("the row says neither tool:, resource: nor method:; write one of them")
	}
	p, err := parsePattern(text)
	if err == nil && k == Resource {
		if why := normalPattern(p.rest.String()); why != nil {
			err = fmt.Errorf("pattern %q: a URI is matched in normal form only, and %w", text, why)
		}
	}
	return p, err
}

// check looks at what a row says, apart from its place among the others.
func (r *Row) check(p pattern) error {
	if r.Effect > ostiary.EffectSpend {
		return fmt.Errorf("effect %d does not exist: use read, write, destructive, execute or spend", r.Effect)
	}
	if r.Approve && r.Unapproved {
		return errors.New("the row says approve and dangerously_unapproved: remove one of them")
	}
	if r.Grant.Only && r.Unapproved {
		return errors.New("the row says grant: {only: true} and dangerously_unapproved: remove one of them")
	}
	if r.Kind != Tool && (r.Rewrite.DryRun != "" || r.Rewrite.Token != "" || len(r.Rewrite.Strip) > 0 || r.Idempotency.Argument != "" || r.Preview != nil) {
		return errors.New("arguments for a token, a confirmation, a dry run, a key or a preview are those of a tool: write a row with the key tool")
	}
	if name, keys := r.twice(); name != "" {
		return fmt.Errorf("the argument %s is named by %s: one of them takes it from the other, so name another argument in one of them", quoted(name), keys)
	}
	if r.Timeout < 0 {
		return errors.New("a timeout is longer than nothing")
	}
	for _, s := range r.Scopes {
		if s == "" {
			return errors.New("a scope has no name: remove it or name it, for example \"fs:read\"")
		}
	}
	for _, l := range r.Limits {
		if l.Count <= 0 || l.Period <= 0 {
			return errors.New("a limit allows at least one call in a period, for example 30/min; to forbid calls write a deny row")
		}
	}
	if r.Kind == Method && (p.rest.match(toolMethod) && p.rest.exact()) {
		return fmt.Errorf("tool calls are ruled by the tool's name: write tool: %s/* instead of method: %s", p.up, p.text)
	}
	return nil
}

// contradictions are rows of which neither is more specific, and rows that a deny
// row without a condition always beats. No other row can be dead: of two patterns
// the one that covers the other has no more literal characters, so the covered
// one is more specific, or they tie.
func (p *Policy) contradictions(kind Kind) []error {
	var found []error
	t, d := &p.rows[kind], &p.deny[kind]
	for _, tie := range ties(t.patterns, maxErrors) {
		a, b := &t.rows[tie.a], &t.rows[tie.b]
		if t.patterns[tie.a].same(t.patterns[tie.b]) {
			found = append(found, invalid(b.Source, nil, "%s: %s is ruled already at %s: join the two rows", kind, b.Pattern, a.Source))
			continue
		}
		found = append(found, invalid(b.Source, nil,
			"%s: %s and %s (%s) are equally specific and can match the same %s: make one of them longer, or write one row for what both match",
			kind, b.Pattern, a.Pattern, a.Source, kind))
	}
	always, globs := []int{}, []glob{}
	for i, row := range d.rows {
		if row.When == "" && row.Forbids == nil {
			always, globs = append(always, i), append(globs, d.patterns[i].rest)
		}
	}
	x := newIndex(globs)
	for i, pt := range t.patterns {
		for _, id := range x.find(pt.rest.witness(), nil) {
			if j := always[id]; pt.within(d.patterns[j]) && len(found) < maxErrors {
				found = append(found, invalid(t.rows[i].Source, nil,
					"%s: %s can never speak, because the deny row %s (%s) covers all of it: remove the row or narrow the deny row",
					kind, t.rows[i].Pattern, d.rows[j].Pattern, d.rows[j].Source))
				break
			}
		}
	}
	return found
}
