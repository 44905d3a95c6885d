package validate

import (
	"slices"
	"strings"
)

// sqlClasses are the statement classes that can be allowed. Everything else
// (COPY, DO, CALL, SET, GRANT, PREPARE, LOCK, NOTIFY, ATTACH, PRAGMA, VACUUM, …) is
// never allowed: it reaches files, programs, other sessions or the checks
// themselves.
func sqlClasses(dialect string) []string {
	common := []string{"select", "insert", "update", "delete", "ddl", "explain", "transaction"}
	if dialect == "postgresql" {
		return append(common, "merge", "truncate", "show")
	}
	return common
}

// allow compares what was found with what is allowed; everything must be.
func (j *sqlJudge) allow(sum SQLSummary) error {
	if len(sum.Unknown) > 0 {
		return refuseSQL("the text contains what is never allowed here: %s; send a plain statement of the class %s",
			listed(sum.Unknown), j.classWords())
	}
	if sum.Statements != 1 {
		return refuseSQL("the text has %d statements, and exactly one is allowed: send them one at a time", sum.Statements)
	}
	if len(sum.Classes) == 0 {
		return refuseSQL("the text has no statement of a known class: send only %s", j.classWords())
	}
	if bad := missing(sum.Classes, func(c string) bool { return j.classes[c] }); len(bad) > 0 {
		return refuseSQL("the statement does %s (at any depth, WITH, EXPLAIN and FOR UPDATE included): send only %s", listed(bad), j.classWords())
	}
	if bad := missing(sum.Tables, j.tableAllowed); len(bad) > 0 {
		return refuseSQL("the statement names %s; %s", listed(bad), j.tableWords())
	}
	if bad := missing(sum.Functions, func(n SQLName) bool { return j.functions[n] }); len(bad) > 0 {
		return refuseSQL("the statement calls %s, which is not on the list of allowed functions (casts to other than plain types and attribute notation (x).name count as calls); do without, or ask the operator to add it under functions:", listed(bad))
	}
	return nil
}

// tableAllowed reports whether a table is on the list or, without a list, is no
// system catalog.
func (j *sqlJudge) tableAllowed(n SQLName) bool {
	if j.tables != nil {
		return j.tables[n]
	}
	if j.dialect == "sqlite" {
		return !sqliteCatalog(n)
	}
	switch {
	case n.Schema == "":
		return !strings.HasPrefix(n.Name, "pg_") // found in pg_catalog before anything else
	default:
		return n.Schema != "information_schema" && !strings.HasPrefix(n.Schema, "pg_")
	}
}

// sqliteCatalog reports whether a name is one of SQLite's own tables, or a table
// that exists in some builds without anybody creating it and reaches elsewhere.
func sqliteCatalog(n SQLName) bool {
	if strings.HasPrefix(n.Name, "sqlite_") || strings.HasPrefix(n.Name, "pragma_") {
		return true
	}
	switch n.Name {
	case "dbstat", "bytecode", "tables_used", "completion", "fsdir", "zipfile", "lsdir", "csv", "carray",
		"generate_series", "fts3tokenize", "wholenumber", "prefixes", "vtablog", "templatevtab", "explain", "stmt":
		return true
	}
	return false
}

func (j *sqlJudge) classWords() string {
	var words []string
	for _, c := range sqlClasses(j.dialect) {
		if j.classes[c] {
			words = append(words, c)
		}
	}
	return strings.Join(words, ", ")
}

func (j *sqlJudge) tableWords() string {
	if j.tables == nil {
		return "the system's own tables are not allowed; ask about your own tables"
	}
	var names []string
	for n := range j.tables {
		if n.Schema != j.defaultSchema() || !j.tables[SQLName{Name: n.Name}] {
			names = append(names, n.String())
		}
	}
	slices.Sort(names)
	return "use only " + listed(names)
}

// String is the name as it is written in a rule.
func (n SQLName) String() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

func missing[T any](found []T, ok func(T) bool) []T {
	var bad []T
	for _, f := range found {
		if !ok(f) {
			bad = append(bad, f)
		}
	}
	return bad
}

// listed is a short, sorted list for a message.
func listed[T any](items []T) string {
	words := make([]string, 0, len(items))
	for _, it := range items {
		switch it := any(it).(type) {
		case SQLName:
			words = append(words, quoteShort(it.String()))
		case string:
			words = append(words, it)
		}
	}
	slices.Sort(words)
	words = slices.Compact(words)
	if len(words) > 12 {
		words = append(words[:12], "…")
	}
	return strings.Join(words, ", ")
}
