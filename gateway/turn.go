package gateway

import (
	"errors"
	"net/http"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// httpError is the refusal of an HTTP request that is none of the protocol.
func httpError(message string) error {
	return &ostiary.Error{Code: ostiary.CodeGatewayHTTP, Message: message}
}

// turned is what is known of this request, and its message.
func (v *visit) turned(m *wire.Message) turned {
	return turned{who: v.who, session: v.session, address: v.address, m: m}
}

// turn refuses an HTTP request that is none of the protocol.
func (v *visit) turn(status int, message string) {
	d := v.e.doors.away.refuse(v.turned(nil), httpError(message))
	http.Error(v.w, d.Message, status)
}

// noSession answers for a session that is not there or is somebody else's; the
// two cannot be told apart.
func (v *visit) noSession(s *stream, m *wire.Message, id string) {
	if v.e.doors.ctx.Err() != nil { // it may have been there a moment ago
		v.unavailable(s, m, errShutdown)
		return
	}
	err := &ostiary.Error{Code: ostiary.CodeGatewaySession, Message: "this session is not known: begin a new one with initialize"}
	status := http.StatusNotFound
	if id == "" {
		status = http.StatusBadRequest
		err = &ostiary.Error{Code: ostiary.CodeGatewaySession,
			Message: "the message belongs to no session: begin one with initialize and send its Mcp-Session-Id, or speak 2026-07-28"}
	}
	s.as(status)
	v.refuse(s, m, err)
}

// unavailable answers what cannot be taken now: too much of the caller's own is
// open, or the gateway is full or ends.
func (v *visit) unavailable(s *stream, m *wire.Message, err error) {
	status := http.StatusServiceUnavailable
	if errors.Is(err, ostiary.CodeLimitConcurrency) && !errors.Is(err, errCrowded) {
		status = http.StatusTooManyRequests
	}
	s.as(status)
	askAgain(v.w.Header(), err)
	v.refuse(s, m, err)
}

// refuse records and answers what no door took.
func (v *visit) refuse(s *stream, m *wire.Message, err error) {
	dec := v.e.doors.away.refuse(v.turned(m), err)
	if m == nil || m.Kind != wire.KindRequest {
		m = &wire.Message{Kind: wire.KindRequest}
	}
	_ = s.answer(wire.ErrorReply(m.ID, wire.RPCCode(dec.Code), dec.Message, nil)) // nobody is left to tell
}
