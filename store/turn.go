package store

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// turn decides which of all processes writes next. SQLite by itself lets writers
// try again and again, which starves some when there are many; here they queue.
// The lock of SQLite stays the one that protects the file: whoever ignores the
// queue is only impolite.
//
// The queue is two locks on bytes of one file. Who has the first is next; who
// has the second writes. A writer that is done and comes back must pass the
// first one, which the next already holds, so it cannot push in. The kernel lets
// go of both when a process dies.
type turn struct {
	file *os.File
	mine chan struct{} // the queue inside this process, in the order of arrival
}

const (
	lockNext  = 0
	lockWrite = 1
)

func newTurn(dir string) (*turn, error) {
	f, err := os.OpenFile(filepath.Join(dir, fileLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &turn{file: f, mine: make(chan struct{}, 1)}, nil
}

// take waits for the turn. After nil, leave MUST be called.
func (t *turn) take(ctx context.Context) error {
	select {
	case t.mine <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := t.lock(ctx, lockNext); err != nil {
		return err
	}
	if err := t.lock(ctx, lockWrite); err != nil {
		return err
	}
	if err := t.fcntl(unix.F_OFD_SETLK, unix.F_UNLCK, lockNext, 1); err != nil {
		return errors.Join(err, t.leave())
	}
	return nil
}

// leave ends the turn.
func (t *turn) leave() error {
	err := t.fcntl(unix.F_OFD_SETLK, unix.F_UNLCK, lockNext, 2)
	<-t.mine
	return err
}

// lock takes one of the locks. If it returns an error, this process has left the
// queue or is about to: a wait in the kernel cannot be called off, so its
// goroutine ends it and then lets the next of this process come.
func (t *turn) lock(ctx context.Context, at int64) error {
	err := t.fcntl(unix.F_OFD_SETLK, unix.F_WRLCK, at, 1)
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
		return errors.Join(err, t.leave())
	}
	got := make(chan error, 1)
	go func() { got <- t.fcntl(unix.F_OFD_SETLKW, unix.F_WRLCK, at, 1) }()
	select {
	case err := <-got:
		if err != nil {
			return errors.Join(err, t.leave())
		}
		return nil
	case <-ctx.Done():
		go func() {
			// Both fail only if the file was closed, which lets go of its locks.
			_ = errors.Join(<-got, t.leave())
		}()
		return context.Cause(ctx)
	}
}

// fcntl sets a lock of the open file, which is one per store and process.
func (t *turn) fcntl(cmd int, kind int16, at, n int64) error {
	raw, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	lock := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: at, Len: n}
	var failed error
	err = raw.Control(func(fd uintptr) { // holds the descriptor while it waits
		for {
			if failed = unix.FcntlFlock(fd, cmd, &lock); !errors.Is(failed, unix.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, failed)
}

func (t *turn) close() error { return t.file.Close() }

// again calls f until it does not fail for a lock of SQLite. Such locks are held
// for moments: while another process recovers the log after a crash or closes
// the store, or by a program that does not queue.
func again(ctx context.Context, f func() error) error {
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 10*time.Millisecond) {
		err := f()
		if !locked(err) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return busy("locked by another program: "+err.Error(), context.Cause(ctx))
		}
	}
}
