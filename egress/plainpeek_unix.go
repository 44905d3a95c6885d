//go:build unix

package egress

import (
	"net"
	"syscall"

	"github.com/ostiary/ostiary/internal/nonblock"
)

// canPeek says that quiet can tell.
const canPeek = true

// quiet reports whether a connection that waits is open and has nothing to read: its
// end, or an answer to what nobody asked.
func quiet(c net.Conn) bool {
	raw, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	conn, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = conn.Read(func(fd uintptr) bool {
		var one [1]byte
		_, errno := nonblock.Read(fd, one[:]) // it is never used again where this reads anything
		open = errno == syscall.EAGAIN
		return true
	})
	return open && err == nil
}
