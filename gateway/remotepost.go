package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

func (r *remote) legacy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.version != ""
}

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
