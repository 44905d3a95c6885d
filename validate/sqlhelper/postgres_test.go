package sqlhelper

import (
	"slices"
	"strings"
	"testing"
)

// Everything that a text names is found, wherever it stands.
func TestSummary(t *testing.T) {
	h := realHelper(t)
	for _, c := range []struct{ text, classes, tables, functions, unknown string }{
		{"SELECT count(*) FROM s.t, u", "select", "s.t u", "count", ""},
		{`SELECT "Count"(*) FROM "T"`, "select", "T", "Count", ""},
		{"VALUES (1)", "select", "", "", ""},
		{"INSERT INTO t VALUES (1)", "insert", "t", "", ""},
		{"INSERT INTO t SELECT * FROM u", "insert select", "t u", "", ""},
		{"INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", "insert update", "t", "", ""},
		{"DELETE FROM t RETURNING a", "delete select", "t", "", ""},
		{"WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "delete select", "t", "", ""},
		// A WITH name hides a table only where it is visible.
		{"WITH t AS (SELECT * FROM t) SELECT * FROM t", "select", "t", "", ""},
		{"WITH RECURSIVE t AS (SELECT 1 UNION SELECT * FROM t) SELECT * FROM t", "select", "", "", ""},
		{"SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM t) x, t", "select", "t", "", ""},
		{"WITH t AS (SELECT 1) SELECT * FROM s.t", "select", "s.t", "", ""},
		{"WITH t AS (SELECT 1) DELETE FROM t", "delete select", "t", "", ""},
		{"WITH t AS (SELECT 1) INSERT INTO t SELECT 1", "insert select", "t", "", ""},
		{"WITH t AS (SELECT 1) UPDATE t SET a = 1", "select update", "t", "", ""},
		{"EXPLAIN ANALYZE DELETE FROM t", "delete explain", "t", "", ""},
		{"SELECT * INTO x FROM t", "ddl select", "t x", "", ""},
		{"SELECT * FROM t FOR UPDATE", "select update", "t", "", ""},
		{"TRUNCATE a, b.c", "truncate", "a b.c", "", ""},
		{"DROP TABLE a, b.c", "ddl", "a b.c", "", ""},
		{"ALTER TABLE a RENAME TO b", "ddl", "a b", "", ""},
		{"MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE", "delete merge", "t u", "", ""},
		{"SELECT 1 OPERATOR(evil.+) 2", "select", "", "evil.+", ""},
		{"SELECT 1 FROM t ORDER BY a USING OPERATOR(evil.<)", "select", "t", "evil.<", ""},
		{"SELECT 1 OPERATOR(evil.=) ANY (SELECT 2)", "select", "", "evil.=", ""},
		{"SELECT * FROM t TABLESAMPLE evil(1)", "select", "t", "evil", ""},
		{"SELECT a::int, b::text[], 'x'::regclass, 'x'::s.mood FROM t", "select", "t", "regclass s.mood", ""},
		{"SELECT current_user, session_user, current_date", "select", "", "current_date current_user session_user", ""},
		{"SELECT U&\"\\0070g_sleep\"(1)", "select", "", "pg_sleep", ""},
		{"SELECT $$;DELETE FROM t$$", "select", "", "", ""},
		{"SELECT 1 /* a /* b */ ; DELETE FROM t */", "select", "", "", ""},
		// Attribute notation calls functions without a call in the tree.
		{"SELECT f.pg_read_file FROM lower('/etc/hostname') f", "select", "", "lower pg_read_file", ""},
		{"SELECT lower.pg_read_file FROM lower('/etc/hostname')", "select", "", "lower pg_read_file", ""},
		{"SELECT pg_read_file.pg_read_file FROM lower('x') pg_read_file(c)", "select", "", "lower pg_read_file", ""},
		{"SELECT f.pg_read_file FROM lower('x') f WHERE EXISTS (SELECT 1 FROM lower('y') f(pg_read_file))", "select", "", "lower pg_read_file", ""},
		{"SELECT ('/etc/hostname'::text).pg_read_file", "select", "", "pg_read_file", ""},
		{"SELECT f.pg_read_file FROM CAST('/etc/hostname' AS text) f", "select", "", "pg_read_file", ""},
		{"SELECT \"current_user\".pg_read_file FROM current_user", "select", "", "current_user", "needs an alias"},
		{"SELECT g.n FROM generate_series(1,2) AS g(n)", "select", "", "generate_series", ""},
		{"SELECT g.g FROM generate_series(1,2) AS g", "select", "", "generate_series", ""},
		{"SELECT t.pg_read_file FROM t", "select", "t", "", ""}, // a column: the row of a table is no text

		{"COPY t TO PROGRAM 'id'", "", "", "", "CopyStmt"},
		{"DO $$BEGIN END$$", "", "", "", "DoStmt"},
		{"CALL p()", "", "", "", "CallStmt"},
		{"SET ROLE x", "", "", "", "VariableSetStmt"},
		{"RESET ALL", "", "", "", "VariableSetStmt"},
		{"PREPARE x AS DELETE FROM t", "", "", "", "PrepareStmt"},
		{"EXECUTE x", "", "", "", "ExecuteStmt"},
		{"LISTEN x", "", "", "", "ListenStmt"},
		{"NOTIFY x", "", "", "", "NotifyStmt"},
		{"LOCK t", "", "", "", "LockStmt"},
		{"VACUUM t", "", "", "", "VacuumStmt"},
		{"LOAD 'x'", "", "", "", "LoadStmt"},
		{"GRANT ALL ON t TO x", "", "", "", "GrantStmt"},
		{"ALTER SYSTEM SET x = 1", "", "", "", "AlterSystemStmt"},
		{"ALTER TABLE t OWNER TO x", "ddl", "t", "", "AT_ChangeOwner"},
		{"ALTER TABLE t DISABLE ROW LEVEL SECURITY", "ddl", "t", "", "AT_DisableRowSecurity"},
		{"DROP FUNCTION f", "ddl", "", "", "OBJECT_FUNCTION"},
		{"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "", "", "", "CreateFunctionStmt"},
		{"CREATE TABLE t () INHERITS (u)", "ddl", "t", "", "CreateStmt.inhRelations"},
		{"CREATE TABLE t TABLESPACE x AS SELECT 1", "ddl select", "t", "", "IntoClause.tableSpaceName"},
		{"DECLARE c CURSOR FOR SELECT 1", "", "", "", "DeclareCursorStmt"},
		{"SELECT xmlparse(document '<a/>')", "select", "", "", "XmlExpr"},
		{"SELECT * FROM db.s.t", "select", "s.t", "", "a database in front"},
		{`SELECT '\'`, "select", "", "", "backslash"},
		{`SELECT N'\'`, "select", "", "", "backslash"},
		{`SELECT E'\\', "a\b"`, "select", "", "", ""},
		{"SELECT 1 /*! + 1 */", "select", "", "", "some programs execute"},
	} {
		sum, err := h.Parse(t.Context(), "postgresql", c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		var tables, functions []string
		for _, n := range sum.Tables {
			tables = append(tables, n.String())
		}
		for _, n := range sum.Functions {
			functions = append(functions, n.String())
		}
		for _, part := range []struct {
			what, want string
			got        []string
		}{{"classes", c.classes, sum.Classes}, {"tables", c.tables, tables}, {"functions", c.functions, functions}} {
			slices.Sort(part.got)
			if got := strings.Join(slices.Compact(part.got), " "); got != part.want {
				t.Errorf("%s\n%s = %q, want %q (unknown %v)", c.text, part.what, got, part.want, sum.Unknown)
			}
		}
		unknown := strings.Join(sum.Unknown, "; ")
		if !strings.Contains(unknown, c.unknown) || c.unknown == "" && unknown != "" {
			t.Errorf("%s\nunknown = %q, want %q", c.text, unknown, c.unknown)
		}
	}
}

// A text that would overrun the parser's stack is refused before it is parsed;
// what people write is not.
func TestDepth(t *testing.T) {
	h := realHelper(t)
	r := strings.Repeat
	for name, text := range map[string]string{
		"calls":    "SELECT " + r("f(", 60) + r(")", 60),
		"plus":     "SELECT 1" + r("+1", 60),
		"casts":    "SELECT 1" + r("::int", 60),
		"not":      "SELECT " + r("NOT ", 60) + "a",
		"minus":    "SELECT " + r("- ", 60) + "a",
		"selects":  r("SELECT (", 60) + "1" + r(")", 60),
		"union":    "SELECT 1, 2" + r(" UNION SELECT 1, 2", 60),
		"except":   "SELECT 1" + r(" EXCEPT SELECT 1", 60),
		"join":     "SELECT 1 FROM a" + r(" JOIN a ON x AND y", 60),
		"case":     "SELECT " + r("CASE WHEN a THEN ", 60) + "1" + r(" END", 60),
		"arrays":   "SELECT ARRAY" + r("[", 60) + r("]", 60),
		"with":     r("WITH x AS (", 60) + "SELECT 1" + r(") SELECT 1", 60),
		"zone":     "SELECT a" + r(" AT TIME ZONE 'x'", 60),
		"collate":  "SELECT a" + r(` COLLATE "C"`, 60),
		"operator": "SELECT a" + r(" OPERATOR(pg_catalog.+) 1", 60),
		"comments": "SELECT " + r("f(/*)*/", 60) + r(")", 60),
		"strings":  "SELECT " + r("f(')',", 60) + "1" + r(")", 60),
		"labels":   "SELECT " + r("(SELECT 1 AS case, ", 60) + "1" + r(")", 60),
	} {
		if _, err := h.Parse(t.Context(), "postgresql", text); err == nil || !strings.Contains(err.Error(), "levels deep") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"conditions": "SELECT * FROM t WHERE a = 1" + r(" AND b = 2 OR c < 3", 500),
		"columns":    "SELECT 1" + r(", a + b, f(c)", 500),
		"list":       "SELECT * FROM t WHERE a IN (1" + r(",1", 5000) + ")",
		"rows":       "INSERT INTO t VALUES (1, 'a', f(2))" + r(", (1, 'a', f(2))", 500),
		"chain":      "SELECT a" + r(" || ' ' || b", 20),
		"joins":      "SELECT * FROM a" + r(" JOIN b ON a.x = b.y", 20),
	} {
		if _, err := h.Parse(t.Context(), "postgresql", text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever bytes come as a parse tree or as tokens: no panic, and nothing that the
// grammar table does not know passes without a word.
func FuzzSummarize(f *testing.F) {
	f.Add([]byte(`{"version":170007,"stmts":[{"stmt":{"SelectStmt":{"targetList":[{"ResTarget":{"val":{"FuncCall":{"funcname":[{"String":{"sval":"lower"}}]}}}}],"op":"SETOP_NONE"}}}]}`), "SELECT lower()")
	f.Add([]byte(`{"version":1,"stmts":[{"stmt":{"DoStmt":{}}}]}`), "DO $$$$")
	f.Add([]byte(`{"stmts":[{"stmt":{"DropStmt":{"objects":[{"List":{"items":[{}]}}],"removeType":"OBJECT_TABLE"}}}]}`), "x")
	f.Add([]byte(`{"stmts":[{"stmt":{"SelectStmt":{"withClause":[],"fromClause":[{"RangeFunction":{"functions":[{"List":{"items":[1]}}]}}]}}}]}`), "x")
	nodes := readGrammar()
	f.Fuzz(func(t *testing.T, tree []byte, text string) {
		sum, err := summarize(nodes, tree)
		if err == nil && sum.Statements > 0 && len(sum.Classes)+len(sum.Unknown) == 0 {
			t.Errorf("a statement without a class: %s", tree)
		}
		_, _, _ = lexical(text, tree)
	})
}
