package gateway

import (
	"bufio"
	"errors"
	"io"
)

// lineReader reads newline-delimited messages of bounded length (MCP stdio
// transport). A line that is too long is skipped whole and reported.
type lineReader struct {
	r   *bufio.Reader
	max int
}

func newLineReader(r io.Reader, max int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), max: max}
}

// headBytes is how much of an over-long line is kept, to find its id.
const headBytes = 4 << 10

// next returns one line without its end in memory of its own. With tooLong the
// bytes are only the head of the line. At the end of input a last line without
// newline is returned before io.EOF.
func (l *lineReader) next() (line []byte, tooLong bool, err error) {
	for {
		chunk, err := l.r.ReadSlice('\n')
		if len(line)+len(chunk) > l.max+1 { // +1: the newline does not count
			if !tooLong {
				line = append(line, chunk...)
				line = append([]byte(nil), line[:min(len(line), headBytes)]...)
				tooLong = true
			}
		} else if !tooLong {
			line = append(line, chunk...)
		}
		switch {
		case err == nil:
			return trimEnd(line), tooLong, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0:
			return trimEnd(line), tooLong, nil
		default:
			return nil, false, err
		}
	}
}

func trimEnd(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}
