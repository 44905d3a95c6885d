package audit

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Filter selects records; what is empty does not narrow.
type Filter struct {
	Since, Until time.Time // Since <= time < Until
	Principal    string
	// Tool is a glob (* ? [a-z]) over the target; with a slash over upstream/target.
	Tool     string
	Upstream string
	Decision string
	Code     string
	Session  string
	Call     string
	// Text are words that stand together in the reason, the message, the target,
	// the redacted arguments or the beginning of the result.
	Text string
	// Limit is how many records at most are returned, the newest; 100 by default.
	Limit int
}

// Query searches the records of all logs, oldest first, over an index that it
// makes or brings up to date. It does not verify what it finds. It may be used
// by several processes at once.
func Query(ctx context.Context, dir string, f Filter) ([]Found, error) {
	x, err := openIndex(ctx, dir)
	if err != nil {
		return nil, unreadable(err)
	}
	defer x.db.Close()
	found, err := x.find(ctx, f)
	if err != nil {
		return nil, unreadable(err)
	}
	return found, nil
}

// Show returns all records of one call, oldest first; none if there is no such call.
func Show(ctx context.Context, dir, call string) ([]Found, error) {
	if call == "" {
		return nil, nil
	}
	return Query(ctx, dir, Filter{Call: call, Limit: 1000})
}

func (x *index) find(ctx context.Context, f Filter) ([]Found, error) {
	where, args := []string{"1"}, []any{}
	add := func(condition string, arg any) {
		where, args = append(where, condition), append(args, arg)
	}
	if !f.Since.IsZero() {
		add("time >= ?", f.Since.UnixNano())
	}
	if !f.Until.IsZero() {
		add("time < ?", f.Until.UnixNano())
	}
	for _, equal := range [][2]string{
		{"principal = ?", f.Principal}, {"upstream = ?", f.Upstream}, {"decision = ?", f.Decision},
		{"code = ?", f.Code}, {"session = ?", f.Session}, {"call = ?", f.Call},
	} {
		if equal[1] != "" {
			add(equal[0], equal[1])
		}
	}
	switch {
	case strings.Contains(f.Tool, "/"):
		add("upstream || '/' || target GLOB ?", f.Tool)
	case f.Tool != "":
		add("target GLOB ?", f.Tool)
	}
	if f.Text != "" {
		add("id IN (SELECT rowid FROM words WHERE words MATCH ?)", `"`+strings.ReplaceAll(f.Text, `"`, `""`)+`"`)
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	rows, err := x.db.QueryContext(ctx, "SELECT line, body FROM records WHERE "+strings.Join(where, " AND ")+
		" ORDER BY time DESC, log DESC, n DESC LIMIT ?", append(args, f.Limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Found
	for rows.Next() {
		var line, body []byte
		if err := rows.Scan(&line, &body); err != nil {
			return nil, err
		}
		one := Found{Line: line, Body: body}
		if err := json.Unmarshal(line, &one.Record); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	slices.Reverse(found)
	return found, rows.Err()
}
