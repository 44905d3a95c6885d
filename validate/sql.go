package validate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

const (
	sqlDefaultBytes = 16 << 10
	// sqlMostBytes keeps the depth of a parse, and so a parser's stack, small.
	sqlMostBytes = 64 << 10
)

// SQL says which SQL text an argument may carry. The zero value does not
// compile, because a text means nothing without its dialect.
type SQL struct {
	// Dialect is "postgresql" or "sqlite".
	Dialect string
	// Statements are the allowed classes; empty means select alone.
	Statements []string
	// Tables are the allowed tables, "schema.table" or "table" for one that is
	// named without a schema or in the default schema (public; main). Empty means
	// any table but the system catalogs.
	Tables []string
	// Functions replaces the built-in list of harmless functions, "name" or
	// "schema.name". The word "default" in it stands for that list.
	Functions []string
	// MaxBytes bounds the text; 0 means 16 KiB.
	MaxBytes int
}

// SQLParser says what a text is, by the real grammar of its dialect. An error
// denies the call. It is used by many goroutines at once. That of SQLite is
// [ParseSQLite]; package sqlhelper has one for PostgreSQL that runs in a process
// of its own.
type SQLParser func(ctx context.Context, dialect, text string) (SQLSummary, error)

// SQLSummary is everything that was found anywhere in a text. A parser MUST
// name whatever it met and did not judge in Unknown.
type SQLSummary struct {
	// Statements is how many statements the text has.
	Statements int `json:"statements"`
	// Classes are the classes of every statement at every depth, sorted.
	Classes []string `json:"classes,omitempty"`
	// Tables are the relations, without the names that the text defines itself
	// (WITH).
	Tables []SQLName `json:"tables,omitempty"`
	// Functions are the functions, and the operators that were named with a schema.
	Functions []SQLName `json:"functions,omitempty"`
	// Unknown are parts of the language that the parser has no judgement on.
	Unknown []string `json:"unknown,omitempty"`
}

// SQLName is a name as the dialect understands it: folded to lower case unless
// it was quoted. Schema is empty where none was written.
type SQLName struct {
	Schema string `json:"schema,omitempty"`
	Name   string `json:"name"`
}

// sqlJudge is a compiled SQL.
type sqlJudge struct {
	dialect   string
	maxBytes  int
	classes   map[string]bool
	tables    map[SQLName]bool // nil: any but the catalogs
	functions map[SQLName]bool
	parse     SQLParser
}

// compile implements validator.
func (s *SQL) compile(o Options) (judge, error) {
	j := &sqlJudge{dialect: s.Dialect, maxBytes: s.MaxBytes, parse: o.SQL, classes: make(map[string]bool), functions: make(map[SQLName]bool)}
	switch s.Dialect {
	case "postgresql":
	case "sqlite":
		j.parse = ParseSQLite
	case "":
		return nil, fmt.Errorf("dialect is missing: write postgresql or sqlite, whichever the upstream speaks")
	default:
		return nil, fmt.Errorf("dialect %q cannot be judged: only postgresql and sqlite can, and a text means something else in every dialect", s.Dialect)
	}
	switch {
	case j.maxBytes == 0:
		j.maxBytes = sqlDefaultBytes
	case j.maxBytes < 0 || j.maxBytes > sqlMostBytes:
		return nil, fmt.Errorf("max_bytes is %d: write 1 to %d", j.maxBytes, sqlMostBytes)
	}
	statements := s.Statements
	if len(statements) == 0 {
		statements = []string{"select"}
	}
	known := sqlClasses(s.Dialect)
	for _, c := range statements {
		if !slices.Contains(known, c) {
			return nil, fmt.Errorf("statements has %q, which is no class of %s: use %s", c, s.Dialect, strings.Join(known, ", "))
		}
		j.classes[c] = true
	}
	if len(s.Tables) > 0 {
		j.tables = make(map[SQLName]bool)
	}
	for _, t := range s.Tables {
		n, err := j.name(t)
		if err != nil {
			return nil, fmt.Errorf("tables has %w", err)
		}
		j.tables[n] = true
		if n.Schema == "" { // a plain name is also the one in the default schema
			j.tables[SQLName{Schema: j.defaultSchema(), Name: n.Name}] = true
		}
	}
	functions := s.Functions
	if functions == nil {
		functions = []string{"default"}
	}
	for _, f := range functions {
		if f == "default" {
			j.addDefaults()
			continue
		}
		n, err := j.name(f)
		if err != nil {
			return nil, fmt.Errorf("functions has %w", err)
		}
		j.functions[n] = true
	}
	return j.judge, nil
}

