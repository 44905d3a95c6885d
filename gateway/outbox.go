package gateway

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// outbox writes messages to one pipe in the order in which they were sent, with
// as few system calls as the load allows. Its memory is bounded: a sender waits
// while more than a limit is unwritten.
type outbox struct {
	w    io.Writer
	full int
	// many says that others may send soon too; nil says no.
	many func() bool
	// direct writes for a sender who is alone, so that nobody need be woken for it;
	// nil where that is not possible.
	direct *direct

	mu     sync.Mutex
	buf    []byte
	busy   bool // the writer writes
	err    error
	closed bool
	wake   chan struct{} // cap 1: there is something to do
	space  chan struct{} // closed when the buffer was taken; nil where nobody waits for that
	done   chan struct{} // the writer has ended
}

// outboxBytes is what may wait unwritten; one larger message may still go in
// when nothing else waits.
const outboxBytes = 1 << 20

func newOutbox(w io.Writer) *outbox { return newSharedOutbox(w, nil) }

// newSharedOutbox makes an outbox of those of whom many says whether there are more
// than one now.
func newSharedOutbox(w io.Writer, many func() bool) *outbox {
	o := &outbox{
		w: w, full: outboxBytes, many: many,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if many != nil {
		if o.direct = newDirect(w); o.direct != nil {
			o.w = o.direct
		}
	}
	go o.writeAll()
	return o
}

var newline = []byte{'\n'}

// errFull says that the other side does not read and enough waits for it.
var errFull = errors.New("the other side does not read")

// send queues one message and its newline, waiting while too much is unwritten
// and ctx lives. A nil error does not mean that it was written; the error of an
// earlier write is returned to later senders.
func (o *outbox) send(ctx context.Context, message []byte) error {
	for {
		space, err := o.queue(o.full, message, newline)
		if space == nil {
			return err
		}
		select {
		case <-space:
		case <-o.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// sendNow is send for those who must not wait: who reads the other side, who
// ends. It may use twice the room, and fails with errFull when that is full.
func (o *outbox) sendNow(message []byte) error {
	space, err := o.queue(2*o.full, message, newline)
	if space != nil {
		return errFull
	}
	return err
}

// write queues bytes as they are; the room is that of sendNow.
func (o *outbox) write(b []byte) error {
	space, err := o.queue(2*o.full, b)
	if space != nil {
		return errFull
	}
	return err
}

// queue appends parts as one, or returns a channel that is closed when there is
// room again.
func (o *outbox) queue(full int, parts ...[]byte) (space <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		return nil, o.err
	case o.closed:
		return nil, io.ErrClosedPipe
	case len(o.buf) >= full:
		if o.space == nil {
			o.space = make(chan struct{})
		}
		return o.space, nil
	}
	first := len(o.buf) == 0 && !o.busy
	for _, p := range parts {
		o.buf = append(o.buf, p...)
	}
	if first && o.direct != nil && len(o.buf) <= directBytes && !o.many() {
		o.buf = o.buf[:copy(o.buf, o.buf[o.direct.attempt(o.buf):])]
	}
	if len(o.buf) > 0 {
		o.signal()
	}
	return nil, nil
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

// finish closes and waits until everything is written, at most this long.
func (o *outbox) finish(patience time.Duration) {
	o.close()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-o.done:
	case <-t.C:
	}
}

func (o *outbox) writeAll() {
	defer close(o.done)
	defer o.leave()
	defer func() {
		if p := recover(); p != nil { // who writes to it later is told so
			o.fail(ostiary.AsError(panicked(p)))
		}
	}()
	var spare []byte
	for range o.wake {
		for {
			o.gather()
			out, closed := o.take(spare)
			if out == nil {
				if closed {
					return
				}
				break
			}
			_, err := o.w.Write(out)
			if o.wrote(err); err != nil {
				return
			}
			if spare = out; cap(spare) > 2*outboxBytes {
				spare = nil
			}
		}
	}
}

// directBytes is how long a message may be that its sender writes: a pipe holds as
// much.
const directBytes = 64 << 10

// gatherMost is how often the writer lets others go first at most.
const gatherMost = 3

// gather lets those who are about to send do so, so that one system call writes for
// all of them and wakes the other side once.
func (o *outbox) gather() {
	if o.many == nil || !o.many() {
		return
	}
	n := o.queued()
	for range gatherMost {
		runtime.Gosched()
		now := o.queued()
		if now == n {
			return
		}
		n = now
	}
}

func (o *outbox) queued() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.buf)
}

// wrote says that what was taken is written, or why not.
func (o *outbox) wrote(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy, o.err = err != nil, err
}

// leave ends what only the writer and those who write in its place need.
func (o *outbox) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.direct != nil {
		o.direct.close()
		o.direct = nil
	}
}

func (o *outbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

// take returns what is queued and queues into spare from now on; nil if nothing
// is, and then spare stays the caller's.
func (o *outbox) take(spare []byte) (out []byte, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.buf) == 0 {
		return nil, o.closed
	}
	out, o.buf, o.busy = o.buf, spare[:0], true
	if o.space != nil {
		close(o.space)
		o.space = nil
	}
	return out, o.closed
}
