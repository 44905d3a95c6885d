package store

import (
	"database/sql/driver"
	"time"
)

const (
	forgetTries = 3
	forgetPause = time.Millisecond
	// forgetEvery bounds how often that happens only because rows have expired.
	forgetEvery = 10 * time.Second
)

// deletion notes after a commit what t deleted, and forgets it if it is time.
func (s *SQLite) deletion(t *tx) {
	s.stale = s.stale || t.deleted || t.purged
	since := s.clock().Sub(s.forgot)
	if s.stale && (t.deleted || since < 0 || since >= forgetEvery) {
		s.forget(t.c)
	}
}

// forget takes what was deleted out of the log as well: all of it goes into the
// database, where it is overwritten, and the log is cut to nothing. It needs a moment
// in which nobody reads. If there is none soon, the next that writes here tries
// again, and so does Close. The caller has the turn, or is the last.
func (s *SQLite) forget(c *conn) {
	s.forgot = s.clock()
	for try := 0; s.stale; try++ {
		var dest [3]driver.Value // busy, pages in the log, pages moved
		err := c.each("PRAGMA wal_checkpoint(truncate)", dest[:], func() bool { return false })
		switch busy, _ := dest[0].(int64); {
		case err == nil && busy == 0:
			s.stale = false
			return
		case err != nil && !locked(err):
			s.log.Warn("store: what was deleted is still in its log", "err", err)
			return
		case try == forgetTries-1:
			return
		}
		<-time.After(forgetPause)
	}
}
