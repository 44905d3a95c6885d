package egress

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// plain speaks HTTP/1.1 without TLS to servers whose answers may last. An exchange
// runs on the goroutine of who asks, is written with one system call, and a
// connection that waits has neither goroutine nor buffer. [http.Transport] has two
// goroutines a connection, which hand every exchange to each other and hold their
// stacks and buffers as long as an event stream lasts.
//
// It takes what is simple and leaves the rest to [http.Transport]; see [plainly].
type plain struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	wait time.Duration // from the first byte sent until the end of the answer's header

	mu    sync.Mutex
	idle  map[string][]*plainConn // by address, the one that served last at the end
	timer *time.Timer             // nil while none is idle
}

// plainConn is one connection, used by one exchange at a time.
type plainConn struct {
	net.Conn
	address string
	in      *bufio.Reader
	room    int64 // what may still be read of a header
	used    bool  // by an exchange before this one
	since   time.Time
}

// Read implements [io.Reader].
func (c *plainConn) Read(p []byte) (int, error) {
	if c.room <= 0 {
		return 0, errLongHead
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.room)])
	c.room -= int64(n)
	return n, err
}

var (
	errLongHead = errors.New("the header of the answer is longer than the door takes")
	errManyHead = errors.New("the answer announces itself too often")
)

// plainLate says that no answer began in time. It is an end of time to [errors.Is], as
// that of [http.Transport] is.
type plainLate struct{}

func (plainLate) Error() string        { return "no answer began in time" }
func (plainLate) Timeout() bool        { return true }
func (plainLate) Temporary() bool      { return true }
func (plainLate) Is(target error) bool { return target == context.DeadlineExceeded }

const (
	unbounded = 1<<63 - 1
	infoMost  = 5 // answers 1xx before the real one
)

// buffers of those connections that are in use.
type buffers struct{ in, out sync.Pool }

func (b *buffers) reader(c *plainConn) *bufio.Reader {
	if r, ok := b.in.Get().(*bufio.Reader); ok {
		r.Reset(c)
		return r
	}
	return bufio.NewReaderSize(c, bufferBytes)
}

func (b *buffers) writer() *[]byte {
	if w, ok := b.out.Get().(*[]byte); ok {
		return w
	}
	w := make([]byte, 0, bufferBytes)
	return &w
}

// roundTrip sends a request that [plainly] takes.
func (p *plain) roundTrip(r *http.Request, shared *buffers) (*http.Response, error) {
	ctx := r.Context()
	out := shared.writer()
	defer shared.out.Put(out)
	err := p.write(out, r)
	closeBody(r)
	if err != nil {
		return nil, err
	}
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c, err := p.take(ctx, r)
		if err != nil {
			return nil, err
		}
		resp, nothing, err := p.exchange(ctx, c, r, *out, shared)
		if err == nil {
			return resp, nil
		}
		_ = c.Close()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case nothing && c.used: // the server had closed it, and got nothing
			continue
		}
		return nil, err
	}
}

// write puts the whole request into out.
func (p *plain) write(out *[]byte, r *http.Request) error {
	b := appendHead((*out)[:0], r)
	at := len(b)
	b = slices.Grow(b, int(r.ContentLength))[:at+int(r.ContentLength)]
	*out = b
	if r.ContentLength > 0 {
		if _, err := io.ReadFull(r.Body, b[at:]); err != nil {
			return err
		}
	}
	return nil
}

// exchange sends a request and reads the header of its answer. nothing says that not
// a byte was sent.
func (p *plain) exchange(ctx context.Context, c *plainConn, r *http.Request, out []byte, shared *buffers) (resp *http.Response, nothing bool, err error) {
	if err := c.SetDeadline(time.Now().Add(p.wait)); err != nil { // it is closed already
		return nil, true, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer func() {
		if err != nil {
			stop()
		}
	}()
	c.room = headerBytes
	lasts := r.Method == http.MethodGet
	if lasts {
		c.in = bufio.NewReaderSize(c, streamBytes)
	} else {
		c.in = shared.reader(c)
	}
	if n, err := c.Conn.Write(out); err != nil {
		if n == 0 {
			return nil, true, late(err)
		}
		// A server that has seen enough may have answered before it closed.
		if resp, rerr := http.ReadResponse(c.in, r); rerr == nil && resp.StatusCode >= 400 {
			resp.Body, resp.Close = &plainBody{Reader: resp.Body, p: p, c: c, ctx: ctx, stop: stop, shared: shared}, true
			return resp, false, nil
		}
		return nil, false, late(err)
	}
	for range infoMost + 1 {
		if resp, err = http.ReadResponse(c.in, r); err != nil {
			return nil, false, late(err)
		}
		if resp.StatusCode < 100 || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			c.room = unbounded
			_ = c.SetDeadline(time.Time{}) // the body may last
			body := &plainBody{Reader: resp.Body, p: p, c: c, ctx: ctx, stop: stop, again: !resp.Close && resp.StatusCode >= 200, shared: shared}
			resp.Body = body
			if resp.ContentLength == 0 && resp.StatusCode >= 200 {
				body.end()
			}
			return resp, false, nil
		}
	}
	return nil, false, errManyHead
}

func late(err error) error {
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return plainLate{}
	}
	return err
}

// plainBody is the body of an answer. Its connection serves again when all of it was
// read; one that is closed before ends with it, for nobody knows how much would come.
type plainBody struct {
	io.Reader
	p      *plain
	c      *plainConn
	ctx    context.Context
	stop   func() bool // of the watch over ctx
	again  bool        // the connection may serve again
	shared *buffers

	mu   sync.Mutex
	over error // what further reads return
}

// Read implements [io.Reader].
func (b *plainBody) Read(p []byte) (int, error) {
	if err := b.ended(); err != nil {
		return 0, err
	}
	n, err := b.Reader.Read(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		b.end()
		return n, io.EOF
	}
	if b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
	}
	b.fail(err)
	return n, err
}

func (b *plainBody) ended() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over
}

// end is that of a body of which all was read.
func (b *plainBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over != nil {
		return
	}
	b.over = io.EOF
	watched := b.stop()
	// What stands behind an answer answers nothing that was asked.
	if !watched || !b.again || b.c.in.Buffered() > 0 {
		_ = b.c.Close()
		return
	}
	if b.c.in.Size() == bufferBytes {
		b.c.in.Reset(nil)
		b.shared.in.Put(b.c.in)
	}
	b.c.in = nil
	b.p.give(b.c)
}

func (b *plainBody) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over == nil {
		b.over = err
		b.stop()
		_ = b.c.Close()
	}
}

// Close implements [io.Closer].
func (b *plainBody) Close() error {
	b.fail(http.ErrBodyReadAfterClose)
	return nil
}
