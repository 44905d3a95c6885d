package gateway

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// polled opens the pipe that in reads from once more, without blocking, so that to
// wait for the client's next message keeps no thread: what the last one set going runs
// at once where it was put, and not after another thread has found it. The pipe as
// others hold it stays as it is. It returns nil where in is no pipe, or one that may
// not be opened.
func polled(in io.Reader) *os.File {
	f, ok := in.(*os.File)
	if !ok {
		return nil
	}
	if s, err := f.Stat(); err != nil || s.Mode()&os.ModeNamedPipe == 0 {
		return nil
	}
	c, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	var again *os.File
	if c.Control(func(fd uintptr) {
		again, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}) != nil || err != nil {
		return nil
	}
	return again
}
