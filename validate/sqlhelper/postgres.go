package sqlhelper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary/validate"
)

// walker collects what a PostgreSQL parse tree names. It belongs to one text.
type walker struct {
	nodes map[string]fields
	sum   validate.SQLSummary

	// inFrom are the names under which functions stand in FROM, each with the
	// columns that every use of the name declares. A qualified column of such a
	// name that is not declared calls a function of the column's name: that is
	// PostgreSQL's attribute notation, f.pg_read_file.
	inFrom    map[string]map[string]bool
	qualified [][2]string
}

// scope is what WITH has named, innermost first.
type scope struct {
	names map[string]bool
	outer *scope
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.names[name] {
			return true
		}
	}
	return false
}

// summarize reads the JSON form of a parse tree.
func summarize(nodes map[string]fields, tree []byte) (validate.SQLSummary, error) {
	var top struct {
		Version json.Number `json:"version"`
		Stmts   []struct {
			Stmt     map[string]any `json:"stmt"`
			Location json.Number    `json:"stmt_location"`
			Len      json.Number    `json:"stmt_len"`
		} `json:"stmts"`
	}
	d := json.NewDecoder(bytes.NewReader(tree))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&top); err != nil {
		return validate.SQLSummary{}, fmt.Errorf("the parse tree cannot be read: %w", err)
	}
	w := &walker{nodes: nodes, inFrom: make(map[string]map[string]bool)}
	w.sum.Statements = len(top.Stmts)
	for _, s := range top.Stmts {
		w.statement(s.Stmt)
		if _, values := s.Stmt["SelectStmt"]; values {
			w.class("select") // a bare VALUES too
		}
	}
	for _, q := range w.qualified {
		if columns, ok := w.inFrom[q[0]]; ok && !columns[q[1]] {
			w.function("", q[1])
		}
	}
	return w.sum, nil
}

// statement walks a whole statement; what has no class is unknown.
func (w *walker) statement(m map[string]any) {
	if len(m) != 1 {
		w.unknown("a statement with %d names", len(m))
	}
	for typ := range m {
		if statementClass(typ) == "" || typ == "IntoClause" {
			w.unknown("%s", typ)
			return
		}
	}
	w.node(m, nil)
}

func (w *walker) unknown(format string, args ...any) {
	w.sum.Unknown = append(w.sum.Unknown, fmt.Sprintf(format, args...))
}

func (w *walker) class(c string) { w.sum.Classes = append(w.sum.Classes, c) }

func (w *walker) function(schema, name string) {
	w.sum.Functions = append(w.sum.Functions, validate.SQLName{Schema: schema, Name: name})
}

// node walks one node with its name around it. {} is an absent node.
func (w *walker) node(m map[string]any, s *scope) {
	if len(m) > 1 {
		w.unknown("a node with %d names", len(m))
		return
	}
	for typ, v := range m {
		body, ok := v.(map[string]any)
		if !ok {
			w.unknown("%s that is no node", typ)
			return
		}
		w.typed(typ, body, s)
	}
}

// any walks a node or a list of nodes.
func (w *walker) any(where string, v any, s *scope) {
	switch v := v.(type) {
	case map[string]any:
		w.node(v, s)
	case []any:
		for _, e := range v {
			w.any(where, e, s)
		}
	default:
		w.unknown("%s that is no node", where)
	}
}

// typed walks the fields of a node whose type is known.
func (w *walker) typed(typ string, body map[string]any, s *scope) {
	allowed, ok := w.nodes[typ]
	if !ok {
		w.unknown("%s", typ)
		return
	}
	s = w.withClause(body, s)
	w.judge(typ, body, s)
	for name, v := range body {
		mark, ok := allowed[name]
		switch {
		case name == "location" || name == "list_start" || name == "list_end":
			if _, number := v.(json.Number); !number {
				w.unknown("%s.%s", typ, name)
			}
		case !ok:
			w.unknown("%s.%s", typ, name)
		case mark == "!":
		case mark == "*":
			w.any(typ+"."+name, v, s)
		case mark == "":
			switch v.(type) {
			case string, bool, json.Number:
			default:
				w.unknown("%s.%s", typ, name)
			}
		default:
			inner, isNode := v.(map[string]any)
			if !isNode {
				w.unknown("%s.%s", typ, name)
				continue
			}
			if mark == "RangeVar" {
				w.table(inner, nil) // what is written to or defined is never a WITH name
			}
			w.typedInner(mark, inner, s)
		}
	}
}

