package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Scope is one row of scopes: who holds it holds what it implies, and what that
// implies.
type Scope struct {
	Pos
	Name    string
	Implies []Implied
}

// Implied is one name behind implies:.
type Implied struct {
	Pos
	Name string
}

// maxScopes bounds the rows, each of which may imply all others.
const maxScopes = 1000

func scopeRow() kind[Scope] {
	return placed(object("a scope", nil, nil,
		key("implies", list(impliedKind(), true), func(s *Scope) *[]Implied { return &s.Implies },
			"The scopes that it stands for as well. Each must be one that a rule asks for, or another row of `scopes`."),
	), func(s *Scope) *Pos { return &s.Pos })
}

func impliedKind() kind[Implied] {
	name := scope()
	return kind[Implied]{name.shape, func(d *decoder, n ast.Node, out *Implied) {
		out.Pos = nodePos(n)
		name.decode(d, n, &out.Name)
	}}
}

func scopeName(d *decoder, k ast.Node, s *Scope) {
	if s.Name = keyText(k); !scopeText.MatchString(s.Name) {
		d.fail(k, "%q is no scope: a scope has no spaces, quotes or backslashes", brief(s.Name))
	}
}

// checkScopes refuses names that nothing knows and scopes that imply themselves,
// and notes what each implies.
func checkScopes(d *decoder, f *File) {
	if len(f.Scopes) > maxScopes {
		d.failAt(f.Scopes[maxScopes].Pos, "scopes: has more than %d rows: leave out those that imply nothing", maxScopes)
		return
	}
	rows := map[string]*Scope{}
	var known []string
	for i := range f.Scopes {
		rows[f.Scopes[i].Name] = &f.Scopes[i]
		known = append(known, f.Scopes[i].Name)
	}
	for _, r := range f.Rules {
		known = append(known, r.Scopes...)
	}
	for _, s := range f.Scopes {
		for _, to := range s.Implies {
			if !slices.Contains(known, to.Name) {
				hint := ": correct it, or add a row for it under scopes:"
				if n := nearest(to.Name, known); n != "" {
					hint = ": did you mean \"" + n + "\"?"
				}
				d.failAt(to.Pos, "%q implies %q, which no rule asks for and scopes: does not name%s", brief(s.Name), brief(to.Name), hint)
			}
		}
	}
	w := walk{d: d, rows: rows, done: map[string]bool{}}
	if len(rows) > 0 {
		f.implied = make(map[string][]string, len(rows))
	}
	for _, s := range f.Scopes {
		w.from(s.Name)
		f.implied[s.Name] = reach(rows, s.Name, map[string]bool{s.Name: true}, nil)
	}
}

// walk looks for scopes that imply themselves; each circle is said once.
type walk struct {
	d    *decoder
	rows map[string]*Scope
	path []string
	done map[string]bool
}

func (w *walk) from(name string) {
	row := w.rows[name]
	if row == nil || w.done[name] {
		return
	}
	w.path = append(w.path, name)
	for _, to := range row.Implies {
		if at := slices.Index(w.path, to.Name); at >= 0 {
			w.d.failAt(to.Pos, "a scope cannot imply itself, and here  %s → %s  does: remove one of these steps",
				strings.Join(w.path[at:], " → "), to.Name)
			continue
		}
		w.from(to.Name)
	}
	w.path = w.path[:len(w.path)-1]
	w.done[name] = true
}

// reach appends all that a scope implies and that was not seen.
func reach(rows map[string]*Scope, name string, seen map[string]bool, all []string) []string {
	row := rows[name]
	if row == nil {
		return all
	}
	for _, to := range row.Implies {
		if !seen[to.Name] {
			seen[to.Name] = true
			all = reach(rows, to.Name, seen, append(all, to.Name))
		}
	}
	return all
}

// Expand returns the scopes and, behind them, all that they imply, each once. It
// is the one place where a scope stands for another.
func (f *File) Expand(scopes []string) []string {
	if len(f.implied) == 0 {
		return scopes
	}
	all := slices.Clone(scopes)
	for _, s := range scopes {
		for _, implied := range f.implied[s] {
			if !slices.Contains(all, implied) {
				all = append(all, implied)
			}
		}
	}
	return all
}

// Implied returns what one scope implies, itself left out.
func (f *File) Implied(scope string) []string { return f.implied[scope] }
