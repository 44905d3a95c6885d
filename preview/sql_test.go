package preview

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ostiary/ostiary"
)

// finds is a parser that always finds one statement of these classes.
func finds(classes ...string) func(context.Context, string, string) (SQLSummary, error) {
	return func(context.Context, string, string) (SQLSummary, error) {
		return SQLSummary{Statements: 1, Classes: classes, Tables: []string{"t"}}, nil
	}
}

func sqlPreview(t *testing.T, o SQLOptions) previewer {
	t.Helper()
	o.Query = "q"
	if o.Dialect == "" {
		o.Dialect = "sqlite"
	}
	f, err := SQL(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func q(text string) map[string]any { return map[string]any{"q": text} }

func TestSQLWords(t *testing.T) {
	f := sqlPreview(t, SQLOptions{Dialect: "postgresql", Parse: func(_ context.Context, dialect, text string) (SQLSummary, error) {
		if dialect != "postgresql" || text != "x" {
			t.Errorf("parsed %q as %q", text, dialect)
		}
		return SQLSummary{Statements: 2, Classes: []string{"delete", "select"}, Tables: []string{"public.users", "Ev\u202eil"}, Functions: []string{"lower"}, Unknown: []string{"COPY"}}, nil
	}})
	p := made(t, f, q("x"))
	holds(t, p.Text, "postgresql: 2 statements, delete, select\n", `tables: public.users, "Ev\u202eil"`, "functions: lower\n", `not understood: "COPY"`)
	if p.Kind != "plan" {
		t.Error(p.Kind)
	}
	bad := sqlPreview(t, SQLOptions{Parse: func(context.Context, string, string) (SQLSummary, error) {
		return SQLSummary{}, &ostiary.Error{Code: ostiary.CodeValidateSQL, Message: "no"}
	}})
	if _, err := bad(t.Context(), call(q("x"))); ostiary.AsError(err).Code != ostiary.CodeValidateSQL {
		t.Errorf("the parser's error: %v", err)
	}
	refused(t, "NUL", f, q("x\x00y"))
	refused(t, "missing", f, nil)
}

func TestSQLPlan(t *testing.T) {
	path, db := plain(t, "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1, 2), (3, 4);")
	f := sqlPreview(t, SQLOptions{Parse: finds("delete"), Database: path})
	first := made(t, f, q("DELETE FROM t WHERE a = 1 -- all"))
	holds(t, first.Text, "sqlite: 1 statement, delete\n", "plan:\n", "SEARCH t USING", "INDEX i")
	if made(t, f, q("DELETE FROM t WHERE a = 1 -- all")).Target != first.Target {
		t.Error("the same plan has two targets")
	}
	whole := made(t, f, q("DELETE FROM t WHERE b = 1"))
	holds(t, whole.Text, "SCAN t")
	holds(t, made(t, f, q("DELETE FROM t WHERE a = ?")).Text, "parameters whose values are elsewhere")
	holds(t, made(t, f, q("DELETE FROM t WHERE a = :a")).Text, "parameters whose values are elsewhere")
	refused(t, "no such table", f, q("DELETE FROM missing"))
	refused(t, "no SQL", f, q("hello"))
	if n := rowsOf(t, db); n != 2 {
		t.Errorf("%d rows are left", n)
	}
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE other(a)"); err != nil {
		t.Fatal(err)
	}
	if made(t, f, q("DELETE FROM t WHERE a = 1 -- all")).Target == first.Target {
		t.Error("another schema has the same target")
	}
}

// Even a parser that is wrong about the text lets nothing be written.
func TestSQLNeverRuns(t *testing.T) {
	path, db := plain(t, "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2);")
	dir := filepath.Dir(path)
	f := sqlPreview(t, SQLOptions{Parse: finds("select"), Database: path})
	for _, text := range []string{
		"DELETE FROM t", "SELECT 1; DELETE FROM t", "SELECT 1; PRAGMA query_only=0; DELETE FROM t; SELECT 1",
		"SELECT 1; ATTACH '" + dir + "/new.sqlite' AS x; CREATE TABLE x.y(a)", "SELECT 1; VACUUM INTO '" + dir + "/new.sqlite'",
		"SELECT 1; PRAGMA writable_schema=1; DELETE FROM sqlite_schema", "SELECT load_extension('x')", "; DROP TABLE t",
	} {
		_, _ = f(t.Context(), call(q(text))) // whatever it says
		if n := rowsOf(t, db); n != 2 {
			t.Fatalf("%s: %d rows are left", text, n)
		}
		if _, err := os.Stat(filepath.Join(dir, "new.sqlite")); err == nil {
			t.Fatalf("%s: made a file", text)
		}
	}
	for _, parse := range map[string]func(context.Context, string, string) (SQLSummary, error){
		"ddl": finds("ddl"),
		"several": func(context.Context, string, string) (SQLSummary, error) {
			return SQLSummary{Statements: 2, Classes: []string{"select"}}, nil
		},
		"unknown": func(context.Context, string, string) (SQLSummary, error) {
			return SQLSummary{Statements: 1, Classes: []string{"select"}, Unknown: []string{"PRAGMA"}}, nil
		},
		"none": finds(),
	} {
		holds(t, made(t, sqlPreview(t, SQLOptions{Parse: parse, Database: path}), q("SELECT * FROM missing")).Text, "plan: not asked for")
	}
	// Control: the same text does delete where it may.
	if _, err := db.ExecContext(t.Context(), "SELECT 1; PRAGMA query_only=0; DELETE FROM t; SELECT 1"); err != nil || rowsOf(t, db) != 0 {
		t.Errorf("control: %v, %d rows", err, rowsOf(t, db))
	}
}

func TestSQLDatabaseThatIsNone(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing"), dir, filepath.Join(dir, "fifo"), file(t, dir, "text", strings.Repeat("no database ", 100))} {
		refused(t, path, sqlPreview(t, SQLOptions{Parse: finds("select"), Database: path}), q("SELECT 1"))
	}
	if _, err := os.Stat(filepath.Join(dir, "missing")); err == nil {
		t.Error("a database was made")
	}
}

func plain(t *testing.T, script string) (string, *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "da ta%#.sqlite")
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.ExecContext(t.Context(), script)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return path, db
}

func rowsOf(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