// typedInner walks a node that stands without its name; a RangeVar's table has
// been noted by the caller.
func (w *walker) typedInner(typ string, body map[string]any, s *scope) {
	if typ == "RangeVar" {
		body = withoutName(body)
	}
	w.typed(typ, body, s)
}

func withoutName(rv map[string]any) map[string]any {
	rest := make(map[string]any, len(rv))
	for k, v := range rv {
		if k != "relname" && k != "schemaname" && k != "catalogname" {
			rest[k] = v
		}
	}
	return rest
}

// withClause walks WITH and returns the scope for the rest of the statement. A
// name is visible in the queries behind it, with RECURSIVE in all of them.
func (w *walker) withClause(body map[string]any, s *scope) *scope {
	v, ok := body["withClause"]
	if !ok {
		return s
	}
	clause, ok := v.(map[string]any)
	if !ok {
		w.unknown("WithClause")
		return s
	}
	inner := &scope{names: make(map[string]bool), outer: s}
	ctes, _ := clause["ctes"].([]any)
	recursive, _ := clause["recursive"].(bool)
	if recursive {
		for _, c := range ctes {
			inner.names[cteName(c)] = true
		}
	}
	for _, c := range ctes {
		w.any("WithClause.ctes", c, inner)
		inner.names[cteName(c)] = true
	}
	for name := range clause {
		if name != "ctes" && name != "recursive" && name != "location" {
			w.unknown("WithClause.%s", name)
		}
	}
	return inner
}

func cteName(v any) string {
	m, _ := v.(map[string]any)
	body, _ := m["CommonTableExpr"].(map[string]any)
	return text(body, "ctename")
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// table notes a relation unless WITH has named it.
func (w *walker) table(rv map[string]any, s *scope) {
	schema, name := text(rv, "schemaname"), text(rv, "relname")
	if _, ok := rv["catalogname"]; ok {
		w.unknown("a table name with a database in front")
	}
	if name == "" {
		w.unknown("a table without a name")
		return
	}
	if schema == "" && s.has(name) {
		return
	}
	w.sum.Tables = append(w.sum.Tables, validate.SQLName{Schema: schema, Name: name})
}

// names reads a list of String nodes; "*" stands for A_Star.
func (w *walker) names(where string, v any) []string {
	list, ok := v.([]any)
	if !ok {
		w.unknown("%s", where)
		return nil
	}
	var out []string
	for _, e := range list {
		m, _ := e.(map[string]any)
		if _, star := m["A_Star"]; star && len(m) == 1 {
			out = append(out, "*")
			continue
		}
		str, isString := m["String"].(map[string]any)
		if !isString || len(m) != 1 {
			w.unknown("%s", where)
			return nil
		}
		out = append(out, text(str, "sval"))
	}
	return out
}

// call notes a function, or an operator that is named with its schema.
func (w *walker) call(where string, v any) {
	switch n := w.names(where, v); len(n) {
	case 0:
		w.unknown("%s without a name", where)
	case 1:
		w.function("", n[0])
	case 2:
		w.function(n[0], n[1])
	default:
		w.unknown("%s %s with a database in front", where, strings.Join(n, "."))
	}
}

// operator notes an operator only if it names its schema: an unqualified one is
// found like an unqualified function, and the plain ones are all harmless.
func (w *walker) operator(where string, v any) {
	if list, ok := v.([]any); !ok || len(list) != 1 {
		w.call(where, v)
	}
}
