//go:build unix && (!linux || race)

package nonblock

import (
	"errors"
	"syscall"
)

// Read reads once from a descriptor that does not block; 0 is its end. Without an answer
// the error is EAGAIN.
func Read(fd uintptr, p []byte) (int, syscall.Errno) { return told(syscall.Read, fd, p) }

// Write writes once to a descriptor that does not block, as much as there is room for;
// EAGAIN says that there is none.
func Write(fd uintptr, p []byte) (int, syscall.Errno) { return told(syscall.Write, fd, p) }

func told(move func(int, []byte) (int, error), fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, err := move(int(fd), p)
		errno := syscall.Errno(0)
		switch {
		case err == nil:
			return n, 0
		case !errors.As(err, &errno):
			return 0, syscall.EIO
		case errno != syscall.EINTR:
			return 0, errno
		}
	}
}
