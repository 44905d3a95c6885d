package validate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	ostiary "github.com/ostiary/ostiary"
)

// predicate says whether a value is one that a deny row means. What it cannot
// decide it means.
type predicate func(v any) bool

// Forbids compiles the `args:` of a deny row for one tool. The condition holds
// if, for every key, some value at its place satisfies every predicate given
// for it. It is nil if the tool has no such argument.
//
// A key that begins with "/" is a JSON pointer. Any other key is a bare name:
// every argument of that name at any depth, and if it is an array or an object,
// every value inside. Names that differ only by case are equal, because many
// servers take one for the other. The predicates are path.under (the value, resolved as the
// upstream may resolve it, lies below one of the directories), url (scheme,
// host and port are all on the lists that are given), enum, pattern (matches
// the whole string, as everywhere) and range. A path or URL that cannot be
// decided satisfies its predicate.
func Forbids(args map[string]Argument, tool ostiary.Tool, o Options) (*ostiary.Condition, error) {
	if len(args) == 0 {
		return nil, nil
	}
	root, schemaErr := parseSchema(tool.InputSchema)
	var rows []row
	for _, key := range slices.Sorted(maps.Keys(args)) {
		r := row{}
		var known bool
		if strings.HasPrefix(key, "/") || key == "" {
			tokens, err := parsePointer(key)
			if err != nil {
				return nil, invalid(tool, key, err)
			}
			r.tokens = tokens
			known = schemaErr != nil
			if !known {
				_, err := lookupBy(root, tokens, strings.EqualFold)
				known = err == nil
			}
		} else {
			r.name = key
			known = schemaErr != nil || hasName(root, key)
		}
		if !known {
			return nil, nil
		}
		var err error
		a := args[key]
		if r.all, err = a.predicates(o); err != nil {
			return nil, invalid(tool, key, err)
		}
		rows = append(rows, r)
	}
	return &ostiary.Condition{Holds: func(_ context.Context, c *ostiary.Call) (bool, error) {
		for i := range rows {
			if !rows[i].holds(c.Args) {
				return false, nil
			}
		}
		return true, nil
	}}, nil
}

// row is one key of a deny row.
type row struct {
	name   string // a bare name, or
	tokens []string
	all    []predicate
}

func (r *row) holds(args any) bool {
	if r.name != "" {
		return r.named(args)
	}
	return r.pointed(args, r.tokens)
}

// pointed follows a pointer as far as there is something. Names are equal if
// they differ only by case, because many servers take one for the other.
func (r *row) pointed(v any, tokens []string) bool {
	if len(tokens) == 0 {
		return r.inside(v)
	}
	t, rest := tokens[0], tokens[1:]
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if (t == wildcard || strings.EqualFold(k, t)) && r.pointed(e, rest) {
				return true
			}
		}
	case []any:
		for i, e := range v {
			if (t == wildcard || strconv.Itoa(i) == t) && r.pointed(e, rest) {
				return true
			}
		}
	}
	return false
}

// named looks for the name at every depth, whatever the case of its letters.
func (r *row) named(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if strings.EqualFold(k, r.name) && r.inside(e) || r.named(e) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, r.named)
	}
	return false
}

// inside asks about a value and everything in it.
func (r *row) inside(v any) bool {
	if r.satisfies(v) {
		return true
	}
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			if r.inside(e) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, r.inside)
	}
	return false
}

func (r *row) satisfies(v any) bool {
	for _, p := range r.all {
		if !p(v) {
			return false
		}
	}
	return true
}

// predicates reads an Argument as part of a deny row.
func (a *Argument) predicates(o Options) ([]predicate, error) {
	var ps []predicate
	if a.Command != nil || a.SQL != nil || a.MaxBytes != 0 {
		return nil, errors.New("a deny row takes path.under, url, enum, pattern and range; write the others in a rule")
	}
	if a.Path != nil {
		p, err := a.Path.under(o)
		if err != nil {
			return nil, fmt.Errorf("path: %w", err)
		}
		ps = append(ps, p)
	}
	if a.URL != nil {
		p, err := a.URL.predicate()
		if err != nil {
			return nil, fmt.Errorf("url: %w", err)
		}
		ps = append(ps, p)
	}
	for _, k := range a.kinds() {
		if k.name != "enum" && k.name != "pattern" && k.name != "range" {
			continue
		}
		j, err := k.v.compile(o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		ps = append(ps, func(v any) bool { return j(context.Background(), v) == nil })
	}
	if len(ps) == 0 {
		return nil, errors.New("nothing is said about this argument: add path.under, url, enum, pattern or range")
	}
	return ps, nil
}

// predicate holds for a URL that every list which is given names.
func (u *URL) predicate() (predicate, error) {
	if len(u.Schemes)+len(u.Hosts)+len(u.Ports) == 0 {
		return nil, errors.New("name schemes, hosts or ports")
	}
	n := &URL{}
	if len(u.Hosts) > 0 || len(u.Ports) > 0 {
		var err error
		if n, err = (&URL{Hosts: u.Hosts, Ports: u.Ports}).normal(); err != nil {
			return nil, err
		}
	}
	n.Schemes = nil
	for _, s := range u.Schemes {
		n.Schemes = append(n.Schemes, strings.ToLower(s))
	}
	return func(v any) bool {
		s, ok := v.(string)
		if !ok {
			return false
		}
		l, err := parseURL(s)
		if err != nil {
			return true
		}
		return (len(n.Schemes) == 0 || slices.Contains(n.Schemes, l.scheme)) &&
			(len(n.Ports) == 0 || slices.Contains(n.Ports, l.port)) &&
			(len(n.Hosts) == 0 || slices.ContainsFunc(n.Hosts, func(h string) bool { return h == "*" || matchHost(h, l.host) }))
	}, nil
}

// hasName reports whether a schema knows an argument of that name at any depth,
// or says somewhere that it takes what it does not list.
func hasName(root *jsonschema.Schema, name string) bool {
	seen := map[*jsonschema.Schema]bool{}
	todo := []*jsonschema.Schema{root}
	for len(todo) > 0 {
		level := flatten(root, todo)
		todo = nil
		for _, s := range level {
			if seen[s] || isFalse(s) {
				continue
			}
			seen[s] = true
			if isOpen(s) {
				return true
			}
			for n, p := range s.Properties {
				if strings.EqualFold(n, name) {
					return true
				}
				todo = append(todo, p)
			}
			todo = append(todo, elements(s)...)
		}
	}
	return false
}
