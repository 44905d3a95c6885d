package config

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
)

// compiled is the rule of a file for the tool up/do.
func compiled(t *testing.T, f *File, w Wiring) (*ostiary.Rule, []policy.Problem) {
	t.Helper()
	p, err := f.NewPolicy(w, nil)
	if err != nil {
		t.Fatal(err)
	}
	book, problems := p.Compile("up", []ostiary.Tool{{Upstream: "up", Name: "do",
		InputSchema: []byte(`{"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}, "query": {"type": "string"}}}`)}})
	return book.Tool("do"), problems
}

func TestAPreviewOfSQLiteIsMadeFromARealFile(t *testing.T) {
	dir, path := write(t, "rules: [{tool: up/do, effect: write, preview: {sql: {query: query, dialect: sqlite, database: shop.db}}}]\n")
	db, err := sql.Open("sqlite", filepath.Join(dir, "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT); INSERT INTO orders VALUES (1, 'open')"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path, Options{Home: "/home/me"})
	if err != nil {
		t.Fatal(err)
	}
	rule, problems := compiled(t, f, Wiring{})
	if len(problems) > 0 || rule.Preview == nil {
		t.Fatalf("no preview: %v", problems)
	}
	ask := func(query string) (*ostiary.Preview, error) {
		return rule.Preview(t.Context(), &ostiary.Call{Args: map[string]any{"query": query}})
	}
	p, err := ask("DELETE FROM orders WHERE id IN (SELECT id FROM orders WHERE state = 'open')")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sqlite: 1 statement, delete, select\n", "tables: orders\n", "plan:\n", "SEARCH orders"} {
		if !strings.Contains(p.Text, want) {
			t.Errorf("%q is missing in\n%s", want, p.Text)
		}
	}
	for _, bad := range []string{"DELETE FROM", "SELECT 1\x00", "SELECT '" + strings.Repeat("x", 70<<10) + "'"} {
		if p, err := ask(bad); err == nil {
			t.Errorf("%.20q was shown: %s", bad, p.Text)
		}
	}
}

// TestPreviewAndValidatorMeanTheSameFile: a person who is shown another file than
// the one that was judged and will be written decides about nothing.
func TestPreviewAndValidatorMeanTheSameFile(t *testing.T) {
	for _, c := range []struct {
		name, args   string
		path, marker string // whose content the preview must show; "" is refused by both
	}{
		{"no base", "{root: tree}", "notes", "of tree/work"},
		{"a base", "{root: tree, base: tree/sub}", "notes", "of tree/sub"},
		{"a base behind a link", "{root: tree, base: link}", "notes", "of tree/sub"},
		{"a root behind a link", "{root: link}", "DIR/tree/sub/notes", "of tree/sub"},
		{"an absolute name", "{root: tree, base: tree/sub}", "DIR/tree/work/notes", "of tree/work"},
		{"a base outside of the root", "{root: tree, base: .}", "notes", ""},
		{"no validator's root but the working directory", "", "notes", "of tree/work"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := ""
			if c.args != "" {
				args = "args: {/path: {path: " + c.args + "}}, "
			}
			dir, path := write(t, "rules: [{tool: up/do, effect: write, "+args+"preview: {write: {path: path, content: content}}}]\n")
			for _, sub := range []string{"work", "sub"} {
				if err := os.MkdirAll(filepath.Join(dir, "tree", sub), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "tree", sub, "notes"), []byte("of tree/"+sub+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "notes"), []byte("outside\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("tree/sub", filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			f, err := Load(path, Options{Home: "/home/me"})
			if err != nil {
				t.Fatal(err)
			}
			rule, problems := compiled(t, f, Wiring{WorkingDir: func(string) string { return filepath.Join(dir, "tree", "work") }})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			call := &ostiary.Call{Effect: ostiary.EffectWrite, Args: map[string]any{
				"path": strings.ReplaceAll(c.path, "DIR", dir), "content": "new\n"}}
			var judged error
			for _, check := range rule.Checks {
				if judged = check.Run(t.Context(), call); judged != nil {
					break
				}
			}
			p, err := rule.Preview(t.Context(), call)
			if c.marker == "" {
				if judged == nil || err == nil {
					t.Fatalf("judged: %v, shown: %v", judged, err)
				}
				return
			}
			if judged != nil || err != nil {
				t.Fatalf("judged: %v, shown: %v", judged, err)
			}
			if !strings.Contains(p.Text, "-"+c.marker+"\n") {
				t.Errorf("another file is shown:\n%s", p.Text)
			}
		})
	}
}

func TestNoPreviewOfFilesOnAnotherMachine(t *testing.T) {
	for name, text := range map[string]string{
		"remote":  "upstreams: {up: {filesystem: remote}}\nrules: [{tool: up/do, effect: write, preview: {delete: {path: path}}}]\n",
		"lexical": "rules: [{tool: up/do, effect: write, args: {/path: {path: {root: /srv, lexical: true}}}, preview: {write: {path: path, content: content}}}]\n",
	} {
		_, path := write(t, text)
		f, err := Load(path, Options{Home: "/home/me"})
		if err != nil {
			t.Fatal(err)
		}
		_, problems := compiled(t, f, Wiring{WorkingDir: func(string) string { return "/srv" }})
		if len(problems) == 0 || !strings.Contains(problems[0].Err.Error(), "another file system") {
			t.Errorf("%s: %v", name, problems)
		}
	}
}
