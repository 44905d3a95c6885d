package gateway

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// visit is one HTTP request.
type visit struct {
	e       *Endpoint
	w       http.ResponseWriter
	r       *http.Request
	who     ostiary.Principal
	session string // as the token or the socket proves it
	address string
	share   *share // of what its principal has on its way
}

// post takes one message.
func (v *visit) post() {
	if kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		v.turn(http.StatusUnsupportedMediaType, "send one JSON-RPC message as application/json")
		return
	}
	if !accepts(v.r.Header, "application/json") || !accepts(v.r.Header, "text/event-stream") {
		v.turn(http.StatusNotAcceptable, "the answer is application/json or text/event-stream: accept both")
		return
	}
	share, err := v.e.doors.held.open(v.who.ID, int(min(max(v.r.ContentLength, 0), int64(v.e.o.Door.Limits.MaxBytes))))
	if err != nil {
		v.tooMuch(err)
		return
	}
	defer share.close()
	v.share = share
	l, err := v.body()
	switch {
	case errors.Is(err, errHeld):
		v.tooMuch(err)
		return
	case errors.Is(err, os.ErrDeadlineExceeded):
		v.turn(http.StatusRequestTimeout, "the body took too long to come: send it at once")
		return
	case err != nil:
		v.turn(http.StatusBadRequest, "the body ended early or could not be read: send it whole")
		return
	}
	m, err := wire.Parse(l.raw, v.e.o.Door.Limits)
	if l.tooLong {
		m, err = nil, refuseLong(v.e.o.Door.Limits.MaxBytes)
	}
	if err == nil && v.e.o.Door.Remote == nil {
		unbroken(m.Raw)
	}
	v.message(l, m, err)
}

// tooMuch answers a request whose principal has too much on its way.
func (v *visit) tooMuch(err error) {
	d := v.e.doors.away.refuse(v.turned(nil), err)
	http.Error(v.w, d.Message, http.StatusTooManyRequests)
}

// trusted is the length of a body for which room is made before it has come.
const trusted = 64 << 10

// body reads the body within its time. Whoever is late is not waited for a second
// time: the deadline stays, for the server would read on before it answers.
func (v *visit) body() (line, error) {
	if v.r.ContentLength != 0 {
		_ = http.NewResponseController(v.w).SetReadDeadline(time.Now().Add(v.e.o.ReadWait)) // not every connection has one
	}
	l, err := v.read()
	if err == nil {
		v.lasts()
	}
	return l, err
}

// lasts takes away the time by which a request must have come, which the server
// may have set too: its answer may take longer, and what is read of the connection
// from here on is only its end.
func (v *visit) lasts() {
	_ = http.NewResponseController(v.w).SetReadDeadline(time.Time{}) // where there is none, none is in the way
}

// read reads the body, at most as much as a message may have.
func (v *visit) read() (line, error) {
	most := v.e.o.Door.Limits.MaxBytes
	size := v.r.ContentLength
	if size > int64(most) {
		head, err := io.ReadAll(io.LimitReader(v.r.Body, keptBytes))
		return line{raw: head, tooLong: true}, err
	}
	body := io.Reader(v.r.Body)
	if size < 0 {
		body = countedBody{body, v.share}
	}
	raw, err := whole(body, size, most)
	if len(raw) > most {
		return line{raw: raw[:min(len(raw), keptBytes)], tail: lastBytes(raw), tooLong: true}, err
	}
	return line{raw: raw}, err
}

// whole reads a body of which its sender says that it has size bytes, at most one
// byte more than a message may have. Room is made in steps, each when what was there
// before has come: at most four times as much.
func whole(body io.Reader, size int64, most int) (raw []byte, err error) {
	if size < 0 || size > int64(most) {
		return io.ReadAll(io.LimitReader(body, int64(most)+1))
	}
	raw = make([]byte, min(size, trusted))
	for at := 0; ; {
		n, err := io.ReadFull(body, raw[at:])
		if at += n; errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || int64(at) == size {
			return raw[:at], err
		}
		more := make([]byte, min(size, 4*int64(at)))
		copy(more, raw)
		raw = more
	}
}

