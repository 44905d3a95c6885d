package gateway

import (
	"context"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// HTTPOptions are what one endpoint over streamable HTTP is made of. All fields
// without a stated default are required.
type HTTPOptions struct {
	// Authenticate says who sends a request. Its error is the refusal.
	Authenticate func(*http.Request) (ostiary.Principal, string, error)
	// Address says where a request comes from, as far as that can be verified: an
	// address or, by a socket of this machine, a user such as "uid:1000". Records
	// have it; nil knows none.
	Address func(*http.Request) string
	// Strangers records what is refused of those whom nobody knows; all endpoints of
	// a server share one. Nil makes one for this endpoint.
	Strangers *Strangers
	// Refuse answers who could not be identified, with the status and the header
	// that this needs.
	Refuse func(http.ResponseWriter, *http.Request, error)
	// StepUp is asked about a request that is refused because its caller lacks
	// scopes; scopes are all that the operation needs. Where it helps to sign in
	// anew it returns the status and the fields of the header that say so, else 0.
	// nil helps nobody.
	StepUp func(session string, err error, scopes []string) (int, http.Header)
	// Door is what the doors of this endpoint have in common; Principal, Session,
	// In and Out are set for each.
	Door Options
	// WriteWait is how long one write may wait for a client that does not read.
	WriteWait time.Duration
	// IdleSession is after how long without a request a session ends; Sessions how
	// many there may be of one principal.
	IdleSession time.Duration
	Sessions    int
	Log         *slog.Logger
}

// Endpoint serves one upstream over streamable HTTP in both eras: the legacy one
// with sessions, the modern one without. Each session, and each principal of the
// modern era, has a door of its own. Use it as an http.Handler; Close it.
type Endpoint struct {
	o     HTTPOptions
	doors *doors
}

// NewEndpoint makes an endpoint. Its server is reached when somebody calls.
func NewEndpoint(o HTTPOptions) *Endpoint {
	d := newDoors(o)
	return &Endpoint{o: d.o, doors: d}
}

// Close ends the sessions: calls in flight may end within the grace.
func (e *Endpoint) Close() { e.doors.close() }

// ServeHTTP implements http.Handler.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer e.survive(w)
	address := e.address(r)
	who, session, err := e.o.Authenticate(r)
	if err != nil {
		e.doors.away.refuse(turned{address: address}, err)
		e.o.Refuse(w, r, err)
		return
	}
	v := &visit{e: e, w: w, r: r, who: who, session: session, address: address}
	switch r.Method {
	case http.MethodPost:
		v.post()
	case http.MethodGet:
		v.get()
	case http.MethodDelete:
		v.delete()
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		v.turn(http.StatusMethodNotAllowed, "this method is none of the protocol: send messages by POST")
	}
}

// survive turns a panic into a record and, where nothing was said yet, an answer.
func (e *Endpoint) survive(w http.ResponseWriter) {
	p := recover()
	if p == nil {
		return
	}
	d := e.doors.away.refuse(turned{}, panicked(p))
	e.o.Log.Error("the door failed at a request", "code", d.Code)
	if w.Header().Get("Content-Type") != "" { // an answer has begun and must not look whole
		panic(http.ErrAbortHandler)
	}
	http.Error(w, d.Message, http.StatusInternalServerError)
}

// visit is one HTTP request.
type visit struct {
	e       *Endpoint
	w       http.ResponseWriter
	r       *http.Request
	who     ostiary.Principal
	session string // as the token or the socket proves it
	address string
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
	l, err := v.body()
	if err != nil {
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

// trusted is the length of a body for which room is made before it has come.
const trusted = 64 << 10

// body reads the body, at most as much as a message may have.
func (v *visit) body() (line, error) {
	most := v.e.o.Door.Limits.MaxBytes
	size := v.r.ContentLength
	if size > int64(most) {
		head, err := io.ReadAll(io.LimitReader(v.r.Body, keptBytes))
		return line{raw: head, tooLong: true}, err
	}
	raw, err := whole(v.r.Body, size, most)
	if len(raw) > most {
		return line{raw: raw[:min(len(raw), keptBytes)], tail: lastBytes(raw), tooLong: true}, err
	}
	return line{raw: raw}, err
}

// whole reads a body of which its sender says that it has size bytes, at most one
// byte more than a message may have.
func whole(body io.Reader, size int64, most int) (raw []byte, err error) {
	if size >= 0 && size <= trusted && size <= int64(most) {
		raw = make([]byte, size)
		_, err = io.ReadFull(body, raw)
		return raw, err
	}
	return io.ReadAll(io.LimitReader(body, int64(most)+1))
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
	d, release, oerr := v.e.doors.shared(v.who, v.session)
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
	d, release, err := v.e.doors.open(v.who, v.session)
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

// get is the stream of a session for what the server says by itself.
func (v *visit) get() {
	id := v.r.Header.Get(headerSession)
	if id == "" {
		v.w.Header().Set("Allow", "POST")
		v.turn(http.StatusMethodNotAllowed, "a stream needs a session; revisions without sessions have no GET stream")
		return
	}
	if !accepts(v.r.Header, "text/event-stream") {
		v.turn(http.StatusNotAcceptable, "the stream is text/event-stream: accept it")
		return
	}
	d, release := v.e.doors.session(id, v.who.ID, v.session)
	s := newStream(v.w, v.r, v.who, v.address, v.e.o.WriteWait)
	defer s.leave()
	if d == nil {
		v.noSession(s, nil, id)
		return
	}
	defer release()
	client := d.door.toClient.(*httpClient)
	if !client.attach(s) {
		v.turn(http.StatusConflict, "the session has a stream already: close that one first")
		return
	}
	defer client.detach(s)
	ctx, cancel := context.WithCancel(v.r.Context())
	defer cancel()
	stop := context.AfterFunc(d.door.life, cancel)
	defer stop()
	over := context.AfterFunc(ctx, s.leave)
	defer over()
	status, err := d.door.listen(ctx, s, v.r.Header.Get(headerLastID))
	switch {
	case err != nil && ctx.Err() == nil:
		v.e.o.Log.Debug("the server's stream ended", "error", err)
		s.nothing(http.StatusBadGateway)
	case status != http.StatusOK && status != 0:
		s.nothing(status)
	}
}

// delete ends a session.
func (v *visit) delete() {
	id := v.r.Header.Get(headerSession)
	if id == "" {
		v.w.Header().Set("Allow", "POST")
		v.turn(http.StatusMethodNotAllowed, "a session to end is named by "+headerSession)
		return
	}
	d, release := v.e.doors.session(id, v.who.ID, v.session)
	if d == nil {
		v.noSession(newStream(v.w, v.r, v.who, v.address, v.e.o.WriteWait), nil, id)
		return
	}
	release()
	v.e.doors.drop(d)
	v.w.WriteHeader(http.StatusNoContent)
}

// noSession answers for a session that is not there or is somebody else's; the
// two cannot be told apart.
func (v *visit) noSession(s *stream, m *wire.Message, id string) {
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

func (v *visit) unavailable(s *stream, m *wire.Message, err error) {
	s.as(http.StatusServiceUnavailable)
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
