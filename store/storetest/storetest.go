// Package storetest is what every engine of [ostiary.Store] must pass: the same
// behaviours over whatever keeps the rows.
//
// [Run] needs nothing but a store. [RunShared] also opens the same store twice
// and from other processes, which it makes from the test binary; for that, the
// package's TestMain calls [Main]. What it does not test: that an engine keeps
// its files from other users, and what it says when they are damaged.
package storetest

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// Store is a store that can be closed.
type Store interface {
	ostiary.Store
	io.Closer
}

// Engine is how to open one kind of store.
type Engine struct {
	// Place names a new, empty store: a directory, a database.
	Place func(t *testing.T) string
	// Open opens the store at a place, with a clock that says when rows have
	// expired. Opened again, also from another process, it is the same store.
	Open func(place string, clock func() time.Time) (Store, error)
}

const bucket = "test"

// Run tests one store. open returns a new, empty one each time.
func Run(t *testing.T, open func(t *testing.T) ostiary.Store) {
	for name, test := range map[string]func(t *testing.T, s ostiary.Store){
		"Get, put, replace, delete": rows,
		"What is no text":           refusals,
		"Large and odd values":      values,
		"List":                      list,
		"List large values":         listLarge,
		"A loop that writes":        listWrites,
		"Undone by an error":        undone,
		"Undone by a panic":         panics,
		"Undone by a failed call":   doomed,
		"A View cannot write":       viewWrites,
		"A transaction that ended":  ended,
		"Snapshots":                 snapshot,
		"Versions":                  versions,
		"Changes since a version":   since,
		"Withdrawn":                 withdrawn,
		"Waiting":                   waiting,
		"Many goroutines":           goroutines,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// RunShared tests what several handles and processes see of one store, and what
// the clock does.
func RunShared(t *testing.T, e Engine) {
	for name, test := range map[string]func(t *testing.T, e Engine){
		"Opened again":               reopened,
		"Opened twice":               twice,
		"Expiry":                     expiry,
		"Lost updates of processes":  processes,
		"One token, many processes":  race,
		"Changes of another process": watched,
		"Killed writers":             killed,
	} {
		t.Run(name, func(t *testing.T) { test(t, e) })
	}
}

// Main runs the tests, or in a child of [RunShared] its part.
func Main(m *testing.M, e Engine) {
	role, place, ok := strings.Cut(os.Getenv(childVariable), "=")
	if !ok {
		os.Exit(m.Run())
	}
	if err := child(e, role, place); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// put writes rows in one transaction.
func put(ctx context.Context, s ostiary.Store, rows ...ostiary.Row) error {
	return s.Update(ctx, func(tx ostiary.Tx) error {
		for _, r := range rows {
			if err := tx.Put(bucket, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func mustPut(t *testing.T, s ostiary.Store, rows ...ostiary.Row) {
	t.Helper()
	if err := put(t.Context(), s, rows...); err != nil {
		t.Fatal(err)
	}
}

// get is a row as a View of its own sees it.
func get(t *testing.T, s ostiary.Store, key string) (row *ostiary.Row) {
	t.Helper()
	if err := s.View(t.Context(), func(tx ostiary.Tx) (err error) {
		row, err = tx.Get(bucket, key)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return row
}

// keys lists what a query names.
func keys(tx ostiary.Tx, q ostiary.Query) ([]string, error) {
	var all []string
	for r, err := range tx.List(bucket, q) {
		if err != nil {
			return nil, err
		}
		all = append(all, r.Key)
	}
	return all, nil
}

func version(t *testing.T, s ostiary.Store, bucket string) int64 {
	t.Helper()
	n, err := s.Version(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// increment adds one to a number that a row holds.
func increment(tx ostiary.Tx, key string) error {
	n := 0
	r, err := tx.Get(bucket, key)
	if err != nil {
		return err
	}
	if r != nil {
		if _, err := fmt.Sscan(string(r.Value), &n); err != nil {
			return err
		}
	}
	return tx.Put(bucket, ostiary.Row{Key: key, Value: fmt.Append(nil, n+1)})
}
