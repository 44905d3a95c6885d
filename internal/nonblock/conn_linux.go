package nonblock

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// socket is what package net's connections of a stream are.
type socket interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// conn is a connection whose reads and writes are ours.
type conn struct {
	socket
	in, out *call
}

// Conn returns a connection that does as c, a [net.TCPConn] or [net.UnixConn]; any other
// is returned as it is.
func Conn(c net.Conn) net.Conn {
	var s socket
	switch c := c.(type) {
	case *net.TCPConn:
		s = c
	case *net.UnixConn:
		if s = c; c.LocalAddr().Network() != "unix" { // a datagram may be empty
			return c
		}
	default:
		return c
	}
	raw, err := s.SyscallConn()
	if err != nil || blocks(raw) {
		return c
	}
	return &conn{s, newCall(raw.Read, Read), newCall(raw.Write, Write)}
}

// Read implements [net.Conn].
func (c *conn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := c.in.once(b)
	if err == nil && n == 0 {
		return 0, io.EOF
	}
	return n, c.because("read", err)
}

// Write implements [net.Conn].
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.out.all(b)
	return n, c.because("write", err)
}

// because is the error as package net tells it.
func (c *conn) because(op string, err error) error {
	if err == nil {
		return nil
	}
	told := &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		told.Err = os.NewSyscallError(op, errno)
	} else if waited := (*net.OpError)(nil); errors.As(err, &waited) {
		told.Err = waited.Err
	}
	return told
}
