package store

import (
	"database/sql/driver"
	"iter"

	"github.com/ostiary/ostiary"
)

const (
	pageRows  = 128
	pageBytes = 1 << 20
)

// List implements [ostiary.Tx]. It reads in pages, of at most 128 rows and about
// 1 MiB, and holds no statement while the body of the loop runs: the body may
// break, read, list and write as it likes.
func (t *tx) List(bucket string, q ostiary.Query) iter.Seq2[ostiary.Row, error] {
	return func(yield func(ostiary.Row, error) bool) {
		left, after, page := q.Limit, q.After, []ostiary.Row(nil)
		for {
			n := pageRows
			if q.Limit > 0 {
				n = min(n, left)
			}
			var more bool
			var err error
			if page, more, err = t.page(bucket, q, after, n, page[:0]); err != nil {
				yield(ostiary.Row{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
			left -= len(page)
			if !more || q.Limit > 0 && left <= 0 {
				return
			}
			after = page[len(page)-1].Key
		}
	}
}

// page appends up to n rows behind after; more tells whether there may be others.
func (t *tx) page(bucket string, q ostiary.Query, after string, n int, rows []ostiary.Row) (_ []ostiary.Row, more bool, err error) {
	if err := t.ready(bucket, false); err != nil {
		return nil, false, err
	}
	switch {
	case q.Limit < 0:
		return nil, false, t.fail(misused("a negative limit"))
	case q.Since < 0 || q.Since > 0 && q.Group == "":
		return nil, false, t.fail(misused("what changed since a version, without a group or since less than none"))
	}
	for _, err := range []error{text("group", q.Group, true), text("prefix", q.Prefix, true), text("key to list after", q.After, true)} {
		if err != nil {
			return nil, false, t.fail(err)
		}
	}
	// The planner would read the whole bucket for a group, not knowing how small
	// a part of it that is.
	sql := "SELECT key, grp, expires, value FROM entry"
	switch {
	case q.Since > 0:
		sql += " INDEXED BY entry_since"
	case q.Group != "":
		sql += " INDEXED BY entry_grp"
	}
	sql += " WHERE bucket=?1"
	if q.Since > 0 {
		sql += " AND since>?6"
	}
	switch from := after < q.Prefix; {
	case q.Group == "" && from:
		sql += " AND key>=?2 AND key<?3 ORDER BY key LIMIT ?4"
	case q.Group == "":
		sql += " AND key>?2 AND key<?3 ORDER BY key LIMIT ?4"
	case from: // grp<>'' is what the index of groups holds
		sql += " AND grp=?5 AND grp<>'' AND key>=?2 AND key<?3 ORDER BY key LIMIT ?4"
	default:
		sql += " AND grp=?5 AND grp<>'' AND key>?2 AND key<?3 ORDER BY key LIMIT ?4"
	}
	args := []driver.NamedValue{arg(1, bucket), arg(2, max(after, q.Prefix)), arg(3, behind(q.Prefix)), arg(4, int64(n))}
	if q.Group != "" {
		args = append(args, arg(5, q.Group))
	}
	if q.Since > 0 {
		args = append(args, arg(6, q.Since))
	}
	var dest [4]driver.Value
	size, full := 0, false
	err = t.c.each(sql, dest[:], func() bool {
		key, _ := dest[0].(string)
		r := rowOf(key, dest[1], dest[2], dest[3])
		rows = append(rows, *r)
		size += len(r.Value)
		full = size >= pageBytes
		return !full
	}, args...)
	if err != nil {
		return nil, false, t.fail(unavailable("cannot list "+bucket, err))
	}
	return rows, full || len(rows) == n, nil
}

// behind is what sorts directly behind all texts with a prefix; without a prefix
// a blob, which SQLite sorts behind every text.
func behind(prefix string) driver.Value {
	b := []byte(prefix)
	for len(b) > 0 && b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return []byte{0xff}
	}
	b[len(b)-1]++
	return string(b)
}
