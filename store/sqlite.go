package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// Options of Open.
type Options struct {
	// Dir is the state directory. It is made if it is missing.
	Dir string
	// Clock tells when rows have expired; nil is time.Now.
	Clock func() time.Time
	// Logger gets what an operator may want to know; nil is silence.
	Logger *slog.Logger
}

const (
	// patience is how long an operation waits at most for others; a context may
	// end the wait sooner.
	patience = 10 * time.Second
	// readers is how many snapshots one process reads at once.
	readers = 4
)

// SQLite is the store of one machine. See [ostiary.Store] for its contract. It
// is used by many goroutines at once.
type SQLite struct {
	clock    func() time.Time
	log      *slog.Logger
	files    *files
	schema   int64
	patience time.Duration

	life    sync.RWMutex // held for reading by every operation
	closed  bool
	closing context.Context
	close   context.CancelFunc

	turn   *turn
	writer *conn // used by whoever has the turn; nil until somebody writes
	purged time.Time
	stale  bool      // the log of the database may hold what was deleted
	forgot time.Time // when it was last tried to change that

	watch chan *watcher // one, while nobody uses it
	slots chan struct{} // one for each reader in use
	mu    sync.Mutex
	idle  []*conn
}

var _ ostiary.Store = (*SQLite)(nil)

// Open opens the store of a state directory, and makes or migrates it if needed.
// The error is state_unsafe if others can read or change it, store_schema if a
// newer Ostiary wrote it, store_busy if others held it for too long, and else
// store_unavailable. Whoever opened it calls Close.
func Open(o Options) (*SQLite, error) { return open(o, schema()) }

func open(o Options, steps []string) (_ *SQLite, err error) {
	f, err := newFiles(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := f.privateDir(); err != nil {
		return nil, err
	}
	there, err := f.present()
	if err != nil {
		return nil, err
	}
	if !there {
		if err := create(f, steps); err != nil {
			return nil, err
		}
	}
	s := &SQLite{
		clock: o.Clock, log: o.Logger, files: f, schema: int64(len(steps)), patience: patience,
		watch: make(chan *watcher, 1), slots: make(chan struct{}, readers),
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.turn, err = newTurn(f.dir); err != nil {
		return nil, unavailable("cannot open "+fileLock, err)
	}
	s.closing, s.close = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			s.Close() //nolint:errcheck // the first error says more
		}
	}()
	if err := s.begin(steps); err != nil {
		return nil, err
	}
	return s, f.mark()
}

// begin makes the first connection, brings the schema up to date and notes
// which files are the store's.
func (s *SQLite) begin(steps []string) error {
	ctx, done := s.wait(context.Background())
	defer done()
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	s.watch <- &watcher{c: c, versions: map[string]int64{}} // Close finds it there
	var have int64
	if err := again(ctx, func() (err error) {
		have, err = inspect(c)
		return err
	}); err != nil {
		return failed("cannot read it", err)
	}
	if have > s.schema {
		return newer(have, s.schema)
	}
	if have < s.schema {
		if err := again(ctx, func() error { return migrate(c, steps) }); err != nil {
			return failed("cannot migrate it", err)
		}
		s.log.Info("store migrated", "from", have, "to", s.schema)
	}
	if mode, err := c.text("PRAGMA journal_mode"); err != nil || mode != "wal" {
		return unavailable("its journal is "+mode+" instead of wal; the state directory must be on a local disk", err)
	}
	return s.files.remember()
}

// Close waits for the operations that run, calls off those that wait, and
// closes the files. Later operations fail.
func (s *SQLite) Close() error {
	s.close()
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.writer != nil {
		s.forget(s.writer)
	}
	for _, c := range append(s.idle, s.writer) {
		if c != nil {
			errs = append(errs, c.close())
		}
	}
	select {
	case w := <-s.watch:
		errs = append(errs, w.c.close())
	default: // it was never opened
	}
	s.idle, s.writer = nil, nil
	if err := errors.Join(append(errs, s.turn.close())...); err != nil {
		return unavailable("cannot close it", err)
	}
	return nil
}

// enter begins an operation. Without an error, life.RUnlock ends it.
func (s *SQLite) enter(ctx context.Context) error {
	s.life.RLock()
	var err error
	switch {
	case s.closing.Err() != nil:
		err = closed()
	case ctx.Err() != nil:
		err = busy("withdrawn", ctx.Err())
	default:
		err = s.files.check()
	}
	if err != nil {
		s.life.RUnlock()
	}
	return err
}

// wait is ctx, ended also by patience and by Close.
func (s *SQLite) wait(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.patience, errPatience)
	stop := context.AfterFunc(s.closing, cancel)
	return ctx, func() { stop(); cancel() }
}

// reader hands out a connection that never writes, the one used last if it can.
func (s *SQLite) reader(ctx context.Context) (*conn, error) {
	select {
	case s.slots <- struct{}{}:
	default:
		wait, done := s.wait(ctx)
		defer done()
		select {
		case s.slots <- struct{}{}:
		case <-wait.Done():
			return nil, s.waited(wait, "all readers are in use", context.Cause(wait))
		}
	}
	if c := s.idler(); c != nil {
		return c, nil
	}
	wait, done := s.wait(ctx)
	defer done()
	c, err := s.connect(wait)
	if err != nil {
		<-s.slots
	}
	return c, err
}

// connect opens one more connection; others may just be recovering the log.
func (s *SQLite) connect(ctx context.Context) (c *conn, err error) {
	if err := again(ctx, func() error { c, err = connect(s.files.db()); return err }); err != nil {
		return nil, failed("cannot open it", err)
	}
	return c, nil
}

func (s *SQLite) idler() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	c := s.idle[n-1]
	s.idle = s.idle[:n-1]
	return c
}

// putBack takes a reader back, unless it is in an unknown state.
func (s *SQLite) putBack(c *conn, broken bool) {
	if broken {
		s.drop(c)
	} else {
		s.mu.Lock()
		s.idle = append(s.idle, c)
		s.mu.Unlock()
	}
	<-s.slots
}

func (s *SQLite) drop(c *conn) {
	if err := c.close(); err != nil {
		s.log.Warn("store: cannot close a connection", "err", err)
	}
}
