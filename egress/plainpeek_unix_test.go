//go:build unix

package egress

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// A connection that waits is used again only while nothing happened to it.
func TestQuiet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, happens := range map[string]func(*net.TCPConn) error{
		"nothing": nil,
		"its end": (*net.TCPConn).CloseWrite,
		"bytes":   func(c *net.TCPConn) error { _, err := c.Write([]byte("x")); return err },
		"a reset": func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			ours, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer ours.Close()
			theirs, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer theirs.Close()
			if happens == nil {
				if !quiet(ours) {
					t.Error("it was given up")
				}
				return
			}
			if err := happens(theirs.(*net.TCPConn)); err != nil {
				t.Fatal(err)
			}
			awaitNews(t, ours.(*net.TCPConn))
			if quiet(ours) {
				t.Error("it would be used again")
			}
		})
	}
}

// awaitNews waits until the system knows what happened, without reading it.
func awaitNews(t *testing.T, c *net.TCPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	n, pollErr := 0, error(unix.EINTR)
	err = raw.Control(func(fd uintptr) {
		for errors.Is(pollErr, unix.EINTR) {
			n, pollErr = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000) //nolint:gosec // a descriptor is small
		}
	})
	if err != nil || pollErr != nil || n != 1 {
		t.Fatal(n, err, pollErr)
	}
}
