package gateway

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/ostiary/ostiary/internal/nonblock"
)

// direct writes to a pipe without ever waiting for it, under the lock of its outbox. Its
// Writer writes all, and waits.
type direct struct {
	io.Writer
	conn  syscall.RawConn
	again *os.File // a description of our own; nil where w has one that does not block

	try func(fd uintptr) bool
	b   []byte
	n   int
}

// newDirect returns nil where w is no pipe, or one that cannot be written without
// waiting.
func newDirect(w io.Writer) *direct {
	f, ok := w.(*os.File)
	if !ok || !isPipe(f) {
		return nil
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	d := &direct{conn: conn}
	if !blocksNot(conn) {
		if d.again = reopened(f, os.O_WRONLY); d.again == nil {
			return nil
		}
		if d.conn, err = d.again.SyscallConn(); err != nil || !blocksNot(d.conn) {
			_ = d.again.Close()
			return nil
		}
	}
	if d.again != nil {
		f = d.again
	}
	d.Writer = nonblock.Writer(f)
	d.try = func(fd uintptr) bool {
		d.n, _ = nonblock.Write(fd, d.b) // where that fails, the writer finds out why
		return true
	}
	return d
}

// attempt writes as much of b as there is room for.
func (d *direct) attempt(b []byte) int {
	d.b, d.n = b, 0
	if err := d.conn.Write(d.try); err != nil {
		return 0
	}
	d.b = nil
	return d.n
}

func (d *direct) close() {
	if d.again != nil {
		_ = d.again.Close()
	}
}

func isPipe(f *os.File) bool {
	s, err := f.Stat()
	return err == nil && s.Mode()&os.ModeNamedPipe != 0
}

// blocksNot reports whether a description is our own and does not block. Who started us
// holds those of the standard streams too, and may let them block later.
func blocksNot(c syscall.RawConn) bool {
	var flags, at uintptr
	var errno syscall.Errno
	err := c.Control(func(fd uintptr) {
		at = fd
		flags, _, errno = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
	})
	return err == nil && errno == 0 && at > uintptr(syscall.Stderr) && flags&syscall.O_NONBLOCK != 0
}

// reopened opens a pipe once more, without blocking; nil where that may not be, or where it
// could not be waited for since the poller is full. The pipe as others hold it stays as it is.
func reopened(f *os.File, how int) *os.File {
	c, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	var again *os.File
	if c.Control(func(fd uintptr) {
		again, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), how|syscall.O_NONBLOCK, 0)
	}) != nil || err != nil {
		return nil
	}
	if again.SetDeadline(time.Time{}) != nil {
		_ = again.Close() // nothing was written
		return nil
	}
	return again
}
