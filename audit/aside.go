package audit

import (
	"errors"
	"io"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary/internal/nonblock"
)

// aside is fdatasync by the kernel's own workers (io_submit, IOCB_CMD_FDSYNC): who
// waits for it is a goroutine and no thread. A thread that blocks in fdatasync costs
// more than what it waits for: the scheduler takes its processor away, wakes another
// thread, and looks every 20 µs whether it must. None of the calls here waits, so it is
// not told of them. It is used by one goroutine at a time.
type aside struct {
	context uintptr  // aio_context_t
	done    *os.File // an eventfd that counts what has ended
	fd      uint32   // of done
	wait    io.Reader
	failed  error // once; an answer may be left, which none must take for its own
}

// ioControl is struct iocb of the kernel's linux/aio_abi.h; key and flags are zero, so
// that their order, which depends on the machine's, does not matter.
type ioControl struct {
	_       [2]uint64
	opcode  uint16
	_       int16
	file    uint32
	_       [4]uint64
	flags   uint32
	eventFD uint32
}

type ioEvent struct {
	_, _   uint64
	result int64 // 0, or a negative errno
	_      int64
}

const (
	ioDataSync    = 3 // IOCB_CMD_FDSYNC
	ioTellEventFD = 1 // IOCB_FLAG_RESFD
)

// newAside returns nil where the kernel offers none or no more of them, or where one
// could not be waited for.
func newAside() *aside {
	a := &aside{}
	if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&a.context)), 0); errno != 0 {
		return nil
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		a.destroy()
		return nil
	}
	a.done, a.fd = os.NewFile(uintptr(fd), "eventfd"), uint32(fd)
	// The poller may be full (fs.epoll.max_user_watches), and a sandbox may forbid to take
	// the answer only. Later that would end the log.
	err = a.done.SetReadDeadline(time.Time{})
	if _, n, getErr := a.ended(); err != nil || getErr != nil || n != 0 {
		_ = a.close() // nothing was asked of it yet, and a thread syncs in its place
		return nil
	}
	a.wait = nonblock.Reader(a.done)
	return a
}

// errNotAside says that the kernel does not take this file, and nothing was begun.
var errNotAside = errors.New("audit: this file cannot be synced aside")

// sync returns after data and size of the file are on the disk, with errNotAside if it
// must be done otherwise. Any other error says that it failed, or that it is not known,
// and is the answer for good.
func (a *aside) sync(file uintptr) error {
	if a.failed != nil {
		return a.failed
	}
	err := a.try(file)
	if !errors.Is(err, errNotAside) {
		a.failed = err
	}
	return err
}

func (a *aside) try(file uintptr) error {
	list := [1]*ioControl{{opcode: ioDataSync, file: uint32(file), flags: ioTellEventFD, eventFD: a.fd}}
	begun, _, errno := unix.RawSyscall(unix.SYS_IO_SUBMIT, a.context, 1, uintptr(unsafe.Pointer(&list)))
	if errno != 0 || begun != 1 {
		return errNotAside
	}
	var count [8]byte
	if _, err := a.wait.Read(count[:]); err != nil {
		return err
	}
	got, n, err := a.ended()
	switch {
	case err != nil:
		return err
	case n != 1:
		return unix.EIO
	case got.result != 0:
		return unix.Errno(-got.result)
	}
	return nil
}

// ended takes an answer of the kernel, if there is one. It does not wait; but where there
// is none and a signal comes just then, the kernel says so instead.
func (a *aside) ended() (got ioEvent, n uintptr, err error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_IO_GETEVENTS, a.context, 0, 1, uintptr(unsafe.Pointer(&got)), 0, 0)
		switch errno {
		case 0:
			return got, n, nil
		case unix.EINTR:
		default:
			return got, 0, errno
		}
	}
}

func (a *aside) close() error {
	a.destroy()
	return a.done.Close()
}

// destroy waits for what was submitted.
func (a *aside) destroy() {
	_, _, _ = unix.Syscall(unix.SYS_IO_DESTROY, a.context, 0, 0) // fails for what is no context, and where a sandbox forbids it: then it ends with the process
}
