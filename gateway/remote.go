package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// Remote says where a server over streamable HTTP is and how it is reached.
type Remote struct {
	// URL is its endpoint.
	URL string
	// Client reaches it. It must not follow redirects, and its transport decides
	// which addresses may be dialled. Own returns one with other connections for a
	// principal with a credential of its own, else nil; it may be nil itself.
	Client *http.Client
	Own    func(principal string) *http.Client
	// Header returns the fields of the operator's that every request of a principal
	// carries, such as a credential; nil adds none. Renew looks for others after the
	// server refused these, and reports whether there are any; nil has none.
	Header func(ctx context.Context, principal string) (http.Header, error)
	Renew  func(ctx context.Context, principal string, refused http.Header) bool
	// Breaker keeps requests from a server that fails; nil lets all pass.
	Breaker *Breaker
}

// remote is the server's end over streamable HTTP: every message is a POST. In
// the legacy era it holds the session that the server gave.
type remote struct {
	d      *door
	o      Remote
	client *http.Client

	ctx  context.Context // ends with the door
	stop context.CancelFunc

	mu      sync.Mutex
	session string // Mcp-Session-Id of the server
	version string // that the handshake agreed on
	lost    error  // the server does not know the session any more
	busy    sync.WaitGroup

	lastTold time.Time // when the operator was told that the credential does not count
}

var _ serverEnd = (*remote)(nil)

func newRemote(d *door, o Remote) *remote {
	ctx, stop := context.WithCancel(context.Background())
	r := &remote{d: d, o: o, client: o.Client, ctx: ctx, stop: stop}
	if o.Own != nil {
		if own := o.Own(d.o.Principal.ID); own != nil {
			r.client = own
		}
	}
	return r
}

// briefly bounds what nobody waits for: a cancellation, a refusal, the end of a
// session.
const briefly = 5 * time.Second

// request posts a request and takes what the server says until it has answered.
// An error means that the request did not reach the server; a server that takes
// it and gives no answer fails the open request instead.
func (r *remote) request(ctx context.Context, q outgoing) error {
	pass, err := r.o.Breaker.enter(r.d.principal(q.on).ID)
	if err != nil {
		return err
	}
	defer pass.leave()
	resp, err := r.post(ctx, q.m, q.parameters)
	if err != nil {
		pass.failed(ctx, err)
		if ctx.Err() != nil {
			return nil // who waits for the answer sees the end of ctx
		}
		return err
	}
	defer resp.Body.Close()
	if q.m.Method == "subscriptions/listen" { // it lasts, and as a trial would keep all others out
		pass.answered(ctx, resp.StatusCode, nil)
	}
	err = r.take(ctx, resp, q)
	pass.answered(ctx, resp.StatusCode, err)
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, io.EOF) && q.m.Method == "subscriptions/listen":
		r.d.subscriptionEnded(q.key, q.m.ID, q.on)
	default:
		r.d.down.fail(q.key, err)
	}
	return nil
}

// send posts a notification or an answer.
func (r *remote) send(ctx context.Context, on *stream, m *wire.Message) error {
	resp, err := r.post(ctx, m, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	drain(resp.Body)
	if resp.StatusCode >= 300 {
		return r.unexpected(resp)
	}
	return nil
}

// sendNow posts in the background.
func (r *remote) sendNow(message []byte) error {
	m, err := wire.Parse(message, r.d.o.Limits)
	if err != nil {
		return err
	}
	r.busy.Go(func() {
		defer r.d.breaks()
		ctx, cancel := context.WithTimeout(r.ctx, briefly)
		defer cancel()
		if err := r.send(ctx, nil, m); err != nil {
			r.d.unheard(err)
		}
	})
	return nil
}

// withdraw implements serverEnd. In the modern era the end of the POST says it.
func (r *remote) withdraw(_ string, message []byte) {
	if r.legacy() {
		if err := r.sendNow(message); err != nil {
			r.d.unheard(err)
		}
	}
}

func (r *remote) legacy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.version != ""
}

// finish ends the server's session and all that is open.
func (r *remote) finish(patience time.Duration) {
	r.mu.Lock()
	session := r.session
	r.session = ""
	r.mu.Unlock()
	if session != "" {
		ctx, cancel := context.WithTimeout(r.ctx, patience)
		defer cancel()
		resp, err := r.do(ctx, exchange{method: http.MethodDelete, fill: func(h http.Header) { h.Set(headerSession, session) }})
		if err == nil {
			drain(resp.Body)
			_ = resp.Body.Close()
		}
	}
	r.stop()
	r.busy.Wait()
}

// streamWait is how long a server may take to begin its own stream.
const streamWait = 30 * time.Second

// errSilent says that a server did not begin its own stream.
var errSilent = &ostiary.Error{Code: ostiary.CodeLimitTimeout, Message: "the server did not begin its stream in time"}

