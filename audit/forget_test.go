package audit

import (
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// resident is how many bytes of a file the system has in its memory, of each part of it.
func resident(t *testing.T, f *os.File, part int64) (all []int64) {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	m, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(m) //nolint:errcheck // the test ends
	page := os.Getpagesize()
	in := make([]byte, (len(m)+page-1)/page)
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)), uintptr(unsafe.Pointer(&in[0]))); errno != 0 {
		t.Fatal(errno)
	}
	all = make([]int64, (info.Size()+part-1)/part)
	for i, b := range in {
		if b&1 != 0 {
			all[int64(i)*int64(page)/part] += int64(page)
		}
	}
	return all
}

// What a segment has behind it leaves the memory of the system, and not what is read at its
// end, nor what is not on the disk yet.
func TestASegmentLeavesMemory(t *testing.T) {
	dir := t.TempDir()
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	switch uint32(s.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC:
	default:
		t.Skipf("what is on the disk need not leave memory on a file system of type %x", s.Type)
	}
	created, err := createFile(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer created.Close()
	seg := &segment{log: &Log{opts: Options{SegmentBytes: 8 * growStep}}, file: created, reserved: growStep, jobs: make(chan job, 1), done: make(chan job, 1)}
	go seg.help()
	defer close(seg.jobs)
	f := created.(*diskFile).File
	line := make([]byte, growStep/4)
	for seg.size < 4*growStep {
		if err := seg.write(line); err != nil {
			t.Fatal(err)
		}
		if seg.busy { // who writes does not wait for it
			if err := seg.settle(<-seg.done); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The last was asked for before the fourth step was full.
	got := resident(t, f, growStep)
	for i, n := range got[:4] {
		if gone := i < 3; gone && n > growStep/16 || !gone && n < growStep/2 {
			t.Errorf("%d KiB of step %d are in memory", n>>10, i)
		}
	}
	seg.ask(job{finish: created, off: seg.size})
	again, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := seg.settle(<-seg.done); err != nil {
		t.Fatal(err)
	}
	for i, n := range resident(t, again, growStep) {
		if n > growStep/16 {
			t.Errorf("%d KiB of step %d of a finished segment are in memory", n>>10, i)
		}
	}
}
