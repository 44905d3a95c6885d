package gateway

import (
	"bufio"
	"errors"
	"io"
	"os"

	"github.com/ostiary/ostiary/internal/nonblock"
)

// line is what one side sent up to a line break.
type line struct {
	// raw is the line without its end, in memory of its own. Of a line that is too
	// long it is the beginning, and tail the end: enough to find its id.
	raw, tail []byte
	tooLong   bool
	// on is the stream that it came by; nil over stdio.
	on *stream
	// share is what a message by WebSocket has of its principal's account.
	share *share
}

func (l line) empty() bool { return len(l.raw) == 0 && !l.tooLong }

// lineReader reads newline-delimited messages of bounded length (MCP, transport
// stdio). A line that is too long is skipped whole and reported.
type lineReader struct {
	r   *bufio.Reader
	max int
}

func newLineReader(r io.Reader, max int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), max: max}
}

// untold reads a pipe as package nonblock does.
func untold(r io.Reader) io.Reader {
	if f, ok := r.(*os.File); ok {
		return nonblock.Reader(f)
	}
	return r
}

// keptBytes is how much of each end of an over-long line is kept.
const keptBytes = 4 << 10

// next returns one line. A last line without newline is returned before the
// error that ended the input.
func (l *lineReader) next() (line, error) {
	var got line
	for {
		chunk, err := l.r.ReadSlice('\n')
		switch {
		case got.tooLong:
			got.tail = lastBytes(append(got.tail, chunk...))
		case len(got.raw)+len(chunk) > l.max+1: // +1: the newline does not count
			whole := append(got.raw, chunk...)
			got = line{
				raw:     append([]byte(nil), whole[:min(len(whole), keptBytes)]...),
				tail:    append([]byte(nil), lastBytes(whole)...),
				tooLong: true,
			}
		default:
			got.raw = append(got.raw, chunk...)
		}
		switch {
		case err == nil, !errors.Is(err, bufio.ErrBufferFull) && len(got.raw) > 0:
			got.raw, got.tail = trimEnd(got.raw), trimEnd(got.tail)
			return got, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return line{}, err
		}
	}
}

func lastBytes(b []byte) []byte { return b[max(0, len(b)-keptBytes):] }

func trimEnd(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}