const (
	headerSession = "Mcp-Session-Id"
	headerVersion = "Mcp-Protocol-Version"
	headerMethod  = "Mcp-Method"
	headerName    = "Mcp-Name"
	prefixParam   = "Mcp-Param-"
	headerLastID  = "Last-Event-Id"
)

// post sends one message. Of the client's header only what the protocol gives to
// the server goes on, and only as the message says it.
func (r *remote) post(ctx context.Context, m *wire.Message, of []parameter) (*http.Response, error) {
	resp, err := r.do(ctx, exchange{method: http.MethodPost, body: m.Raw, reads: readsOnly(m.Method), fill: func(h http.Header) {
		h.Set("Content-Type", "application/json")
		h.Set("Accept", "application/json, text/event-stream")
		if m.Era == wire.EraModern {
			h.Set(headerVersion, m.Version)
			modernHeader(h, m)
			setParameters(h, of, m.Arguments)
		}
	}})
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusNotFound && m.Method != "initialize" && r.legacySession() {
		drain(resp.Body)
		_ = resp.Body.Close()
		return nil, r.lose()
	}
	return resp, nil
}

func (r *remote) legacySession() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.session != ""
}

// lose notes that the server has forgotten the session: the client must begin a
// new one.
func (r *remote) lose() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = &ostiary.Error{Code: ostiary.CodeGatewaySession,
		Message: "the server has ended this session: begin a new one with initialize"}
	r.session = ""
	return r.lost
}

// gone reports whether the server has ended the session; a nil remote has none.
func (r *remote) gone() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost != nil
}

// unreachable explains why a request did not get to the server or got no answer.
func (r *remote) unreachable(err error) error {
	if e := (*ostiary.Error)(nil); errors.As(err, &e) {
		return e
	}
	if unconnected(err) {
		return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Err: err,
			Message: "the server cannot be reached, so nothing was sent: try again later, or ask the operator to look at it"}
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Err: err,
		Message: "the server gave no answer; whether the call took effect is unknown: look before you repeat it, or ask the operator to look at the server"}
}

// unexpected explains an answer that is none of the protocol.
func (r *remote) unexpected(resp *http.Response) error {
	what := fmt.Sprintf("the server answered with the HTTP status %d", resp.StatusCode)
	next := "; whether the call took effect is unknown: look before you repeat it, and tell the operator about the server"
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		next = ": the operator's credential for it does not count there, so ask the operator to renew it"
	case resp.StatusCode < 300:
		what = "the server answered with something that is neither JSON nor an event stream"
	case resp.StatusCode < 400:
		next = ", a redirect, which is not followed: ask the operator to correct the URL of the server"
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Message: what + next}
}

// take hands what the server says about a request to the door. It returns why
// there is no answer.
func (r *remote) take(ctx context.Context, resp *http.Response, q outgoing) error {
	if q.m.Method == "initialize" {
		r.begin(resp)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case notTheClients(resp.StatusCode):
		r.told(resp.StatusCode)
		return r.unexpected(resp)
	case kind == "application/json":
		q.on.as(resp.StatusCode)
		share := q.share
		r.room(ctx, share, min(resp.ContentLength, int64(r.d.o.Limits.MaxBytes)))
		raw, err := whole(resp.Body, resp.ContentLength, r.d.o.Limits.MaxBytes)
		if err != nil {
			return r.cutOff(err)
		}
		share.came(len(raw))
		l := line{raw: raw, on: q.on}
		if len(raw) > r.d.o.Limits.MaxBytes {
			l = line{raw: raw[:min(len(raw), keptBytes)], tail: lastBytes(raw), tooLong: true, on: q.on}
		}
		if !r.d.fromRemote(r.ctx, l, &q) {
			return &ostiary.Error{Code: ostiary.CodeGatewayUpstream,
				Message: "the server answered something else than this request; whether the call took effect is unknown: look before you repeat it, and tell the operator about the server"}
		}
		return nil
	case kind == "text/event-stream" && resp.StatusCode == http.StatusOK:
		q.on.byEvents()
		return r.events(ctx, resp.Body, &q, q.on)
	}
	return r.unexpected(resp)
}

// notTheClients reports whether a status speaks of what lies between the door and
// the server: the client can neither sign in there nor follow.
func notTheClients(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusUpgradeRequired, http.StatusMisdirectedRequest:
		return true
	}
	return status < 200 || status >= 300 && status < 400
}

// toldEvery is how often at most the operator's log says that the door's credential
// does not count.
const toldEvery = time.Minute

