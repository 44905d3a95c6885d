package gateway

import (
	"context"
	"io"
	"sync"
)

// outbox writes messages to one pipe in the order in which they were sent, with
// as few system calls as the load allows. Its memory is bounded: a sender waits
// while more than a limit is unwritten.
type outbox struct {
	w    io.Writer
	full int

	mu     sync.Mutex
	buf    []byte
	err    error
	closed bool
	wake   chan struct{} // cap 1: there is something to do
	space  chan struct{} // closed and replaced when the buffer was taken
	done   chan struct{} // the writer has ended
}

// outboxBytes is what may wait unwritten; one larger message may still go in
// when nothing else waits.
const outboxBytes = 1 << 20

func newOutbox(w io.Writer) *outbox {
	o := &outbox{
		w: w, full: outboxBytes,
		wake: make(chan struct{}, 1), space: make(chan struct{}), done: make(chan struct{}),
	}
	go o.writeAll()
	return o
}

// send queues one message and its newline. A nil error does not mean that it was
// written; the error of an earlier write is returned to later senders.
func (o *outbox) send(ctx context.Context, parts ...[]byte) error {
	for {
		o.mu.Lock()
		if o.err != nil || o.closed {
			err := o.err
			o.mu.Unlock()
			if err == nil {
				err = io.ErrClosedPipe
			}
			return err
		}
		if len(o.buf) < o.full {
			for _, p := range parts {
				o.buf = append(o.buf, p...)
			}
			o.buf = append(o.buf, '\n')
			o.mu.Unlock()
			o.signal()
			return nil
		}
		space := o.space
		o.mu.Unlock()
		select {
		case <-space:
		case <-o.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// close lets the writer finish what is queued and end. It does not wait.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.signal()
}

func (o *outbox) writeAll() {
	defer close(o.done)
	var spare []byte
	for range o.wake {
		for {
			out, closed := o.take(spare)
			if out == nil {
				if closed {
					return
				}
				break
			}
			if _, err := o.w.Write(out); err != nil {
				o.mu.Lock()
				o.err = err
				o.mu.Unlock()
				return
			}
			if spare = out; cap(spare) > 2*outboxBytes {
				spare = nil
			}
		}
	}
}

// take returns what is queued and queues into spare from now on; nil if nothing
// is, and then spare stays the caller's.
func (o *outbox) take(spare []byte) (out []byte, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.buf) == 0 {
		return nil, o.closed
	}
	out, o.buf = o.buf, spare[:0]
	close(o.space)
	o.space = make(chan struct{})
	return out, o.closed
}