func (j *sqlJudge) defaultSchema() string {
	if j.dialect == "sqlite" {
		return "main"
	}
	return "public"
}

// addDefaults allows the harmless functions under their plain name and in the
// schema that holds the engine's own.
func (j *sqlJudge) addDefaults() {
	for f := range strings.FieldsSeq(sqlDefaultFunctions(j.dialect)) {
		j.functions[SQLName{Name: f}] = true
		if j.dialect == "postgresql" {
			j.functions[SQLName{Schema: "pg_catalog", Name: f}] = true
		}
	}
}

// name reads "name" or "schema.name" as the dialect would: folded to lower case
// unless it stands in double quotes. SQLite folds always.
func (j *sqlJudge) name(s string) (SQLName, error) {
	var parts []string
	for rest := s; ; {
		part, tail, more := strings.Cut(rest, ".")
		if strings.HasPrefix(rest, `"`) {
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				return SQLName{}, fmt.Errorf("%q: a quote is not closed", s)
			}
			part, tail = rest[1:end+1], rest[end+2:]
			tail, more = strings.CutPrefix(tail, ".")
			if !more && tail != "" {
				return SQLName{}, fmt.Errorf("%q: write name or schema.name", s)
			}
			if j.dialect == "sqlite" {
				part = lowerASCII(part)
			}
		} else {
			part = lowerASCII(part)
		}
		if part == "" || strings.ContainsAny(part, "*% \t\n\x00") {
			return SQLName{}, fmt.Errorf("%q: write name or schema.name, one entry for each; there are no patterns", s)
		}
		parts = append(parts, part)
		if !more {
			break
		}
		rest = tail
	}
	switch len(parts) {
	case 1:
		return SQLName{Name: parts[0]}, nil
	case 2:
		return SQLName{Schema: parts[0], Name: parts[1]}, nil
	}
	return SQLName{}, fmt.Errorf("%q: write name or schema.name", s)
}

// judge decides about one text.
func (j *sqlJudge) judge(ctx context.Context, v any) error {
	text, ok := v.(string)
	switch {
	case !ok:
		return refuseSQL("a SQL text is a string, and this is a %s: send a string", typeName(v))
	case len(text) > j.maxBytes:
		return refuseSQL("the SQL text has %d bytes; at most %d are allowed: send less", len(text), j.maxBytes)
	case strings.TrimSpace(text) == "":
		return refuseSQL("the SQL text is empty: send one statement")
	case strings.ContainsRune(text, 0) || !utf8.ValidString(text):
		return refuseSQL("the SQL text contains a NUL or bytes that are no UTF-8: send plain text")
	case j.parse == nil:
		return refuseSQL("there is no %s parser behind this door, so no SQL can be judged; tell the operator", j.dialect)
	}
	sum, err := j.parse(ctx, j.dialect, text)
	if err != nil {
		if ostiary.AsError(err).Code == ostiary.CodeValidateSQL {
			return err
		}
		return &ostiary.Error{Code: ostiary.CodeValidateSQL, Message: "the SQL text could not be judged; tell the operator", Err: err}
	}
	return j.allow(sum)
}

func refuseSQL(format string, args ...any) error {
	return &ostiary.Error{Code: ostiary.CodeValidateSQL, Message: fmt.Sprintf(format, args...)}
}

func quoteShort(s string) string {
	if r := []rune(s); len(r) > 48 {
		s = string(r[:48]) + "…"
	}
	return strconv.Quote(s)
}
