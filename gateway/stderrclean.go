package gateway

import (
	"bytes"
	"time"

	"github.com/ostiary/ostiary"
)

// Cleaner takes secrets out of what a server writes to its standard error.
type Cleaner struct {
	// Streams are what a text goes through that comes in pieces, one after the other.
	Streams func() []Wash
	// Line takes what is known to be secret out of one line.
	Line func(string) string
}

// Wash takes something out of a text that comes in pieces.
type Wash interface {
	// Write appends to dst what can go out now that p came.
	Write(dst, p []byte) []byte
	// Close appends what is left; then another text can begin.
	Close(dst []byte) []byte
}

// washes are one after the other.
type washes []Wash

func (w washes) write(dst, p []byte) []byte {
	if len(w) == 0 {
		return append(dst, p...)
	}
	return w[1:].write(dst, w[0].Write(nil, p))
}

func (w washes) end(dst []byte) []byte {
	if len(w) == 0 {
		return dst
	}
	return w[1:].end(w[1:].write(dst, w[0].Close(nil)))
}

// quietFor is how long a server must be quiet for its last lines to be shown, as far
// as more could make a secret of them.
const quietFor = 300 * time.Millisecond

// cleans is what a stderrTail does before anything is shown or kept. Whole lines go
// into the streams as long as they are not too long, and these end behind a line only,
// so that what is shown of a quiet server never ends within a secret of one line. It
// is used under the lock of the tail.
type cleans struct {
	washes
	line func(string) string

	part  []byte // of a line whose rest has not come
	mid   bool   // its beginning went in
	block []byte // the last that went in, while it may be within a private key
	quiet *time.Timer
}

// clean has secrets taken out of all that is written from now on; nil takes out none.
func (s *stderrTail) clean(c *Cleaner) *stderrTail {
	if c == nil {
		return s
	}
	s.cleans = &cleans{washes: c.Streams(), line: c.Line}
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
	c.mid = c.part[n-1] != '\n'
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
	if !s.over && !s.mid && !s.within() {
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
	through := washes(c.Streams())
	return c.Line(text) != text || string(through.end(through.write(nil, []byte(text)))) != text
}
