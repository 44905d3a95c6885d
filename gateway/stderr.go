package gateway

import (
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// stderrTail takes what a server writes to its standard error: it passes on at
// most max bytes to the operator, control characters made visible, and keeps the
// last bytes for the report of a crash. Its memory is bounded; it never fails and
// never waits for the operator's end, which nobody may read.
type stderrTail struct {
	out *outbox // to the operator
	max int

	mu     sync.Mutex
	passed int
	part   []byte // of a character whose rest has not come
	tail   []byte // newest bytes, at most twice what is kept
	cut    bool   // something was not shown
}

// reportBytes is how much of the end is shown when a server has crashed.
const reportBytes = 2 << 10

func newStderrTail(to io.Writer, max int) *stderrTail {
	if to == nil {
		to = io.Discard
	}
	s := &stderrTail{out: newOutbox(to), max: max}
	s.out.full = 4*max + 4*reportBytes // a visible control character takes three bytes
	return s
}

// Write implements io.Writer.
func (s *stderrTail) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tail = append(s.tail, b[max(0, len(b)-reportBytes):]...); len(s.tail) > 2*reportBytes {
		s.tail = append(s.tail[:0], s.tail[len(s.tail)-reportBytes:]...)
	}
	pass := b[:min(len(b), s.max-s.passed)]
	s.passed += len(pass)
	if len(pass) > 0 {
		s.show(pass)
	}
	if len(pass) < len(b) && !s.cut {
		s.cut = true
		s.show(nil)
		s.say(fmt.Sprintf("\nostiary: the server wrote more than %d bytes to its standard error; the rest is not shown\n", s.max))
	}
	return len(b), nil
}

// show passes bytes on; without any it shows half a character as it is.
func (s *stderrTail) show(b []byte) {
	whole := append(s.part, b...)
	s.part = nil
	if n := len(b); n > 0 {
		at := len(whole)
		for back := 1; back < utf8.UTFMax && back <= len(whole); back++ {
			if i := len(whole) - back; utf8.RuneStart(whole[i]) {
				if !utf8.FullRune(whole[i:]) {
					at = i
				}
				break
			}
		}
		whole, s.part = whole[:at], append([]byte(nil), whole[at:]...)
	}
	s.say(visible(whole))
}

// say hands text to the operator. A lost line of somebody else's diagnostics
// must not end a call.
func (s *stderrTail) say(text string) {
	if text != "" {
		_ = s.out.write([]byte(text))
	}
}

// finish shows the end of what a crashed server said, if it was not shown, and
// lets the operator's end go.
func (s *stderrTail) finish(crashed bool) {
	s.mu.Lock()
	s.show(nil)
	if crashed && s.cut {
		s.say("ostiary: the last words of the server: " + visible(s.tail[max(0, len(s.tail)-reportBytes):]) + "\n")
	}
	s.mu.Unlock()
	s.out.finish(flushPatience)
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
		case r >= 0x80 && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f:
			out = append(out, '\ufffd')
		default:
			out = append(out, r)
		}
	}
	return string(out)
}
