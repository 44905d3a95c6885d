package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary"
)

func testAside(t *testing.T) *aside {
	t.Helper()
	a := newAside()
	if a == nil {
		t.Skip("the kernel gives no context for asynchronous I/O: nothing is synced aside here")
	}
	return a
}

func TestSyncAside(t *testing.T) {
	a := testAside(t)
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if flags, err := unix.FcntlInt(uintptr(a.fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("a server that is started would have it: flags %x, %v", flags, err)
	}
	for i := range 50 {
		if _, err := fmt.Fprintln(f, i); err != nil {
			t.Fatal(err)
		}
		if err := a.sync(f.Fd()); err != nil {
			t.Fatalf("sync %d: %v", i, err)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := a.sync(w.Fd()); !errors.Is(err, errNotAside) {
		t.Errorf("a pipe is synced: %v", err)
	}
	if err := a.sync(f.Fd()); err != nil {
		t.Errorf("behind a file that was not taken: %v", err)
	}
	if err := a.close(); err != nil {
		t.Error(err)
	}
	if err := a.sync(f.Fd()); !errors.Is(err, errNotAside) {
		t.Errorf("behind close: %v", err)
	}
}

// counted is a real file that counts who writes and who waits in fdatasync.
type counted struct {
	file
	fd              uintptr
	written, synced *atomic.Int64
}

func (c *counted) Fd() uintptr { return c.fd }
func (c *counted) Sync() error { c.synced.Add(1); return c.file.Sync() }
func (c *counted) WriteAt(p []byte, off int64) (int, error) {
	c.written.Add(1)
	return c.file.WriteAt(p, off)
}

func openCounted(t *testing.T) (l *Log, written, synced *atomic.Int64) {
	t.Helper()
	written, synced = new(atomic.Int64), new(atomic.Int64)
	l = openTest(t, filepath.Join(t.TempDir(), "state"), func(o *Options) {
		o.create = func(path string) (file, error) {
			f, err := createFile(path)
			if err != nil {
				return nil, err
			}
			return &counted{file: f, fd: f.(*diskFile).Fd(), written: written, synced: synced}, nil
		}
	})
	return l, written, synced
}

// begun are calls that are under way.
func begun(t *testing.T, l *Log, n int) (entries []ostiary.Entry) {
	t.Helper()
	for i := range n {
		e, err := l.Begin(testCall(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

// Groups of one call and of many are synced aside.
func TestGroupsAreSyncedAside(t *testing.T) {
	testAside(t).close()
	l, written, synced := openCounted(t)
	w, s := written.Load(), synced.Load()
	entries := begun(t, l, 12)
	end := func(e ostiary.Entry) {
		if err := e.End(ostiary.Outcome{Status: ostiary.StatusOK}); err != nil {
			t.Error(err)
		}
	}
	end(entries[0])
	if n := written.Load() - w; n != 1 {
		t.Errorf("one call was %d groups", n)
	}
	var wg sync.WaitGroup
	for _, e := range entries[1:] {
		wg.Go(func() { end(e) })
	}
	wg.Wait()
	if n := written.Load() - w; n < 2 || synced.Load() != s {
		t.Errorf("of %d groups %d were synced by who led them; want none", n, synced.Load()-s)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A file that cannot be synced aside is synced as ever.
func TestWhatIsNotTakenIsSyncedAsEver(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	f, err := createFile(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, a := range map[string]*aside{"no kernel for it": nil, "not this file": newAside()} {
		var n atomic.Int64
		s := &segment{file: &counted{file: f, fd: w.Fd(), synced: &n}, aside: a}
		if err := s.sync(); err != nil || n.Load() != 1 {
			t.Errorf("%s: synced %d times, %v", name, n.Load(), err)
		}
	}
}

// Behind a sync no page of the file waits to be written.
func TestNothingIsDirtyBehindASyncAside(t *testing.T) {
	a := testAside(t)
	defer a.close()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pages := func() uint64 {
		var c unix.Cachestat_t
		if err := unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{}, &c, 0); err != nil {
			t.Skip("the kernel does not tell: ", err)
		}
		return c.Dirty + c.Writeback
	}
	var before uint64
	for range 5 { // the kernel may be the first to write, once
		if _, err := f.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		before += pages()
		if err := a.sync(f.Fd()); err != nil {
			t.Fatal(err)
		}
		if n := pages(); n != 0 {
			t.Errorf("%d pages are not on the disk", n)
		}
	}
	if before == 0 {
		t.Skip("this file system keeps nothing to write")
	}
}
