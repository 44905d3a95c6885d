package audit

import (
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// The kernel tells of a failed writeback once to each opening of a file. Who reserves
// space while others write must not be who is told.
func TestReservingTakesNoErrorOfASync(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f, err := createFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var synced atomic.Int64
	s := &segment{jobs: make(chan job, 1), done: make(chan job, 1)}
	go s.help()
	defer close(s.jobs)
	s.ask(job{file: &counted{file: f, synced: &synced}, off: 4096, n: 8192})
	if err := s.settle(<-s.done); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(path); err != nil || i.Size() != 4096+8192 {
		t.Errorf("reserved: %v, %v", i, err)
	}
	if n := synced.Load(); n != 0 {
		t.Errorf("what the leader syncs was synced %d times", n)
	}
	d := f.(*diskFile)
	if _, err := d.File.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if at, err := d.again.Seek(0, io.SeekCurrent); err != nil || at != 0 { // of a duplicate it is the same place
		t.Errorf("Reserve shares an opening with Sync: at %d, %v", at, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []*os.File{d.File, d.again} {
		if o.Close() == nil {
			t.Error("an opening was left behind Close")
		}
	}
}
