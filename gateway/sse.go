package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// event is one event of a text/event-stream (WHATWG HTML, server-sent events).
type event struct {
	name, id, retry string
	data            []byte // nil if it has none
}

// append writes the event. Line breaks of a JSON message stand between its
// tokens, so the data line that each becomes keeps the meaning.
func (e event) append(b []byte) []byte {
	if e.id != "" {
		b = append(append(append(b, "id: "...), e.id...), '\n')
	}
	if e.retry != "" {
		b = append(append(append(b, "retry: "...), e.retry...), '\n')
	}
	if len(e.data) > 0 {
		b = append(b, "event: message\n"...)
	}
	rest := e.data
	for {
		i := bytes.IndexAny(rest, "\r\n")
		if i < 0 {
			break
		}
		b = append(append(append(b, "data: "...), rest[:i]...), '\n')
		rest = rest[i+1:]
	}
	return append(append(append(b, "data: "...), rest...), "\n\n"...)
}

// errEventSize says that an event is longer than a message may be.
var errEventSize = errors.New("an event of the server's stream is longer than one message may be")

// eventReader reads events of bounded length.
type eventReader struct {
	r     *bufio.Reader
	max   int
	first bool
	cr    bool // the last line ended with a carriage return
}

func newEventReader(r io.Reader, max int) *eventReader {
	return &eventReader{r: bufio.NewReaderSize(r, 1<<10), max: max, first: true}
}

// next returns the next event. One that the end cuts off is dropped, as the
// format says.
func (r *eventReader) next() (event, error) {
	var e event
	some := false
	for room := r.max + 4<<10; ; {
		line, err := r.line(&room)
		if err != nil {
			return event{}, err
		}
		if len(line) == 0 {
			if some {
				return e, nil
			}
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "data":
			if e.data != nil {
				e.data = append(e.data, '\n')
			}
			e.data = append(e.data, value...)
			if e.data == nil {
				e.data = []byte{}
			}
			some = true
		case "id":
			if v := string(value); !strings.ContainsAny(v, "\x00\r\n") {
				e.id, some = v, true
			}
		case "retry":
			if v := string(value); v != "" && strings.Trim(v, "0123456789") == "" {
				if _, err := strconv.ParseUint(v, 10, 31); err == nil {
					e.retry, some = v, true
				}
			}
		case "event":
			e.name = string(value)
		}
	}
}

// line returns one line without its end, which is LF, CR or both.
func (r *eventReader) line(room *int) ([]byte, error) {
	var line []byte
	for {
		c, err := r.r.ReadByte()
		if err != nil {
			return nil, err
		}
		if r.first {
			r.first = false
			if c == 0xEF { // a byte order mark may come first
				if next, err := r.r.Peek(2); err == nil && next[0] == 0xBB && next[1] == 0xBF {
					_, _ = r.r.Discard(2) // it was peeked
					continue
				}
			}
		}
		after := r.cr
		r.cr = c == '\r'
		switch {
		case c == '\n' && after:
			continue
		case c == '\n', c == '\r':
			return line, nil
		}
		if *room--; *room < 0 {
			return nil, errEventSize
		}
		line = append(line, c)
		// The rest of a line that is there already is taken at once.
		if n := r.r.Buffered(); n > 0 {
			b, _ := r.r.Peek(n)
			if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
				n = i
			}
			if *room -= n; *room < 0 {
				return nil, errEventSize
			}
			line = append(line, b[:n]...)
			_, _ = r.r.Discard(n)
		}
	}
}
