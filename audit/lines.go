package audit

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// maxLine bounds what a reader takes into memory for one line.
const maxLine = 16 << 20

var errLongLine = errors.New("a line is longer than any that the log writes")

// lineReader reads lines of a file between two offsets, without copying them.
type lineReader struct {
	r    io.ReaderAt
	next int64 // offset of the next read
	end  int64
	buf  []byte
	from int // of what is not yet returned
	to   int
	pos  int64 // offset of what is not yet returned
}

func newLineReader(r io.ReaderAt, from, end int64, buf []byte) *lineReader {
	if buf == nil {
		buf = make([]byte, 1<<20)
	}
	return &lineReader{r: r, next: from, pos: from, end: end, buf: buf}
}

// line returns the next line without its newline, valid until the next call. At
// the end it returns io.EOF, with what follows the last newline.
func (l *lineReader) line() ([]byte, error) {
	seen := 0
	for {
		if i := bytes.IndexByte(l.buf[l.from+seen:l.to], '\n'); i >= 0 {
			line := l.buf[l.from : l.from+seen+i]
			l.from += len(line) + 1
			l.pos += int64(len(line)) + 1
			return line, nil
		}
		seen = l.to - l.from
		if l.next >= l.end {
			return l.buf[l.from:l.to], io.EOF
		}
		if l.from > 0 {
			copy(l.buf, l.buf[l.from:l.to])
			l.from, l.to = 0, seen
		}
		if l.to == len(l.buf) {
			if l.to >= maxLine {
				return nil, errLongLine
			}
			l.buf = append(l.buf, make([]byte, len(l.buf))...)
		}
		want := min(int64(len(l.buf)-l.to), l.end-l.next)
		n, err := l.r.ReadAt(l.buf[l.to:l.to+int(want)], l.next)
		if n == 0 && err != nil {
			if errors.Is(err, io.EOF) { // the file was cut while it was read
				l.end = l.next
				continue
			}
			return nil, err
		}
		l.to += n
		l.next += int64(n)
	}
}

// dataEnd returns where the zeros at the end of a file begin.
func dataEnd(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 64<<10)
	for end := info.Size(); end > 0; {
		n := min(end, int64(len(buf)))
		got, err := f.ReadAt(buf[:n], end-n)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if data := bytes.TrimRight(buf[:got], "\x00"); len(data) > 0 {
			return end - n + int64(len(data)), nil
		}
		end -= n
	}
	return 0, nil
}
