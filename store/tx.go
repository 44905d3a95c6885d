package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

const (
	maxText  = 1024     // bytes of a bucket, key or group
	maxValue = 16 << 20 // bytes of a value
)

// tx implements [ostiary.Tx]. After one error it does nothing more: SQLite may
// have undone everything by then, and what followed would stand alone.
type tx struct {
	ctx     context.Context
	c       *conn
	writes  bool
	done    bool
	failed  error
	changed []string // buckets
	deleted bool     // a value, not only an empty row
	purged  bool     // the same, because it had expired
}

var _ ostiary.Tx = (*tx)(nil)

// ready is asked at the beginning of everything.
func (t *tx) ready(bucket string, writing bool) error {
	switch {
	case t.done:
		return misused("a transaction was used after its end")
	case t.failed != nil:
		return t.failed
	case writing && !t.writes:
		return t.fail(misused("a View tried to write to " + bucket))
	case t.ctx.Err() != nil:
		return t.fail(busy("withdrawn", t.ctx.Err()))
	}
	return nil
}

func (t *tx) fail(err error) error {
	t.failed = err
	return err
}

// Get implements [ostiary.Tx].
func (t *tx) Get(bucket, key string) (*ostiary.Row, error) {
	if err := t.ready(bucket, false); err != nil {
		return nil, err
	}
	if err := text("key", key, false); err != nil {
		return nil, t.fail(err)
	}
	var row *ostiary.Row
	var dest [3]driver.Value
	err := t.c.each("SELECT grp, expires, value FROM entry WHERE bucket=?1 AND key=?2", dest[:], func() bool {
		row = rowOf(key, dest[0], dest[1], dest[2])
		return false
	}, arg(1, bucket), arg(2, key))
	if err != nil {
		return nil, t.fail(unavailable("cannot read "+bucket, err))
	}
	return row, nil
}

// Put implements [ostiary.Tx].
func (t *tx) Put(bucket string, r ostiary.Row) error {
	if err := t.ready(bucket, true); err != nil {
		return err
	}
	for _, err := range []error{text("bucket", bucket, false), text("key", r.Key, false), text("group", r.Group, true)} {
		if err != nil {
			return t.fail(err)
		}
	}
	if len(r.Value) > maxValue {
		return t.fail(misused(fmt.Sprintf("a value of %d bytes for %s, allowed are %d", len(r.Value), bucket, maxValue)))
	}
	value := r.Value
	if value == nil {
		value = []byte{}
	}
	_, err := t.c.run(`INSERT INTO entry (bucket, key, grp, expires, value, since)
		VALUES (?1, ?2, ?3, ?4, ?5, CASE ?3 WHEN '' THEN 0 ELSE 1 + ifnull((SELECT n FROM version WHERE bucket=?1), 0) END)
		ON CONFLICT (bucket, key) DO UPDATE SET grp=excluded.grp, expires=excluded.expires, value=excluded.value, since=excluded.since`,
		arg(1, bucket), arg(2, r.Key), arg(3, r.Group), arg(4, expiry(r.Expires)), arg(5, value))
	if err != nil {
		return t.fail(unavailable("cannot write "+bucket, err))
	}
	t.touch(bucket)
	return nil
}

// Delete implements [ostiary.Tx].
func (t *tx) Delete(bucket, key string) error {
	if err := t.ready(bucket, true); err != nil {
		return err
	}
	if err := text("key", key, false); err != nil {
		return t.fail(err)
	}
	size, there, err := t.c.number("DELETE FROM entry WHERE bucket=?1 AND key=?2 RETURNING length(value)", arg(1, bucket), arg(2, key))
	if err != nil {
		return t.fail(unavailable("cannot delete from "+bucket, err))
	}
	if there {
		t.touch(bucket)
		t.deleted = t.deleted || size > 0
	}
	return nil
}

func (t *tx) touch(bucket string) {
	for _, b := range t.changed {
		if b == bucket {
			return
		}
	}
	t.changed = append(t.changed, bucket)
}

// settle does what belongs to the transaction but not to f: it forgets some of
// what has expired and counts the versions of the buckets up.
func (t *tx) settle(s *SQLite) error {
	if t.failed != nil {
		return t.failed
	}
	if err := t.ctx.Err(); err != nil {
		return busy("withdrawn", err)
	}
	if len(t.changed) == 0 {
		return nil
	}
	if err := s.purge(t); err != nil {
		return unavailable("cannot forget what has expired", err)
	}
	for _, bucket := range t.changed {
		if _, err := t.c.run("INSERT INTO version (bucket, n) VALUES (?1, 1) ON CONFLICT (bucket) DO UPDATE SET n=n+1", arg(1, bucket)); err != nil {
			return unavailable("cannot count the version of "+bucket, err)
		}
	}
	return nil
}

func rowOf(key string, group, expires, value driver.Value) *ostiary.Row {
	r := &ostiary.Row{Key: key}
	r.Group, _ = group.(string)
	r.Value, _ = value.([]byte)
	if us, ok := expires.(int64); ok {
		r.Expires = time.UnixMicro(us).UTC()
	}
	return r
}

// expiry is a time in microseconds, rounded up, because a row stays until then.
func expiry(t time.Time) driver.Value {
	if t.IsZero() {
		return nil
	}
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}

// text refuses what engines would not keep, or not order, alike.
func text(what, s string, empty bool) error {
	switch {
	case s == "" && !empty:
		return misused("an empty " + what)
	case len(s) > maxText:
		return misused(fmt.Sprintf("a %s of %d bytes, allowed are %d", what, len(s), maxText))
	case !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0:
		return misused(fmt.Sprintf("a %s that is no text: %q", what, s))
	}
	return nil
}
