package gateway

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// stderrTail takes what a server writes to its standard error: it passes on at
// most max bytes to the operator, in whole lines that begin with the server's name
// so that they cannot be taken for the door's own, control characters made
// visible, and keeps the last bytes for the report of a crash. Its memory is bounded; it never fails and
// never waits for the operator's end, which nobody may read.
type stderrTail struct {
	out    *outbox // to the operator
	prefix string
	max    int

	mu     sync.Mutex
	passed int
	begun  []byte // of a line whose rest has not come
	tail   []byte // newest bytes, at most twice what is kept
	cut    bool   // something was not shown
	over   bool

	*cleans // nil where nothing is taken out
}

// reportBytes is how much of the end is shown when a server has crashed.
const reportBytes = 2 << 10

// lineMost is how much of a line waits for its end; what is longer becomes
// several.
const lineMost = 4 << 10

func newStderrTail(to io.Writer, name string, max int) *stderrTail {
	if to == nil {
		to = io.Discard
	}
	s := &stderrTail{out: newOutbox(to), max: max}
	s.prefix = "[" + strings.NewReplacer("\n", "\u240a", "\t", "\u2409").Replace(visible([]byte(name))) + "] "
	// A visible control character takes three bytes, and every byte may be a line.
	s.out.full = (4 + len(s.prefix)) * (max + reportBytes)
	return s
}

// Write implements io.Writer.
func (s *stderrTail) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cleans == nil {
		s.pass(b)
	} else if !s.over {
		s.pass(s.take(b))
	}
	return len(b), nil
}

// pass shows what is clean, as far as there is room, and keeps its end.
func (s *stderrTail) pass(b []byte) {
	if s.tail = append(s.tail, b[max(0, len(b)-reportBytes):]...); len(s.tail) > 2*reportBytes {
		s.tail = append(s.tail[:0], s.tail[len(s.tail)-reportBytes:]...)
	}
	shown := b[:min(len(b), s.max-s.passed)]
	s.passed += len(shown)
	s.show(shown)
	if len(shown) < len(b) && !s.cut {
		s.cut = true
		s.showPart()
		s.say(fmt.Sprintf("ostiary: the server wrote more than %d bytes to its standard error; the rest is not shown\n", s.max))
	}
}

// show passes bytes on, line by line: others write to the operator too, and what
// came behind their line without a name would look like theirs.
func (s *stderrTail) show(b []byte) {
	for len(b) > 0 {
		n := min(len(b), lineMost-len(s.begun))
		end := bytes.IndexByte(b[:n], '\n')
		if end >= 0 {
			n = end
		}
		s.begun = append(s.begun, b[:n]...)
		b = b[n:]
		switch {
		case end >= 0:
			b = b[1:]
			s.one(s.begun)
			s.begun = s.begun[:0]
		case len(s.begun) == lineMost:
			whole := wholeRunes(s.begun)
			s.one(s.begun[:whole])
			s.begun = append(s.begun[:0], s.begun[whole:]...)
		}
	}
}

// one shows a line.
func (s *stderrTail) one(line []byte) {
	text := string(line)
	if s.cleans != nil {
		text = s.line(text)
	}
	s.say(s.prefix + visible([]byte(text)) + "\n")
}

// showPart shows a line whose end will not come.
func (s *stderrTail) showPart() {
	if len(s.begun) > 0 {
		s.show([]byte{'\n'})
	}
}

// wholeRunes returns where a character begins whose rest has not come, else the
// length.
func wholeRunes(b []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if i := len(b) - back; utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
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
	if s.over = true; s.cleans != nil {
		s.pass(s.last())
	}
	s.showPart()
	if crashed && s.cut {
		s.say("ostiary: the last words of the server:\n")
		s.show(s.tail[max(0, len(s.tail)-reportBytes):])
		s.showPart()
	}
	s.mu.Unlock()
	s.out.finish(flushPatience)
}

// visible replaces what could steer a terminal or hide: control characters, marks
// that turn the direction of text, other separators of lines, and what has no
// width.
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
		case r >= 0x80 && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point):
			out = append(out, '\ufffd')
		default:
			out = append(out, r)
		}
	}
	return string(out)
}