// message finds the door of a message and has it answered.
func (v *visit) message(l line, m *wire.Message, err error) {
	id := v.r.Header.Get(headerSession)
	s := newStream(v.w, v.r, v.who, v.address, v.e.o.WriteWait)
	defer s.leave()
	s.visit = v
	l.on = s
	shakes := err == nil && m.Method == "initialize" && m.Kind == wire.KindRequest && m.Era == wire.EraLegacy
	modern := id == "" && !shakes && (err != nil || m.Era == wire.EraModern || modernHeaders(v.r.Header))
	switch {
	case modern:
		v.modern(s, l, m, err)
	case shakes && id == "":
		v.begin(s, l, m)
	default:
		d, release := v.e.doors.session(id, v.who.ID, v.session)
		if d == nil {
			v.noSession(s, m, id)
			return
		}
		defer release()
		if err == nil {
			err = agrees(v.r.Header, m)
		}
		v.within(d.door, s, l, m, err, false)
		if d.door.remote.gone() {
			v.e.doors.drop(d)
		}
	}
}

// modernHeaders reports whether the header speaks of a revision without
// sessions, for messages that say none themselves.
func modernHeaders(h http.Header) bool {
	era, known := wire.EraOf(h.Get(headerVersion))
	return known && era == wire.EraModern || h.Get(headerMethod) != ""
}

// modern handles a message of the era without sessions.
func (v *visit) modern(s *stream, l line, m *wire.Message, err error) {
	d, release, oerr := v.e.doors.shared(v.r.Context(), v.who, v.session)
	if oerr != nil {
		v.unavailable(s, m, oerr)
		return
	}
	defer release()
	s.prefix = v.e.doors.prefix()
	if err == nil {
		err = matches(v.r.Header, m)
	}
	v.within(d.door, s, l, m, err, true)
}

// begin opens a session with its first message.
func (v *visit) begin(s *stream, l line, m *wire.Message) {
	d, release, err := v.e.doors.open(v.r.Context(), v.who, v.session)
	if err != nil {
		v.unavailable(s, m, err)
		return
	}
	defer release()
	s.head = func(h http.Header) { h.Set(headerSession, d.id) }
	v.within(d.door, s, l, m, nil, false)
	if !d.door.shaken() {
		v.e.doors.drop(d)
	}
}

// within has a door handle the message and waits until it is answered, the
// client has gone, or the door has closed.
func (v *visit) within(d *door, s *stream, l line, m *wire.Message, err error, modern bool) {
	if !d.under.enter() {
		v.unavailable(s, m, errShutdown)
		return
	}
	s.keyed(m)
	request := err != nil || m.Kind == wire.KindRequest
	if request && m != nil && m.Method == "subscriptions/listen" {
		release, busy := v.lasting(func(error) { d.subscriptionEnded(m.Key, m.ID, s) })
		if busy != nil {
			d.under.leave()
			v.unavailable(s, m, busy)
			return
		}
		defer release()
	}
	if request {
		gone := context.AfterFunc(v.r.Context(), func() {
			if modern && m != nil {
				d.down.withdraw(m.Key, wire.Cancelled(m.ID, "the client closed the stream"), errWithdrawn)
			}
			s.leave()
		})
		defer gone()
	}
	d.clientMessage(d.life, l, m, err)
	if !request {
		s.nothing(http.StatusAccepted)
		return
	}
	select {
	case <-s.over:
	case <-d.life.Done(): // what is under way is told so, and answers
		d.await(s.over, "a call over HTTP has no answer")
	}
}

// accepts reports whether the client takes a media type.
func accepts(h http.Header, want string) bool {
	group, _, _ := strings.Cut(want, "/")
	for _, v := range h.Values("Accept") {
		for part := range strings.SplitSeq(v, ",") {
			kind, _, _ := strings.Cut(strings.TrimSpace(part), ";")
			if kind = strings.TrimSpace(strings.ToLower(kind)); kind == want || kind == "*/*" || kind == group+"/*" {
				return true
			}
		}
	}
	return false
}