// told says in the operator's log that the server does not let the door in: the client
// cannot help it.
func (r *remote) told(status int) {
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return
	}
	now := r.d.o.Now()
	r.mu.Lock()
	again := now.Sub(r.lastTold) < toldEvery && !r.lastTold.IsZero()
	if !again {
		r.lastTold = now
	}
	r.mu.Unlock()
	switch {
	case again:
	case r.o.Header == nil:
		r.d.o.Log.Error("the server wants a credential and the door has none for it: set upstreams."+r.d.o.Upstream+".credential", "upstream", r.d.o.Upstream, "status", status)
	default:
		r.d.o.Log.Error("the server does not accept the door's own credential: renew what upstreams."+r.d.o.Upstream+".credential names", "upstream", r.d.o.Upstream, "status", status)
	}
}

// errCutOff says that an answer ended before its end.
var errCutOff = errors.New("cut off")

func (r *remote) cutOff(err error) error {
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Err: errors.Join(errCutOff, err),
		Message: "the server's answer was cut off; whether the call took effect is unknown: look before you repeat it"}
}

// events hands the messages of an event stream to the door until the request q
// is answered or, if it is nil, until the stream ends. A stream that ends with an
// id or a time to come back may be taken up again by the client, so its request stays open.
func (r *remote) events(ctx context.Context, body io.Reader, q *outgoing, on *stream) error {
	last, err := r.stream(ctx, body, q, on)
	for errors.Is(err, errTakeUp) {
		last, err = r.takeUp(ctx, last, q)
	}
	return err
}

// errTakeUp says that the client cannot come back for what is missing, so the door
// must.
var errTakeUp = errors.New("the server goes on with this stream by another")

// stream is events for one stream of those that may follow each other; last is what
// is known of where to take it up.
func (r *remote) stream(ctx context.Context, body io.Reader, q *outgoing, on *stream) (last event, err error) {
	events, resumable := newEventReader(body, r.d.o.Limits.MaxBytes), false
	var share *share // the stream of a session passes on what comes and keeps nothing
	if q != nil {
		share = q.share
	}
	for {
		r.room(ctx, share, -1)
		e, err := events.next()
		switch {
		case errors.Is(err, io.EOF) && q != nil && resumable && on == nil:
			return last, errTakeUp
		case errors.Is(err, io.EOF) && (q == nil || resumable):
			if on != nil && q != nil {
				on.leave()
			}
			return last, nil
		case err != nil:
			return last, r.cutOff(err)
		}
		share.came(len(e.data))
		e = r.d.maskedEvent(e)
		last = last.after(e)
		resumable = resumable || (e.id != "" || e.retry != "") && r.legacy()
		if len(e.data) == 0 {
			if on != nil && on.mark(e) != nil && q == nil {
				return last, nil
			}
			continue
		}
		on.passes(e)
		if r.d.fromRemote(r.ctx, line{raw: e.data, on: on}, q) {
			return last, nil
		}
	}
}

// room waits until the client has taken enough of what it was sent: all of a
// connection together, and what its principal has on its way.
func (r *remote) room(ctx context.Context, s *share, bytes int64) {
	if r.d.read != nil {
		r.d.down.room(ctx)
	}
	s.answer(ctx, bytes)
}

// begin notes the session that the server gives with its handshake.
func (r *remote) begin(resp *http.Response) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session = resp.Header.Get(headerSession)
}

// agreed notes the revision that the handshake agreed on.
func (r *remote) agreed(version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.version = version
}

// listen opens the server's own stream for the client's and passes on what comes
// until either ends. It returns the status of a server that has none.
func (r *remote) listen(ctx context.Context, on *stream, lastID string) (status int, err error) {
	pass, err := r.o.Breaker.enter(r.d.principal(on).ID)
	if err != nil {
		return 0, err
	}
	defer pass.leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(streamWait, func() { cancel(errSilent) })
	resp, err := r.do(ctx, exchange{method: http.MethodGet, fill: func(h http.Header) {
		h.Set("Accept", "text/event-stream")
		if lastID != "" {
			h.Set(headerLastID, lastID)
		}
	}})
	late.Stop()
	if err != nil {
		pass.failed(ctx, err)
		return 0, err
	}
	defer resp.Body.Close()
	pass.answered(ctx, resp.StatusCode, nil)
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		return resp.StatusCode, nil
	}
	if on != nil {
		on.begin()
	}
	return http.StatusOK, r.events(ctx, resp.Body, nil, on)
}

// drain reads what is left of a small body, so that its connection serves again.
func drain(body io.Reader) {
	_, _ = io.CopyN(io.Discard, body, 4<<10) // an error ends the connection, which is as well
}

// modernHeader says in the header what the message says, as revision 2026-07-28
// wants it. Of the fields Mcp-Param-* only those go on that the tool declares: what
// is in none of the arguments would be judged by nobody, and routed by all the same.
func modernHeader(h http.Header, m *wire.Message) {
	if m.Method != "" {
		h.Set(headerMethod, m.Method)
	}
	if hasName(m.Method) {
		h.Set(headerName, headerText(m.Name))
	}
}
