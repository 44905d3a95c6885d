package store

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary"
)

// TestLockedByOthers: a program that does not queue holds the lock of SQLite.
func TestLockedByOthers(t *testing.T) {
	dir := kept(t)
	s := opened(t, dir)
	s.patience = 100 * time.Millisecond
	rude, err := connect(s.files.db())
	if err != nil {
		t.Fatal(err)
	}
	defer rude.close()
	if err := rude.script("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	err = put(t, s, "k", "x")
	refused(t, "Update", err, ostiary.CodeStoreBusy)
	if e := ostiary.AsError(err); e.RetryAfter <= 0 {
		t.Error("the error does not say when to try again")
	}
	if v, err := get(t, s, "k"); v != "v" || err != nil {
		t.Errorf("reading beside a writer: %q, %v", v, err)
	}
	if err := rude.script("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, "k", "x"); err != nil {
		t.Errorf("after the lock is gone: %v", err)
	}
}

// TestImpatience: a holder that never ends costs an error, not a hang, and the
// abandoned waits let go of what they get.
func TestImpatience(t *testing.T) {
	dir := kept(t)
	a, b := opened(t, dir), opened(t, dir)
	b.patience = 50 * time.Millisecond
	if err := a.turn.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		refused(t, "Update", put(t, b, "k", "x"), ostiary.CodeStoreBusy)
	}
	if err := a.turn.leave(); err != nil {
		t.Fatal(err)
	}
	b.patience = 10 * time.Second
	for range 3 {
		if err := errors.Join(put(t, b, "k", "b"), put(t, a, "k", "a")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCloseEndsWaits: Close does not wait for those who wait.
func TestCloseEndsWaits(t *testing.T) {
	dir := kept(t)
	a, b := opened(t, dir), opened(t, dir)
	if err := a.turn.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer a.turn.leave()
	var wg sync.WaitGroup
	begun := time.Now()
	for range 4 {
		wg.Go(func() {
			if err := put(t, b, "k", "x"); !errors.Is(err, ostiary.CodeStoreUnavailable) {
				t.Errorf("closed while waiting: %v", err)
			}
		})
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("closing took %v", took)
	}
}

// TestFairness: a writer that comes back at once does not push in before one of
// another handle that waits.
func TestFairness(t *testing.T) {
	dir := kept(t)
	greedy, modest := opened(t, dir), opened(t, dir)
	stop, writes := make(chan struct{}), 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := put(t, greedy, "k", "g"); err != nil {
				t.Error(err)
				return
			}
			writes++
		}
	})
	const turns = 30
	for range turns {
		if err := put(t, modest, "k", "m"); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	t.Logf("%d modest turns took %d greedy ones", turns, writes)
	if writes > 5*turns {
		t.Errorf("%d turns had to wait for %d of another", turns, writes)
	}
}

// TestFullDisk fills the file up to a limit, first SQLite's and then the
// kernel's, which is also what a quota does.
func TestFullDisk(t *testing.T) {
	t.Run("pages", func(t *testing.T) {
		s := opened(t, kept(t))
		if err := put(t, s, "k", "v"); err != nil { // makes the writer
			t.Fatal(err)
		}
		if err := s.writer.script("PRAGMA max_page_count=20"); err != nil {
			t.Fatal(err)
		}
		full(t, s)
	})
	t.Run("file size", func(t *testing.T) {
		s := opened(t, kept(t))
		if err := put(t, s, "k", "v"); err != nil {
			t.Fatal(err)
		}
		signal.Ignore(syscall.SIGXFSZ)
		defer signal.Reset(syscall.SIGXFSZ)
		var was unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
			t.Fatal(err)
		}
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 200 << 10, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
				t.Error(err)
			}
		}()
		full(t, s)
	})
}

func full(t *testing.T, s *SQLite) {
	t.Helper()
	err := s.Update(t.Context(), func(tx ostiary.Tx) error {
		tx.Put("b", ostiary.Row{Key: "small"})
		tx.Put("b", ostiary.Row{Key: "large", Value: make([]byte, 8<<20)})
		tx.Put("b", ostiary.Row{Key: "behind"}) // must not stand alone
		return nil
	})
	refused(t, "Update", err, ostiary.CodeStoreUnavailable)
	for _, key := range []string{"small", "large", "behind"} {
		if err := s.View(t.Context(), func(tx ostiary.Tx) error {
			r, err := tx.Get("b", key)
			if r != nil {
				t.Errorf("%s of a transaction that failed is there", key)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	if v, err := get(t, s, "k"); v != "v" || err != nil {
		t.Errorf("what was there before: %q, %v", v, err)
	}
	if err := put(t, s, "k", "again"); err != nil {
		t.Errorf("a small write afterwards: %v", err)
	}
}

// TestReadersQueue: more readers than connections wait and go on.
func TestReadersQueue(t *testing.T) {
	s := opened(t, kept(t))
	inside, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			if err := s.View(t.Context(), func(ostiary.Tx) error { inside <- struct{}{}; <-release; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	for range readers {
		<-inside
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.View(ctx, func(ostiary.Tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one reader too many: %v", err)
	}
	if _, err := s.Version(t.Context(), "b"); err != nil {
		t.Errorf("Version beside busy readers: %v", err)
	}
	close(release)
	wg.Wait()
	if v, err := get(t, s, "k"); v != "v" || err != nil {
		t.Errorf("afterwards: %q, %v", v, err)
	}
}

func TestNothingSecretInErrors(t *testing.T) {
	s := opened(t, kept(t))
	err := s.Update(t.Context(), func(tx ostiary.Tx) error {
		return tx.Put("b", ostiary.Row{Key: "k", Group: "g", Value: []byte(strings.Repeat("hunter2", 3<<20))})
	})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(s.files.db()); err != nil {
		t.Error(err)
	}
}
