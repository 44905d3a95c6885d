package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func undone(t *testing.T, s ostiary.Store) {
	mustPut(t, s, ostiary.Row{Key: "a", Value: []byte("1")})
	before := version(t, s, bucket)
	oops := errors.New("oops")
	err := s.Update(t.Context(), func(tx ostiary.Tx) error {
		return errors.Join(tx.Delete(bucket, "a"), tx.Put(bucket, ostiary.Row{Key: "b"}), oops)
	})
	if !errors.Is(err, oops) {
		t.Errorf("Update hides the error of f: %v", err)
	}
	unchanged(t, s, before)
}

func unchanged(t *testing.T, s ostiary.Store, before int64) {
	t.Helper()
	if get(t, s, "a") == nil || get(t, s, "b") != nil {
		t.Error("a part of the transaction stayed")
	}
	if v := version(t, s, bucket); v != before {
		t.Errorf("the version changed from %d to %d", before, v)
	}
	mustPut(t, s, ostiary.Row{Key: "c"}) // and the store goes on
	if get(t, s, "c") == nil {
		t.Error("the next transaction is lost")
	}
}

func panics(t *testing.T, s ostiary.Store) {
	mustPut(t, s, ostiary.Row{Key: "a", Value: []byte("1")})
	before := version(t, s, bucket)
	for name, f := range map[string]func(){
		"Update": func() {
			_ = s.Update(t.Context(), func(tx ostiary.Tx) error {
				if err := tx.Delete(bucket, "a"); err != nil {
					t.Error(err)
				}
				panic("oops")
			})
		},
		"View": func() { _ = s.View(t.Context(), func(ostiary.Tx) error { panic("oops") }) },
	} {
		func() {
			defer func() {
				if r := recover(); r != "oops" {
					t.Errorf("%s: the panic became %v", name, r)
				}
			}()
			f()
		}()
	}
	unchanged(t, s, before)
}

// doomed: after one failure nothing of a transaction may stay, even if f
// overlooked the error.
func doomed(t *testing.T, s ostiary.Store) {
	mustPut(t, s, ostiary.Row{Key: "a"})
	before := version(t, s, bucket)
	err := s.Update(t.Context(), func(tx ostiary.Tx) error {
		_ = tx.Put(bucket, ostiary.Row{Key: "b"})
		_ = tx.Put(bucket, ostiary.Row{Key: ""})
		_ = tx.Delete(bucket, "a")
		return nil
	})
	if err == nil {
		t.Error("an overlooked error was committed")
	}
	unchanged(t, s, before)
}

func viewWrites(t *testing.T, s ostiary.Store) {
	mustPut(t, s, ostiary.Row{Key: "a"})
	before := version(t, s, bucket)
	for name, f := range map[string]func(tx ostiary.Tx) error{
		"Put":    func(tx ostiary.Tx) error { return tx.Put(bucket, ostiary.Row{Key: "b"}) },
		"Delete": func(tx ostiary.Tx) error { return tx.Delete(bucket, "a") },
	} {
		if err := s.View(t.Context(), f); err == nil {
			t.Errorf("%s works in a View", name)
		}
	}
	unchanged(t, s, before)
}

func ended(t *testing.T, s ostiary.Store) {
	var kept []ostiary.Tx
	keep := func(tx ostiary.Tx) error { kept = append(kept, tx); return nil }
	if err := errors.Join(s.Update(t.Context(), keep), s.View(t.Context(), keep)); err != nil {
		t.Fatal(err)
	}
	for _, tx := range kept {
		if tx.Put(bucket, ostiary.Row{Key: "late"}) == nil {
			t.Error("Put works after the end")
		}
		if _, err := tx.Get(bucket, "late"); err == nil {
			t.Error("Get works after the end")
		}
		if _, err := keys(tx, ostiary.Query{}); err == nil {
			t.Error("List works after the end")
		}
	}
	if get(t, s, "late") != nil {
		t.Error("a row came after the end")
	}
}

