package store

import (
	"context"
)

// maxKnown is for how many buckets the watcher remembers the version.
const maxKnown = 256

// watcher is the connection that looks for what others commit. It never writes
// and is in no transaction, so nothing breaks it. As long as it is open, no other
// process takes itself for the last one and removes the log of the database.
type watcher struct {
	c        *conn
	seen     int64            // PRAGMA data_version when versions were read
	versions map[string]int64 // by bucket
}

// Version implements [ostiary.Store]. Each bucket has a counter that is written
// in the transaction that changes the bucket. It is read again only when SQLite
// tells that another connection has committed.
func (s *SQLite) Version(ctx context.Context, bucket string) (n int64, err error) {
	if err := text("bucket", bucket, false); err != nil {
		return 0, err
	}
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.life.RUnlock()
	w, err := s.watcher(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { s.watch <- w }()
	err = s.snapshot(ctx, func() error {
		n, err = w.version(s, bucket)
		return err
	})
	return n, err
}

func (s *SQLite) watcher(ctx context.Context) (*watcher, error) {
	select {
	case w := <-s.watch:
		return w, nil
	default:
	}
	wait, done := s.wait(ctx)
	defer done()
	select {
	case w := <-s.watch:
		return w, nil
	case <-wait.Done():
		return nil, s.waited(wait, "waiting to look for changes", context.Cause(wait))
	}
}

func (w *watcher) version(s *SQLite, bucket string) (int64, error) {
	// Asked before the counter is read: what is committed in between is read now
	// and asked for again next time.
	now, _, err := w.c.number("PRAGMA data_version")
	if err != nil {
		return 0, failed("cannot look for changes", err)
	}
	if now != w.seen || len(w.versions) > maxKnown {
		if err := s.known(w.c); err != nil {
			return 0, err
		}
		clear(w.versions)
		w.seen = now
	}
	if n, ok := w.versions[bucket]; ok {
		return n, nil
	}
	n, _, err := w.c.number("SELECT n FROM version WHERE bucket=?1", arg(1, bucket))
	if err != nil {
		return 0, failed("cannot read the version of "+bucket, err)
	}
	w.versions[bucket] = n
	return n, nil
}
