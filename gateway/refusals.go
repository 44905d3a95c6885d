package gateway

import (
	"net/http"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// turnedAway records what is refused before it comes to a door: HTTP requests
// that are none of the protocol, sessions that are not there, callers who could
// not be identified. Anybody can send these without end, so after a burst the rest
// of a minute becomes one counted record; those of callers who are known are
// counted apart, so that strangers cannot hide them.
type turnedAway struct {
	s               *doors
	known, stranger oddities
}

func newTurnedAway(s *doors) *turnedAway {
	d := &door{o: s.o.Door, ids: s.ids}
	return &turnedAway{s: s, known: oddities{door: d}, stranger: oddities{door: d}}
}

// refuse records a refusal, or counts it. m is the message, nil where there is none.
func (t *turnedAway) refuse(who ostiary.Principal, proved string, m *wire.Message, err error) ostiary.Decision {
	odd := &t.known
	if who.ID == "" {
		odd = &t.stranger
	}
	d := ostiary.Refused("gateway", err)
	if !odd.note(d.Code, oddBurst) {
		return d
	}
	return t.s.o.Door.Line.Refuse(t.s.recorded(who, proved, m), d)
}

func (t *turnedAway) flush() {
	t.known.flush()
	t.stranger.flush()
}

// Refused records a request that was refused in front of the endpoint, such as by
// Hosts; it may be given to Hosts.Refused.
func (e *Endpoint) Refused(_ *http.Request, err error) {
	e.doors.away.refuse(ostiary.Principal{}, "", nil, err)
}

// httpError is the refusal of an HTTP request that is none of the protocol.
func httpError(message string) error {
	return &ostiary.Error{Code: ostiary.CodeGatewayHTTP, Message: message}
}

// turn refuses an HTTP request that is none of the protocol.
func (v *visit) turn(status int, message string) {
	d := v.e.doors.away.refuse(v.who, v.session, nil, httpError(message))
	http.Error(v.w, d.Message, status)
}
