package gateway

import (
	"context"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// closing is a refusal that ends the connection, with the code of RFC 6455,
// section 7.4.1.
type closing struct {
	code websocket.StatusCode
	err  error
}

func (c closing) Error() string { return c.err.Error() }

var errNotUTF8 = &ostiary.Error{Code: ostiary.CodeWireUTF8, Message: "a text frame is UTF-8: encode the message so"}

// refused records why the connection ends, if the client has not just left.
func (s *socket) refused(err error) {
	var c closing
	if !errors.As(err, &c) {
		return
	}
	d := s.v.e.doors.away.refuse(s.v.turned(nil), c.err)
	s.because(c.code, d.Message)
}

// withdrawAll withdraws what is open when the client has left: its answers can
// reach nobody any more.
func (s *socket) withdrawAll(d *door) {
	for key, p := range d.down.ofClient() {
		d.down.withdraw(key, wire.Cancelled(p.id, "the client has left"), errWithdrawn)
	}
}

// read takes the client's messages until the client leaves or sends what it must
// not.
func (s *socket) read(ctx context.Context, d *door) error {
	defer s.withdrawAll(d)
	conn := s.open(ctx)
	if conn == nil {
		return nil
	}
	for { // until finish, which says goodbye first
		l, err := s.next(conn)
		if err == nil {
			s.use()
			err = s.acceptable(l)
		}
		if err == nil {
			d.fromClient(ctx, l)
			continue
		}
		if errors.Is(err, errHeld) && d.under.enter() { // this message alone: others may be answered
			d.clientMessage(ctx, l, nil, errHeld)
			continue
		}
		l.share.close()
		s.refused(err)
		return nil
	}
}

// acceptable reports why a message ends the connection.
func (s *socket) acceptable(l line) error {
	if err := s.v.stillCounts(); err != nil {
		return closing{websocket.StatusPolicyViolation, err}
	}
	if !utf8.Valid(l.raw) {
		return closing{websocket.StatusInvalidFramePayloadData, errNotUTF8}
	}
	return nil
}

// pace waits while messages come faster than requests may from where the client is:
// it is read no further.
func (s *socket) pace() {
	if s.v.e.o.Take == nil {
		return
	}
	for told := false; ; {
		err := s.v.e.o.Take(s.v.address)
		if err == nil {
			return
		}
		if !told {
			told = true
			s.v.e.doors.away.refuse(s.v.turned(nil), err)
		}
		wait := time.NewTimer(max(ostiary.AsError(err).RetryAfter, time.Millisecond))
		select {
		case <-wait.C:
		case <-s.ends.Done():
			wait.Stop()
			return
		}
	}
}

// next reads one message, at most as long and for so long as a body may be. What
// comes of it counts as that of a request does; with errHeld the line is what tells
// which message there was no room for.
func (s *socket) next(conn *websocket.Conn) (line, error) {
	kind, r, err := conn.Reader(s.ends)
	if err != nil { // it left, or broke the rules of the transport
		return line{}, errSocketGone
	}
	if kind != websocket.MessageText {
		return line{}, closing{websocket.StatusUnsupportedData, httpError("a message is a text frame with one JSON-RPC message")}
	}
	s.pace()
	late := time.AfterFunc(s.v.e.o.ReadWait, func() {
		s.because(websocket.StatusPolicyViolation, "the message took too long")
		s.end()
	})
	defer late.Stop()
	most := s.v.e.o.Door.Limits.MaxBytes
	body := io.LimitReader(r, int64(most)+1)
	var l line
	if l.share, err = s.v.e.doors.held.open(s.v.who.ID, 0); err == nil {
		l.raw, err = io.ReadAll(countedBody{body, l.share})
	}
	size := int64(len(l.raw))
	if held := err; errors.Is(held, errHeld) {
		l.tooLong = true // for what is kept
		head, failed := io.ReadAll(io.LimitReader(body, keptBytes))
		rest, drained := io.Copy(io.Discard, body)
		l.raw, size = append(l.raw, head...), size+int64(len(head))+rest
		if err = errors.Join(failed, drained); err == nil && size <= int64(most) {
			return l, held
		}
	}
	switch {
	case size > int64(most):
		return l, closing{websocket.StatusMessageTooBig, refuseLong(most)}
	case err != nil:
		return l, errSocketGone
	}
	return l, nil
}
