package preview

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// maxPlan is how many steps of a plan are read.
const maxPlan = 1000

// explain asks SQLite how it would go about a statement and for the version of
// its schema. It cannot write, whatever the text is: the file is opened for
// reading, and no other can be attached.
func explain(ctx context.Context, file, text string, found SQLSummary) (version int64, plan []string, err error) {
	bad := func(err error) error {
		return failed(err, "SQLite cannot explain it against the rule's database: correct the statement, or tell the operator to look at `preview: database:`")
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return 0, nil, bad(err)
	}
	q := url.Values{
		"mode": {"ro"}, "immutable": {"0"}, "_defensive": {"1"},
		"_pragma": {"query_only=1", "trusted_schema=0", "busy_timeout=1000", "temp_store=memory", "mmap_size=0"},
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return 0, nil, bad(err)
	}
	defer db.Close()
	c, err := db.Conn(ctx)
	if err != nil {
		return 0, nil, bad(err)
	}
	defer c.Close() //nolint:errcheck // it only read
	if _, err := sqlite.Limit(c, sqlite3.SQLITE_LIMIT_ATTACHED, 0); err != nil {
		return 0, nil, bad(err)
	}
	if err := c.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version); err != nil {
		return 0, nil, bad(err)
	}
	if !explainable(found) {
		return version, []string{"plan: not asked for; only one statement that selects, inserts, updates or deletes is explained"}, nil
	}
	rows, err := c.QueryContext(ctx, "EXPLAIN QUERY PLAN "+text)
	if err != nil && (strings.Contains(err.Error(), "missing argument with index") || strings.Contains(err.Error(), "missing named argument")) {
		return version, []string{"plan: not shown, because the statement has parameters whose values are elsewhere"}, nil
	}
	if err != nil {
		return 0, nil, bad(err)
	}
	defer rows.Close()
	plan = []string{"plan:"}
	depth := map[int64]int{}
	for rows.Next() {
		var id, parent, unused int64
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return 0, nil, bad(err)
		}
		if len(plan) > maxPlan {
			return 0, nil, failed(nil, "its plan has more than %d steps: send a simpler statement", maxPlan)
		}
		depth[id] = depth[parent] + 1
		plan = append(plan, strings.Repeat("  ", min(depth[id], 20))+strings.ReplaceAll(detail, "\n", " "))
	}
	if err := rows.Err(); err != nil {
		return 0, nil, bad(err)
	}
	return version, plan, nil
}
