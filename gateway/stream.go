package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// stream is one HTTP exchange of the client: a POST with what is said while its
// request runs and its answer, or the GET stream of a legacy session. What is
// written goes straight to the client, so that a client that does not read slows
// its own request down and nothing is kept for it.
type stream struct {
	w    http.ResponseWriter
	ctrl *http.ResponseController
	// prefix keeps the keys of this exchange apart from those of others: requests
	// of the modern era share a door, and their ids are their client's own.
	prefix string
	// visit is the POST that it answers; nil for a GET stream.
	visit *visit
	// who sent it, as this very exchange proves, and the address that it came from.
	who     ostiary.Principal
	address string
	// header is that of the request, of which some fields are for the server.
	header   http.Header
	patience time.Duration // for one write

	mu     sync.Mutex
	state  streamState
	events bool              // the server answers by an event stream, so the door does
	status int               // of an answer that is not part of an event stream
	head   func(http.Header) // adds to the header before it is written
	event  event             // id and retry of the server's event that is passed on next
	over   chan struct{}     // closed when nothing more is written

	// next is the stream by which a legacy client took up this one when it had broken
	// off; settled says that the request of this one has ended. owed are the answers
	// that this stream is to carry for such others.
	next    *stream
	settled bool
	owed    sync.WaitGroup
}

type streamState uint8

const (
	streamFresh  streamState = iota // nothing is written
	streamEvents                    // an event stream
	streamOver
)

// errStreamOver says that the client's exchange has ended.
var errStreamOver = errors.New("the client's exchange is over")

func newStream(w http.ResponseWriter, r *http.Request, who ostiary.Principal, address string, patience time.Duration) *stream {
	return &stream{w: w, who: who, address: address, ctrl: http.NewResponseController(w), header: r.Header, patience: patience, status: http.StatusOK, over: make(chan struct{})}
}

// held is the share that its request has of what its principal has on its way.
func (s *stream) held() *share {
	if s == nil || s.visit == nil {
		return nil
	}
	return s.visit.share
}

// say sends one message as an event.
func (s *stream) say(message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.event
	s.event = event{}
	e.data = message
	return s.write(e)
}

// mark passes on an event without a message: the id to resume from, and how
// soon.
func (s *stream) mark(e event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(e)
}

func (s *stream) write(e event) error {
	switch s.state {
	case streamOver:
		return errStreamOver
	case streamFresh:
		if s.open(); s.state == streamOver {
			return errStreamOver
		}
	}
	return s.flush(e.append(nil))
}

// open begins an event stream, or ends it if its connection is gone.
func (s *stream) open() {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	s.addHead()
	if s.inTime() != nil {
		s.end()
		return
	}
	s.w.WriteHeader(http.StatusOK)
	s.state = streamEvents
}

// inTime bounds what is written next: a client that does not read keeps nobody. Not
// every writer has a deadline; then the server's own holds.
func (s *stream) inTime() error {
	if err := s.ctrl.SetWriteDeadline(time.Now().Add(s.patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

func (s *stream) addHead() {
	if s.head != nil {
		s.head(s.w.Header())
	}
}

func (s *stream) flush(b []byte) error {
	err := s.inTime()
	if err == nil {
		_, err = s.w.Write(b)
	}
	if err != nil {
		s.end()
		return err
	}
	if err := s.ctrl.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.end()
		return err
	}
	return nil
}

// answer sends the last message: alone as JSON, or as the last event.
func (s *stream) answer(message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.end()
	if s.state == streamFresh && s.events {
		s.open()
	}
	switch s.state {
	case streamOver:
		return errStreamOver
	case streamEvents:
		e := s.event
		e.data = message
		return s.flush(e.append(nil))
	}
	s.state = streamEvents // the header is written
	h := s.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(message)))
	s.addHead()
	if err := s.inTime(); err != nil {
		return err
	}
	s.w.WriteHeader(s.status)
	_, err := s.w.Write(message)
	return err
}

// nothing ends the exchange with a status and no message.
func (s *stream) nothing(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == streamFresh {
		s.addHead()
		s.w.WriteHeader(status)
	}
	s.end()
}

// leave ends the exchange: nobody may write any more when the handler returns.
func (s *stream) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
}

func (s *stream) end() {
	if s.state != streamOver {
		s.state = streamOver
		close(s.over)
	}
}

// as sets the status of an answer that is the only message.
func (s *stream) as(status int) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// passes notes the id and retry of the server's event that is passed on next.
func (s *stream) passes(e event) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.event = event{id: e.id, retry: e.retry}
}

// keyed makes the keys of a message those of its stream.
func (s *stream) keyed(m *wire.Message) {
	if s == nil || s.prefix == "" || m == nil {
		return
	}
	if m.Key != "" {
		m.Key = s.prefix + m.Key
	}
	if m.ProgressKey != "" {
		m.ProgressKey = s.prefix + m.ProgressKey
	}
	if m.CancelKey != "" {
		m.CancelKey = s.prefix + m.CancelKey
	}
}

// asRefusal sets the status that goes with a refusal (MCP 2026-07-28,
// transports). Most are answers like any other. It reports whether the client is
// asked to sign in anew.
func (s *stream) asRefusal(d ostiary.Decision, rule *ostiary.Rule) (stepsUp bool) {
	if s == nil {
		return false
	}
	status := http.StatusOK
	switch {
	case d.Code == ostiary.CodePolicyScope && d.Stage != "run" && rule != nil && s.stepUp(d, rule.Scopes):
		return true
	case d.Code == ostiary.CodeGatewaySession:
		status = http.StatusNotFound
	case d.Stage == "run": // the server's fault, or a call's end
	case d.Code == ostiary.CodePolicyMethod:
		status = http.StatusNotFound
	case d.Code == ostiary.CodeWireSize:
		status = http.StatusRequestEntityTooLarge
	case strings.HasPrefix(string(d.Code), "wire_"):
		status = http.StatusBadRequest
	}
	s.as(status)
	return false
}

// silence ends an exchange whose client wants no answer any more.
func (s *stream) silence() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == streamFresh {
		s.open()
	}
	s.end()
}

// byEvents says that the answer is to be an event.
func (s *stream) byEvents() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = true
}

// begin opens the event stream before there is anything to say.
func (s *stream) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != streamFresh {
		return
	}
	if s.open(); s.state != streamEvents {
		return
	}
	if err := s.ctrl.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.end() // nobody hears it; the first event may be long in coming
	}
}
