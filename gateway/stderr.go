package gateway

import (
	"fmt"
	"io"
	"sync"
)

// stderrTail takes what a server writes to its standard error: it passes on at
// most max bytes to the operator, control characters made visible, and keeps the
// last max bytes for the report of a crash. It never blocks the server and never
// fails.
type stderrTail struct {
	mu     sync.Mutex
	to     io.Writer
	max    int
	passed int
	tail   []byte
}

func newStderrTail(to io.Writer, max int) *stderrTail { return &stderrTail{to: to, max: max} }

// Write implements io.Writer.
func (s *stderrTail) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tail = append(s.tail, b...)
	if over := len(s.tail) - s.max; over > 0 {
		s.tail = append(s.tail[:0], s.tail[over:]...)
	}
	if s.passed >= s.max || s.to == nil {
		return len(b), nil
	}
	pass := b[:min(len(b), s.max-s.passed)]
	s.passed += len(pass)
	// The operator's terminal is not the server's to steer, and a lost line of
	// somebody else's diagnostics must not end a call.
	fmt.Fprint(s.to, visible(pass))
	if s.passed >= s.max {
		fmt.Fprintf(s.to, "\nostiary: the server wrote more than %d bytes to its standard error; the rest is not shown\n", s.max)
	}
	return len(b), nil
}

// last returns the end of what the server said, control characters made visible.
func (s *stderrTail) last(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return visible(s.tail[max(0, len(s.tail)-n):])
}

// visible replaces what could steer a terminal.
func visible(b []byte) string {
	out := make([]rune, 0, len(b))
	for _, r := range string(b) {
		switch {
		case r == '\n' || r == '\t':
			out = append(out, r)
		case r < 0x20:
			out = append(out, '\u2400'+r)
		case r == 0x7f:
			out = append(out, '\u2421')
		case r >= 0x80 && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			out = append(out, '\ufffd')
		default:
			out = append(out, r)
		}
	}
	return string(out)
}
