package audit

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// aside is fdatasync by the kernel's own workers (io_submit, IOCB_CMD_FDSYNC): who
// waits for it is a goroutine and no thread. Under load a thread that blocks in
// fdatasync costs more than what it waits for: the scheduler takes its processor away,
// wakes another thread, and looks every 20 µs whether it must. Alone it is the slower
// way, since one more sleeper must be woken. It is used by one goroutine at a time.
type aside struct {
	context uintptr  // aio_context_t
	done    *os.File // an eventfd that counts what has ended
	fd      uint32   // of done
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

// newAside returns nil where the kernel offers none, or no more of them.
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
	return a
}

// errNotAside says that the kernel does not take this file, and nothing was begun.
var errNotAside = errors.New("audit: this file cannot be synced aside")

// sync returns after data and size of the file are on the disk, with errNotAside if it
// must be done otherwise. Any other error says that it failed, or that it is not known.
func (a *aside) sync(file uintptr) error {
	cb := &ioControl{opcode: ioDataSync, file: uint32(file), flags: ioTellEventFD, eventFD: a.fd}
	list := [1]*ioControl{cb}
	if _, _, errno := unix.Syscall(unix.SYS_IO_SUBMIT, a.context, 1, uintptr(unsafe.Pointer(&list))); errno != 0 {
		return errNotAside
	}
	var count [8]byte
	if _, err := a.done.Read(count[:]); err != nil {
		return err
	}
	var got ioEvent
	for {
		n, _, errno := unix.Syscall6(unix.SYS_IO_GETEVENTS, a.context, 1, 1, uintptr(unsafe.Pointer(&got)), 0, 0)
		switch {
		case errno == unix.EINTR:
		case errno != 0:
			return errno
		case n != 1:
			return unix.EIO
		case got.result < 0:
			return unix.Errno(-got.result)
		default:
			return nil
		}
	}
}

func (a *aside) close() error {
	a.destroy()
	return a.done.Close()
}

// destroy waits for what was submitted.
func (a *aside) destroy() {
	_, _, _ = unix.Syscall(unix.SYS_IO_DESTROY, a.context, 0, 0) // fails only for what is no context
}
