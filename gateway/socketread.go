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
		if err != nil {
			s.refused(err)
			return nil
		}
		s.use()
		if err := s.v.stillCounts(); err != nil {
			s.refused(closing{websocket.StatusPolicyViolation, err})
			return nil
		}
		if !utf8.Valid(l.raw) {
			s.refused(closing{websocket.StatusInvalidFramePayloadData, errNotUTF8})
			return nil
		}
		d.fromClient(ctx, l)
	}
}

// next reads one message, at most as long and for so long as a body may be.
func (s *socket) next(conn *websocket.Conn) (line, error) {
	kind, r, err := conn.Reader(s.ends)
	if err != nil { // it left, or broke the rules of the transport
		return line{}, errSocketGone
	}
	if kind != websocket.MessageText {
		return line{}, closing{websocket.StatusUnsupportedData, httpError("a message is a text frame with one JSON-RPC message")}
	}
	late := time.AfterFunc(s.v.e.o.ReadWait, func() {
		s.because(websocket.StatusPolicyViolation, "the message took too long")
		s.end()
	})
	defer late.Stop()
	most := s.v.e.o.Door.Limits.MaxBytes
	raw, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	switch {
	case len(raw) > most:
		return line{}, closing{websocket.StatusMessageTooBig, refuseLong(most)}
	case err != nil:
		return line{}, errSocketGone
	}
	return line{raw: raw}, nil
}
