package gateway

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary"
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
	// Ends says when the time of the request's credential is over; the zero time, or
	// nil, if that is not known. What lasts ends then, and anyway soon after
	// Authenticate begins to refuse the request that began it.
	Ends func(*http.Request) time.Time
	// WriteWait is how long one write may wait for a client that does not read, and
	// ReadWait how long the body of a request may take; zero is 30 s.
	WriteWait, ReadWait time.Duration
	// IdleSession is after how long without a request a session ends; Sessions how
	// many there may be of one principal.
	IdleSession time.Duration
	Sessions    int
	// WebSocket lets clients speak by WebSocket too. Pages are those that may, beside
	// the server's own: its Origins count.
	WebSocket bool
	Pages     Hosts
	// Take counts a message by WebSocket for where it comes from, as Front.Take does
	// each request; while it refuses, the client is not read. Nil counts nothing.
	Take func(address string) error
	// Capacity is what all endpoints hold together; nil stands for one of this
	// endpoint's own with the defaults.
	Capacity *Capacity
	Log      *slog.Logger
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
	if o.ReadWait <= 0 {
		o.ReadWait = 30 * time.Second
	}
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
	if upgrades(r) {
		v.socket()
		return
	}
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