// snapshot: a View sees one state, whatever is committed meanwhile, and blocks
// nobody who writes.
func snapshot(t *testing.T, s ostiary.Store) {
	mustPut(t, s, ostiary.Row{Key: "a", Value: []byte("old")}, ostiary.Row{Key: "b"})
	if err := s.View(t.Context(), func(tx ostiary.Tx) error {
		first, err := tx.Get(bucket, "a")
		if err != nil {
			return err
		}
		done := make(chan error)
		go func() {
			done <- s.Update(t.Context(), func(tx ostiary.Tx) error {
				return errors.Join(tx.Put(bucket, ostiary.Row{Key: "a", Value: []byte("new")}), tx.Delete(bucket, "b"), tx.Put(bucket, ostiary.Row{Key: "c"}))
			})
		}()
		if err := <-done; err != nil {
			return err
		}
		again, err := tx.Get(bucket, "a")
		if err != nil {
			return err
		}
		all, err := keys(tx, ostiary.Query{})
		if string(first.Value) != "old" || string(again.Value) != "old" || fmt.Sprint(all) != "[a b]" {
			t.Errorf("the snapshot moved: %s, %s, %q", first.Value, again.Value, all)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if r := get(t, s, "a"); string(r.Value) != "new" {
		t.Errorf("the next View sees %s", r.Value)
	}
}

func versions(t *testing.T, s ostiary.Store) {
	seen := map[int64]bool{version(t, s, bucket): true}
	other := version(t, s, "other")
	change := func(what string, want bool, f func(tx ostiary.Tx) error) {
		t.Helper()
		before := version(t, s, bucket)
		if err := s.Update(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		after := version(t, s, bucket)
		if (after > before) != want || after < before || want && seen[after] {
			t.Errorf("%s: version %d became %d", what, before, after)
		}
		seen[after] = true
	}
	row := ostiary.Row{Key: "a", Value: []byte("1")}
	change("insert", true, func(tx ostiary.Tx) error { return tx.Put(bucket, row) })
	change("replace", true, func(tx ostiary.Tx) error { return tx.Put(bucket, row) })
	change("two writes", true, func(tx ostiary.Tx) error { return errors.Join(tx.Put(bucket, row), tx.Put(bucket, row)) })
	change("nothing", false, func(ostiary.Tx) error { return nil })
	change("delete of nothing", false, func(tx ostiary.Tx) error { return tx.Delete(bucket, "none") })
	change("another bucket", false, func(tx ostiary.Tx) error { return tx.Put("another", row) })
	change("delete", true, func(tx ostiary.Tx) error { return tx.Delete(bucket, "a") })
	change("insert again", true, func(tx ostiary.Tx) error { return tx.Put(bucket, row) })
	if v := version(t, s, "other"); v != other {
		t.Errorf("a bucket that nobody touched went from %d to %d", other, v)
	}
}

func withdrawn(t *testing.T, s ostiary.Store) {
	mustPut(t, s, ostiary.Row{Key: "a"})
	before := version(t, s, bucket)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"Update": put(gone, s, ostiary.Row{Key: "b"}),
		"View":   s.View(gone, func(ostiary.Tx) error { return nil }),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a context that is done: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Update(ctx, func(tx ostiary.Tx) error {
		err := tx.Put(bucket, ostiary.Row{Key: "b"})
		cancel()
		return err
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled on the way: %v", err)
	}
	unchanged(t, s, before)
}

// waiting: who waits for a writer may leave, and the others get their turn.
func waiting(t *testing.T, s ostiary.Store) {
	inside, release := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- s.Update(t.Context(), func(tx ostiary.Tx) error {
			close(inside)
			<-release
			return tx.Put(bucket, ostiary.Row{Key: "first"})
		})
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := put(ctx, s, ostiary.Row{Key: "left"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a wait ended with %v", err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %v to leave", took)
	}
	second := make(chan error, 1)
	go func() { second <- put(t.Context(), s, ostiary.Row{Key: "second"}) }()
	close(release)
	if err := errors.Join(<-first, <-second); err != nil {
		t.Fatal(err)
	}
	if get(t, s, "first") == nil || get(t, s, "second") == nil || get(t, s, "left") != nil {
		t.Error("not those who stayed have written")
	}
}

func goroutines(t *testing.T, s ostiary.Store) {
	const workers, each = 100, 4
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				if err := s.Update(t.Context(), func(tx ostiary.Tx) error { return increment(tx, "sum") }); err != nil {
					t.Error(err)
				}
				if err := s.View(t.Context(), func(tx ostiary.Tx) error { _, err := tx.Get(bucket, "sum"); return err }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if r := get(t, s, "sum"); r == nil || string(r.Value) != fmt.Sprint(workers*each) {
		t.Errorf("got %+v, want %d", r, workers*each)
	}
}
