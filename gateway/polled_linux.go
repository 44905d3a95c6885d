package gateway

import (
	"io"
	"os"
)

// polled opens the pipe that in reads from once more, without blocking, so that to
// wait for the client's next message keeps no thread: what the last one set going runs
// at once where it was put, and not after another thread has found it. It returns nil
// where in is no pipe, or one that may not be opened.
func polled(in io.Reader) *os.File {
	if f, ok := in.(*os.File); ok && isPipe(f) {
		return reopened(f, os.O_RDONLY)
	}
	return nil
}
