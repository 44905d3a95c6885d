package store

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary"
)

func filled(b *testing.B, rows int) *SQLite {
	s := opened(b, stateDir(b))
	if err := s.Update(b.Context(), func(tx ostiary.Tx) error {
		for i := range rows {
			if err := tx.Put("b", ostiary.Row{Key: fmt.Sprintf("%06d", i), Group: "pending", Value: make([]byte, 300)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	return s
}

// cpu reports allocations and the processor's time, which says more than the
// clock where others use the machine.
func cpu(b *testing.B) func() {
	b.ReportAllocs()
	used := func() int64 {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

func BenchmarkViewGet(b *testing.B) {
	s := filled(b, 1000)
	defer cpu(b)()
	for b.Loop() {
		if err := s.View(b.Context(), func(tx ostiary.Tx) error { _, err := tx.Get("b", "000500"); return err }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	s := filled(b, 1000)
	defer cpu(b)()
	for b.Loop() {
		if err := s.Update(b.Context(), func(tx ostiary.Tx) error {
			return tx.Put("b", ostiary.Row{Key: "000500", Group: "used", Value: make([]byte, 300)})
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVersion(b *testing.B) {
	s := filled(b, 10)
	defer cpu(b)()
	for b.Loop() {
		if _, err := s.Version(b.Context(), "b"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckFiles(b *testing.B) {
	s := filled(b, 10)
	defer cpu(b)()
	for b.Loop() {
		if err := s.files.check(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkListGroup lists 10,000 rows of 300 bytes.
func BenchmarkListGroup(b *testing.B) {
	s := filled(b, 10_000)
	defer cpu(b)()
	for b.Loop() {
		n := 0
		if err := s.View(b.Context(), func(tx ostiary.Tx) error {
			for _, err := range tx.List("b", ostiary.Query{Group: "pending"}) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		}); err != nil || n != 10_000 {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkOpen opens and closes a store that is there.
func BenchmarkOpen(b *testing.B) {
	for name, other := range map[string]bool{"alone": false, "beside another": true} {
		b.Run(name, func(b *testing.B) {
			dir := stateDir(b)
			s, err := Open(Options{Dir: dir})
			if err != nil {
				b.Fatal(err)
			}
			if other {
				defer s.Close()
			} else {
				s.Close()
			}
			defer cpu(b)()
			for b.Loop() {
				s, err := Open(Options{Dir: dir})
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
