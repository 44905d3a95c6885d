package store

import (
	"database/sql/driver"
	"time"
)

// A transaction that writes also forgets some rows that have expired, at most
// once a second and a process: so much that it is not felt, and more than what
// usually comes in.
const (
	purgeEvery = time.Second
	purgeRows  = 64
	purgeBytes = 4 << 20
)

func (s *SQLite) purge(t *tx) error {
	now := s.clock()
	if since := now.Sub(s.purged); since >= 0 && since < purgeEvery {
		return nil
	}
	type expired struct {
		id     int64
		bucket string
	}
	var rows []expired
	var dest [3]driver.Value
	size := int64(0)
	err := t.c.each("SELECT id, bucket, length(value) FROM entry WHERE expires<=?1 ORDER BY expires LIMIT ?2", dest[:], func() bool {
		id, _ := dest[0].(int64)
		bucket, _ := dest[1].(string)
		n, _ := dest[2].(int64)
		rows = append(rows, expired{id, bucket})
		size += n
		return size < purgeBytes
	}, arg(1, now.UnixMicro()), arg(2, int64(purgeRows)))
	if err != nil {
		return err
	}
	for _, r := range rows {
		if _, err := t.c.run("DELETE FROM entry WHERE id=?1", arg(1, r.id)); err != nil {
			return err
		}
		t.touch(r.bucket)
		t.purged = true
	}
	if len(rows) < purgeRows && size < purgeBytes { // else there is more, for the next one
		s.purged = now
	}
	return nil
}
