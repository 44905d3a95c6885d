package gateway

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
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

	url     url.URL // of the endpoint
	invalid error   // why it is none
	secure  bool    // it is reached by TLS

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
	if u, err := url.Parse(o.URL); err != nil {
		r.invalid = err
	} else {
		r.url, r.secure = *u, u.Scheme != "http"
	}
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

// hearing is the server's own stream, open.
type hearing struct {
	r      *remote
	ctx    context.Context
	cancel context.CancelCauseFunc
	body   io.ReadCloser
}

// hear opens the server's own stream. It returns none, and the status, where the
// server has no such stream.
func (r *remote) hear(ctx context.Context, on *stream, lastID string) (h *hearing, status int, err error) {
	pass, err := r.o.Breaker.enter(r.d.principal(on).ID)
	if err != nil {
		return nil, 0, err
	}
	defer pass.leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer func() {
		if h == nil {
			cancel(nil)
		}
	}()
	late := time.AfterFunc(streamWait, func() { cancel(errSilent) })
	defer late.Stop()
	resp, err := r.do(ctx, exchange{method: http.MethodGet, fill: func(h http.Header) {
		h.Set("Accept", "text/event-stream")
		if lastID != "" {
			h.Set(headerLastID, lastID)
		}
	}})
	if err != nil {
		pass.failed(ctx, err)
		return nil, 0, err
	}
	pass.answered(ctx, resp.StatusCode, nil)
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		_ = resp.Body.Close()
		return nil, resp.StatusCode, nil
	}
	return &hearing{r: r, ctx: ctx, cancel: cancel, body: resp.Body}, http.StatusOK, nil
}

// relay passes on what comes until either side ends.
func (h *hearing) relay(on *stream) error {
	defer h.cancel(nil)
	defer func() { _ = h.body.Close() }()
	if on != nil {
		on.begin()
	}
	return h.r.events(h.ctx, h.body, nil, on)
}
