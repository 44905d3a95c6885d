package store

import (
	"context"
	"errors"

	"github.com/ostiary/ostiary"
	sqlite3 "modernc.org/sqlite/lib"
)

// Update implements [ostiary.Store]. It waits for its turn for at most 10
// seconds. A panic of f undoes everything and goes on. If it fails while
// committing, the error is store_unavailable and whether the transaction holds
// is unknown, as after a crash; every other error means that it does not.
func (s *SQLite) Update(ctx context.Context, f func(tx ostiary.Tx) error) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.life.RUnlock()
	wait, done := s.wait(ctx)
	defer done()
	if err := s.turn.take(wait); err != nil {
		return s.waited(wait, "waiting to write", err)
	}
	defer func() {
		if e := s.turn.leave(); e != nil && err == nil {
			s.log.Warn("store: cannot leave the queue", "err", e)
		}
	}()
	if err := s.files.check(); err != nil {
		return err
	}
	if s.writer == nil {
		if s.writer, err = s.connect(wait); err != nil {
			return err
		}
	}
	c := s.writer
	if err := again(wait, func() error { _, err := c.run("BEGIN IMMEDIATE"); return err }); err != nil {
		return s.waited(wait, "cannot begin to write", err)
	}
	t := &tx{ctx: ctx, c: c, writes: true}
	committed := false
	defer func() { // also when f panics or ends its goroutine
		t.done = true
		if committed {
			return
		}
		if _, e := c.run("ROLLBACK"); e != nil { // SQLite may have done so by itself
			s.drop(c)
			s.writer = nil
		}
	}()
	if err := s.known(c); err != nil {
		return err
	}
	if err := f(t); err != nil {
		return err
	}
	if err := t.settle(s); err != nil {
		return err
	}
	if _, err := c.run("COMMIT"); err != nil {
		return failed("cannot commit", err)
	}
	committed = true
	s.deletion(t)
	// What went into a file that is not the store's any more is lost.
	return s.files.check()
}

// View implements [ostiary.Store]. A panic of f goes on. At most four run at
// once, the others wait.
func (s *SQLite) View(ctx context.Context, f func(tx ostiary.Tx) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.life.RUnlock()
	c, err := s.reader(ctx)
	if err != nil {
		return err
	}
	t := &tx{ctx: ctx, c: c}
	defer func() {
		t.done = true
		_, err := c.run("ROLLBACK")
		s.putBack(c, err != nil)
	}()
	if _, err := c.run("BEGIN"); err != nil {
		return unavailable("cannot begin to read", err)
	}
	if err := s.snapshot(ctx, func() error { return s.known(c) }); err != nil {
		return err
	}
	if err := f(t); err != nil {
		return err
	}
	return t.failed
}

// snapshot runs the first statement that reads, which may meet a lock.
func (s *SQLite) snapshot(ctx context.Context, first func() error) error {
	err := first()
	if !locked(err) {
		return err
	}
	wait, done := s.wait(ctx)
	defer done()
	return again(wait, first)
}

// known refuses a schema that is not the one this process was built for: a newer
// process may migrate the file while this one has it open.
func (s *SQLite) known(c *conn) error {
	have, _, err := c.number("PRAGMA user_version")
	if err != nil {
		return failed("cannot read its schema", err)
	}
	if have != s.schema {
		return newer(have, s.schema)
	}
	return nil
}

var errPatience = errors.New("waited for too long")

// waited is the error of an operation that did not get its turn.
func (s *SQLite) waited(ctx context.Context, doing string, err error) error {
	switch {
	case s.closing.Err() != nil:
		return closed()
	case ctx.Err() != nil:
		return busy(doing, context.Cause(ctx))
	}
	return failed(doing, err)
}

// failed keeps an error of ours and wraps any other.
func failed(doing string, err error) error {
	var e *ostiary.Error
	if errors.As(err, &e) {
		return err
	}
	return unavailable(doing, err)
}

// locked reports whether SQLite refused because somebody holds a lock.
func locked(err error) bool {
	switch primary(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return false
}
