//go:build !linux

package nonblock

import (
	"io"
	"net"
	"os"
)

// Reader returns f.
func Reader(f *os.File) io.Reader { return f }

// Writer returns f.
func Writer(f *os.File) io.Writer { return f }

// Conn returns c.
func Conn(c net.Conn) net.Conn { return c }
