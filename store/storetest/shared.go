package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func (e Engine) open(t *testing.T, place string, clock func() time.Time) Store {
	t.Helper()
	s, err := e.Open(place, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func reopened(t *testing.T, e Engine) {
	place := e.Place(t)
	for i := range 4 {
		s, err := e.Open(place, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if r := get(t, s, "kept"); (r != nil) != (i > 0) || r != nil && string(r.Value) != fmt.Sprint(i) {
			t.Errorf("opened %d times, got %+v", i+1, r)
		}
		if v := version(t, s, bucket); v != int64(i) && i == 0 {
			t.Errorf("a new store begins with version %d", v)
		}
		if err := s.Update(t.Context(), func(tx ostiary.Tx) error { return increment(tx, "kept") }); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		if err := put(t.Context(), s, ostiary.Row{Key: "late"}); err == nil {
			t.Error("Update works after Close")
		}
		if err := s.View(t.Context(), func(ostiary.Tx) error { return nil }); err == nil {
			t.Error("View works after Close")
		}
		if _, err := s.Version(t.Context(), bucket); err == nil {
			t.Error("Version works after Close")
		}
	}
}

// twice: two handles of one store are one store.
func twice(t *testing.T, e Engine) {
	place := e.Place(t)
	a, b := e.open(t, place, time.Now), e.open(t, place, time.Now)
	for i := range 50 {
		before := version(t, b, bucket)
		mustPut(t, a, ostiary.Row{Key: "k", Value: fmt.Append(nil, i)})
		if r := get(t, b, "k"); r == nil || string(r.Value) != fmt.Sprint(i) {
			t.Fatalf("the other handle sees %+v instead of %d", r, i)
		}
		if version(t, b, bucket) == before || version(t, a, bucket) != version(t, b, bucket) {
			t.Fatal("the handles disagree about the version")
		}
		a, b = b, a
	}
	inside, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- a.Update(t.Context(), func(tx ostiary.Tx) error { close(inside); <-release; return increment(tx, "n") })
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := put(ctx, b, ostiary.Row{Key: "x"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a writer beside another ended with %v", err)
	}
	late := make(chan error, 1)
	go func() { late <- b.Update(t.Context(), func(tx ostiary.Tx) error { return increment(tx, "n") }) }()
	close(release)
	if err := errors.Join(<-done, <-late); err != nil {
		t.Fatal(err)
	}
	if r := get(t, a, "n"); string(r.Value) != "2" {
		t.Errorf("two writers counted to %s", r.Value)
	}
}

// expiry: a row stays until it expires, and after it goes while others are
// written, a bounded number at a time.
func expiry(t *testing.T, e Engine) {
	start := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	var now atomic.Int64
	now.Store(start.UnixNano())
	s := e.open(t, e.Place(t), func() time.Time { return time.Unix(0, now.Load()) })
	var rows []ostiary.Row
	for i := range 500 {
		rows = append(rows, ostiary.Row{Key: fmt.Sprintf("short/%03d", i), Expires: start.Add(time.Minute)})
	}
	mustPut(t, s, append(rows, ostiary.Row{Key: "long", Expires: start.Add(time.Hour)}, ostiary.Row{Key: "ever"})...)
	left := func() (n int) {
		if err := s.View(t.Context(), func(tx ostiary.Tx) error {
			all, err := keys(tx, ostiary.Query{Prefix: "short/"})
			n = len(all)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	tick := func(to time.Duration) {
		now.Store(start.Add(to).UnixNano())
		if err := s.Update(t.Context(), func(tx ostiary.Tx) error { return tx.Put("work", ostiary.Row{Key: "w"}) }); err != nil {
			t.Fatal(err)
		}
	}
	tick(time.Minute - time.Microsecond)
	if n := left(); n != 500 {
		t.Fatalf("%d of 500 rows are left before they expire", n)
	}
	before := version(t, s, bucket)
	for i := range 100 {
		tick(2*time.Minute + time.Duration(i)*2*time.Second)
		if i == 0 {
			if n := left(); n < 300 {
				t.Errorf("one transaction purged %d rows, which a caller would feel", 500-n)
			}
		}
	}
	if n := left(); n != 0 {
		t.Errorf("%d expired rows are left after 100 transactions", n)
	}
	if version(t, s, bucket) == before {
		t.Error("rows went and the version stayed")
	}
	if get(t, s, "long") == nil || get(t, s, "ever") == nil {
		t.Error("a row went before its time")
	}
	if err := s.View(t.Context(), func(tx ostiary.Tx) error {
		all, err := keys(tx, ostiary.Query{})
		slices.Sort(all)
		if fmt.Sprint(all) != "[ever long]" {
			t.Errorf("left are %q", all)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
