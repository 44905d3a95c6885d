//go:build !race

package nonblock

import (
	"syscall"
	"unsafe"
)

// Read reads once from a descriptor that does not block; 0 is its end. Without an answer
// the error is EAGAIN.
func Read(fd uintptr, p []byte) (int, syscall.Errno) { return move(syscall.SYS_READ, fd, p) }

// Write writes once to a descriptor that does not block, as much as there is room for;
// EAGAIN says that there is none.
func Write(fd uintptr, p []byte) (int, syscall.Errno) { return move(syscall.SYS_WRITE, fd, p) }

func move(trap, fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
