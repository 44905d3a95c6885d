package audit

import (
	"io"
	"math/bits"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary/internal/nonblock"
)

// pageWriter writes to the page cache, which takes some microseconds, by system calls of
// which Go's scheduler is not told; package nonblock says what that saves. The kernel may let
// a writer wait, though: while too much of others' is unwritten, for its journal, while space
// is reserved in the file, and while the file system is frozen for a copy of it. Who waits
// like that keeps a processor of Go's. So after one write that took long, many are told, and
// all where another program or machine has to answer. It is used by one goroutine at a time.
type pageWriter struct {
	near bool // the file lies on a disk or in the memory of this machine
	now  func() time.Time
	told int // how many writes are still to be told
}

const (
	slowWrite  = 10 * time.Millisecond
	toldBehind = 1024 // writes
)

// writeAt is [os.File.WriteAt].
func (w *pageWriter) writeAt(f *os.File, p []byte, off int64) (int, error) {
	if bits.UintSize < 64 || !w.near || w.told > 0 { // elsewhere the offset is two arguments
		w.told = max(w.told-1, 0)
		return f.WriteAt(p, off)
	}
	begun := w.now()
	n, err := untold(f, p, off)
	if w.now().Sub(begun) > slowWrite {
		w.told = toldBehind
	}
	return n, err
}

// nearFile reports whether f lies on a disk or in the memory of this machine. What is written
// to an overlay goes to the file system above, which is never a remote one.
func nearFile(f *os.File) bool {
	var s unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &s) != nil {
		return false
	}
	magic := uint32(s.Type)
	return nonblock.Disk(magic) || magic == unix.OVERLAYFS_SUPER_MAGIC
}

func untold(f *os.File, p []byte, off int64) (n int, err error) {
	defer runtime.KeepAlive(f)
	for n < len(p) {
		rest := p[n:]
		some, _, errno := unix.RawSyscall6(unix.SYS_PWRITE64, f.Fd(), uintptr(unsafe.Pointer(&rest[0])), uintptr(len(rest)), uintptr(off)+uintptr(n), 0, 0)
		switch {
		case errno == unix.EINTR:
		case errno != 0:
			return n, &os.PathError{Op: "write", Path: f.Name(), Err: errno}
		case some == 0:
			return n, io.ErrUnexpectedEOF
		default:
			n += int(some)
		}
	}
	return n, nil
}
