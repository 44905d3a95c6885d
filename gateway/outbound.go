package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
)

// exchange is one HTTP request to a server over HTTP.
type exchange struct {
	method string
	body   []byte
	// reads says that the message only reads, so that a second one does no harm.
	reads bool
	// fill sets what the message needs in the header.
	fill func(http.Header)
}

// readsOnly reports whether a method may be sent twice: the lists, discovery and
// pings. All others may have an effect, whatever a server says of itself.
func readsOnly(method string) bool {
	switch method {
	case "ping", "server/discover", "tools/list", "resources/list", "resources/templates/list", "prompts/list":
		return true
	}
	return false
}

const (
	// attempts is how often a request is sent that may be sent again, and pauseOf
	// how long it waits before.
	attempts = 3
	pauseOf  = 100 * time.Millisecond
)

// do sends a request. It is sent again where the server cannot have got it, since
// no connection was made, or where it only reads and no answer began; and once
// more with another credential where the server has refused the first, unread.
func (r *remote) do(ctx context.Context, e exchange) (*http.Response, error) {
	renewed := false
	for attempt := 1; ; attempt++ {
		req, credential, err := r.prepare(ctx, e)
		if err != nil {
			return nil, err
		}
		resp, err := r.client.Do(req)
		if err == nil && resp.StatusCode == http.StatusUnauthorized && !renewed && r.o.Renew != nil {
			drain(resp.Body)
			_ = resp.Body.Close()
			renewed = true
			if r.o.Renew(ctx, r.d.o.Principal.ID, credential) {
				continue
			}
		}
		switch {
		case err == nil:
			r.d.met(resp.TLS)
			return resp, nil
		case attempt == attempts || !mayRepeat(e, err) || !waited(ctx, attempt):
			return nil, r.unreachable(err)
		}
	}
}

// unconnected reports whether a request failed before there was a connection, so
// that nothing of it was written.
func unconnected(err error) bool {
	dial := (*net.OpError)(nil)
	return errors.Is(err, ostiary.CodeEgressUnreachable) || errors.As(err, &dial) && dial.Op == "dial"
}

// mayRepeat reports whether a request that failed may be sent again.
func mayRepeat(e exchange, err error) bool {
	if unconnected(err) {
		return true
	}
	own := (*ostiary.Error)(nil)
	return e.reads && !errors.As(err, &own) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

func waited(ctx context.Context, attempt int) bool {
	t := time.NewTimer(pauseOf << (attempt - 1))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// prepare makes a request of the session, with the credential of who it is for.
func (r *remote) prepare(ctx context.Context, e exchange) (*http.Request, http.Header, error) {
	body := &sending{Reader: bytes.NewReader(e.body)}
	if !e.reads && r.secure {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: body.by})
	}
	req, err := http.NewRequestWithContext(ctx, e.method, "", nil)
	if err != nil {
		return nil, nil, err
	}
	if r.invalid != nil {
		return nil, nil, r.invalid
	}
	to := r.url
	req.URL, req.Host = &to, to.Host
	if len(e.body) > 0 {
		req.Body, req.ContentLength = body, int64(len(e.body))
		req.GetBody = func() (io.ReadCloser, error) { return body.again(e) }
	}
	var credential http.Header
	if r.o.Header != nil {
		if credential, err = r.o.Header(ctx, r.d.o.Principal.ID); err != nil {
			return nil, nil, err
		}
		for name, values := range credential {
			req.Header[name] = values
		}
	}
	e.fill(req.Header)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost != nil {
		return nil, nil, r.lost
	}
	if r.session != "" {
		req.Header.Set(headerSession, r.session)
	}
	if r.version != "" {
		req.Header.Set(headerVersion, r.version)
	}
	return req, credential, nil
}

// sending is the body of a request that net/http may want to send again by
// itself. Over HTTP/1 it does so only if not a byte was written, as long as the
// header has no key of idempotency. Over HTTP/2 it also does so after some errors
// of a server that may have read the request, so there it gets the body again only
// if nothing has read it yet.
type sending struct {
	*bytes.Reader
	read, http2 atomic.Bool
}

var errNotAgain = errors.New("the request may have reached the server and is not sent again")

func (s *sending) Read(p []byte) (int, error) {
	s.read.Store(true)
	return s.Reader.Read(p)
}

// WriteTo hides that of the reader, which would go past Read.
func (s *sending) WriteTo(w io.Writer) (int64, error) {
	s.read.Store(true)
	return s.Reader.WriteTo(w)
}

func (s *sending) Close() error { return nil }

// by notes over which protocol the request goes.
func (s *sending) by(i httptrace.GotConnInfo) {
	c, secure := i.Conn.(*tls.Conn)
	s.http2.Store(secure && c.ConnectionState().NegotiatedProtocol == "h2")
}

// again gives the body once more, or says that it must not be sent again.
func (s *sending) again(e exchange) (io.ReadCloser, error) {
	if !e.reads && s.http2.Load() && s.read.Load() {
		return nil, errNotAgain
	}
	return &sendingAgain{Reader: bytes.NewReader(e.body), first: s}, nil
}

// sendingAgain is the body of the same request on another connection.
type sendingAgain struct {
	*bytes.Reader
	first *sending
}

func (s *sendingAgain) Read(p []byte) (int, error) {
	s.first.read.Store(true)
	return s.Reader.Read(p)
}

func (s *sendingAgain) Close() error { return nil }
