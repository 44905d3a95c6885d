package nonblock

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// call is one direction of a descriptor. It may be used by many goroutines, one of which
// has its turn.
type call struct {
	mu   sync.Mutex
	wait func(func(fd uintptr) bool) error // until there may be more to do
	try  func(fd uintptr) bool
	p    []byte
	n    int
	err  syscall.Errno
}

func newCall(wait func(func(fd uintptr) bool) error, once func(fd uintptr, p []byte) (int, syscall.Errno)) *call {
	c := &call{wait: wait}
	c.try = func(fd uintptr) bool {
		c.n, c.err = once(fd, c.p)
		return c.err != syscall.EAGAIN
	}
	return c
}

// once makes one system call that moves something. Its error is a [syscall.Errno], or
// that of waiting.
func (c *call) once(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.move(p)
}

// move is once for who has its turn.
func (c *call) move(p []byte) (int, error) {
	c.p = p
	err := c.wait(c.try)
	c.p = nil
	switch {
	case err != nil:
		return 0, err
	case c.err != 0:
		return 0, c.err
	}
	return c.n, nil
}

// all makes system calls until all is moved. Nobody else has a turn between them, so
// that what one writes stays whole.
func (c *call) all(p []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n < len(p) && err == nil {
		var some int
		some, err = c.move(p[n:])
		n += some
	}
	return n, err
}

// pipe is one direction of a pipe.
type pipe struct {
	*call
	name string
}

// Reader returns what reads from f, and f itself where that may block or cannot be waited
// for by the poller.
func Reader(f *os.File) io.Reader {
	raw, err := f.SyscallConn()
	if err != nil || blocks(raw) || f.SetWriteDeadline(time.Time{}) != nil { // the other way's, so that its own stays
		return f
	}
	return &pipe{newCall(raw.Read, Read), f.Name()}
}

// Writer returns what writes to f, as [Reader] does.
func Writer(f *os.File) io.Writer {
	raw, err := f.SyscallConn()
	if err != nil || blocks(raw) || f.SetReadDeadline(time.Time{}) != nil {
		return f
	}
	return &pipe{newCall(raw.Write, Write), f.Name()}
}

// Read implements [io.Reader].
func (p *pipe) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := p.once(b)
	if err == nil && n == 0 {
		return 0, io.EOF
	}
	return n, p.because("read", err)
}

// Write implements [io.Writer].
func (p *pipe) Write(b []byte) (int, error) {
	n, err := p.all(b)
	return n, p.because("write", err)
}

func (p *pipe) because(op string, err error) error {
	if err == nil {
		return nil
	}
	if errno := syscall.Errno(0); !errors.As(err, &errno) && !errors.Is(err, os.ErrDeadlineExceeded) {
		err = os.ErrClosed
	}
	return &os.PathError{Op: op, Path: p.name, Err: err}
}

// blocks reports whether to read or write may block, now or later, or that is not known. Who
// started us holds the descriptions of the standard streams too, and may let them block at
// any time, as a shell does with its terminal.
func blocks(raw syscall.RawConn) bool {
	flags, errno, theirs := uintptr(0), syscall.Errno(0), false
	err := raw.Control(func(fd uintptr) {
		theirs = fd <= uintptr(syscall.Stderr)
		flags, _, errno = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
	})
	return err != nil || errno != 0 || theirs || flags&syscall.O_NONBLOCK == 0
}
