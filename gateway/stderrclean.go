package gateway

import (
	"bytes"
	"time"

	"github.com/ostiary/ostiary"
)

// Cleaner takes secrets out of what a server writes to its standard error.
type Cleaner struct {
	// Stream begins a text that comes in pieces. write appends to dst what can go out
	// now that p came, end what is left; then another text can begin.
	Stream func() (write func(dst, p []byte) []byte, end func(dst []byte) []byte)
	// Line takes what is known to be secret out of one line.
	Line func(string) string
}

// quietFor is how long a server must be quiet for its last lines to be shown, as far
// as more could make a secret of them.
const quietFor = 300 * time.Millisecond

// cleans is what a stderrTail does before anything is shown or kept. Whole lines go
// into the stream, so that what is shown of a quiet server never ends within a
// secret of one line. It is used under the lock of the tail.
type cleans struct {
	write func(dst, p []byte) []byte
	end   func(dst []byte) []byte
	line  func(string) string

	part  []byte // of a line whose rest has not come
	block []byte // the last that went in, while it may be within a private key
	quiet *time.Timer
}

// clean has secrets taken out of all that is written from now on; nil takes out none.
func (s *stderrTail) clean(c *Cleaner) *stderrTail {
	if c == nil {
		return s
	}
	write, end := c.Stream()
	s.cleans = &cleans{write: write, end: end, line: c.Line}
	s.quiet = time.AfterFunc(time.Hour, s.calm)
	s.quiet.Stop()
	return s
}

// take returns what may be shown now that b came.
func (c *cleans) take(b []byte) []byte {
	c.part = append(c.part, b...)
	n := bytes.LastIndexByte(c.part, '\n') + 1
	if len(c.part)-n > lineMost {
		n = len(c.part)
	}
	return c.feed(n)
}

func (c *cleans) feed(n int) []byte {
	if n == 0 {
		return nil
	}
	out := c.write(nil, c.part[:n])
	c.key(c.part[:n])
	c.part = append(c.part[:0], c.part[n:]...)
	c.quiet.Reset(quietFor)
	return out
}

// Marks of a private key in PEM (RFC 7468), which is a secret of many lines.
var (
	pemBegin = []byte("-----BEGIN ")
	pemEnd   = []byte("-----END ")
)

// key notes whether the text ends within what may be a private key.
func (c *cleans) key(b []byte) {
	c.block = append(c.block, b...)
	if at := bytes.LastIndex(c.block, pemBegin); at >= 0 && !bytes.Contains(c.block[at:], pemEnd) {
		c.block = append(c.block[:0], pemBegin...)
		return
	}
	c.block = append(c.block[:0], c.block[max(0, len(c.block)-len(pemBegin)):]...)
}

// within reports whether more of a private key may come.
func (c *cleans) within() bool { return bytes.HasPrefix(c.block, pemBegin) }

// calm shows the lines of a server that has been quiet for a while.
func (s *stderrTail) calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over && !s.within() {
		s.pass(s.end(nil))
	}
}

// last returns what is left at the end.
func (c *cleans) last() []byte {
	out := c.feed(len(c.part))
	c.quiet.Stop()
	return c.end(out)
}

// errSecretID refuses a request of the server by whose id a secret would reach the
// client: without it the answer could not come back.
var errSecretID = &ostiary.Error{Code: ostiary.CodeWireID,
	Message: "the id of a request holds a secret, so the request was refused: use numbers or random texts"}

// finds reports whether there is something to take out of an id as it is written.
func (c *Cleaner) finds(id []byte) bool {
	if c == nil || len(id) == 0 || id[0] != '"' {
		return false
	}
	text := word(id)
	write, end := c.Stream()
	return c.Line(text) != text || string(end(write(nil, []byte(text)))) != text
}
