package audit

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Behind a write that took long, many are told to the scheduler, and then no more.
func TestSlowWritesAreTold(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	takes := time.Duration(0)
	now := time.Unix(0, 0)
	w := pageWriter{near: true, now: func() time.Time { now = now.Add(takes); return now }}
	want, off := "", int64(0)
	write := func() {
		t.Helper()
		if n, err := w.writeAt(f, []byte("line\n"), off); n != 5 || err != nil {
			t.Fatal(n, err)
		}
		want, off = want+"line\n", off+5
	}
	write()
	if takes = slowWrite; w.told != 0 {
		t.Errorf("a quick write lets %d be told", w.told)
	}
	write()
	if takes = slowWrite + 1; w.told != 0 {
		t.Errorf("a write as long as is allowed lets %d be told", w.told)
	}
	write()
	for left := toldBehind; left > 0; left-- {
		if w.told != left {
			t.Fatalf("%d are still to be told, want %d", w.told, left)
		}
		write()
	}
	if takes = 0; w.told != 0 {
		t.Errorf("%d are still to be told", w.told)
	}
	write()
	if got, err := os.ReadFile(f.Name()); err != nil || string(got) != want {
		t.Errorf("read %d bytes, %v; want %d", len(got), err, len(want))
	}
}

// What the system says comes back, told or not.
func TestPageWriterErrors(t *testing.T) {
	f, err := os.Open(os.DevNull) // to read
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, told := range []int{0, 1} {
		w := pageWriter{near: true, now: time.Now, told: told}
		if n, err := w.writeAt(f, []byte("x"), 0); n != 0 || !errors.Is(err, unix.EBADF) {
			t.Errorf("told %d: %d, %v", told, n, err)
		}
	}
}

// Where another program or machine must answer, every write is told.
func TestWritesElsewhereAreTold(t *testing.T) {
	f, err := createFile(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	elsewhere, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	d := f.(*diskFile)
	if near := d.pages.near; near != nearFile(d.File) || nearFile(elsewhere) {
		t.Errorf("on a disk: %t, %t and not %t", near, nearFile(d.File), nearFile(elsewhere))
	}
	d.pages = pageWriter{now: func() time.Time { t.Error("it was not told"); return time.Time{} }}
	if n, err := f.WriteAt([]byte("line\n"), 0); n != 5 || err != nil {
		t.Error(n, err)
	}
}
