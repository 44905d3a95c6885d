package egress

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

const (
	headerBytes  = 64 << 10
	idleTimeout  = 90 * time.Second
	idlePerHost  = 128
	tlsHandshake = 10 * time.Second
	pingAfter    = 30 * time.Second

	// The buffers of a connection. A request or an answer that fits into one takes
	// one system call and is not copied into a second; an event stream is small at
	// its beginning, lasts, and there may be thousands.
	bufferBytes = 32 << 10
	streamBytes = 1 << 10
)

// Client returns a client with connections of its own, for many requests: keep
// it. It has no cookies. Its errors are a *url.Error, which names the URL, around
// those of [Dialer.DialContext], [ostiary.CodeEgressRedirect] and, while a body is
// read, [ostiary.CodeEgressSize].
func (d *Dialer) Client() *http.Client {
	c := &http.Client{Transport: d.Transport(), CheckRedirect: d.checkRedirect}
	if !d.o.Stream {
		c.Timeout = d.o.Timeout
	}
	return c
}

// Transport returns what [Dialer.Client] sends with, for uses that have a client
// of their own. It judges the URL of each request and bounds the answer, but a
// redirect's credentials and scheme are the client's matter.
func (d *Dialer) Transport() http.RoundTripper {
	judge := Peers{}
	if d.o.Peers != nil {
		judge = *d.o.Peers
	}
	return &transport{
		dialer: d, plain: plain{dial: d.DialContext, wait: d.o.Timeout},
		peers: newPeers(judge, func(p *peers) *pools {
			return &pools{inner: d.transport(bufferBytes, p), streams: d.transport(streamBytes, p)}
		}),
	}
}

func (d *Dialer) transport(buffer int, p *peers) *http.Transport {
	t := &http.Transport{
		Proxy:       nil, // an environment variable must not lead elsewhere
		DialContext: d.DialContext, TLSClientConfig: d.o.TLS.Clone(), ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: min(tlsHandshake, d.o.Timeout), ResponseHeaderTimeout: d.o.Timeout,
		MaxResponseHeaderBytes: headerBytes, IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: idlePerHost,
		ReadBufferSize: buffer, WriteBufferSize: buffer,
		HTTP2:              &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: tlsHandshake}, // a stream whose other end is gone ends
		DisableCompression: true,                                                                     // bytes stay as they are, and nothing small becomes large
	}
	if d.o.Peers != nil {
		// The configuration is that of the transport, which says there what it speaks.
		t.DialTLSContext = func(ctx context.Context, _, address string) (net.Conn, error) {
			return p.dialTLS(ctx, d, t.TLSClientConfig, address)
		}
	}
	return t
}

type transport struct {
	dialer  *Dialer
	peers   *peers
	plain   plain // for what lasts, without TLS
	buffers buffers
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.dialer.CheckURL(r.URL); err != nil {
		closeBody(r)
		return nil, err
	}
	if t.dialer.o.Stream && plainly(r) {
		return t.plain.roundTrip(r, &t.buffers)
	}
	resp, err := t.judged(r)
	if err != nil || t.dialer.o.Stream {
		return resp, err
	}
	if resp.ContentLength > t.dialer.o.Body && r.Method != http.MethodHead {
		_ = resp.Body.Close()
		return nil, tooLong()
	}
	resp.Body = &bounded{body: resp.Body, left: t.dialer.o.Body}
	return resp, nil
}

// judged sends a request after those who may get it were judged again.
func (t *transport) judged(r *http.Request) (*http.Response, error) {
	if t.dialer.o.Peers == nil || r.URL.Scheme != "https" {
		return t.send(r)
	}
	if err := t.peers.review(r.Context()); err != nil {
		closeBody(r)
		return nil, err
	}
	end := t.peers.begin()
	resp, err := t.send(r)
	if err != nil {
		end()
		return nil, err
	}
	resp.Body = &ending{resp.Body, end}
	return resp, nil
}

func (t *transport) send(r *http.Request) (*http.Response, error) {
	now := t.peers.pools()
	if t.dialer.o.Stream && r.Method == http.MethodGet {
		return now.streams.RoundTrip(r)
	}
	return now.inner.RoundTrip(r)
}

// CloseIdleConnections lets the client's method of that name reach the connections.
func (t *transport) CloseIdleConnections() {
	t.peers.pools().close()
	t.plain.close()
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// CheckURL judges a URL without the network: its form, its host, and the address
// if the host is one or localhost. A name that passes may still lead where nothing goes; that
// is seen when it is dialled. Use it when a configuration is read.
func (d *Dialer) CheckURL(u *url.URL) error {
	switch {
	case u == nil || u.Scheme != "http" && u.Scheme != "https":
		return badURL("is not http or https")
	case u.Opaque != "" || u.Host == "":
		return badURL("has no host behind two slashes")
	case u.User != nil:
		return badURL("holds a name or a password before the host: give credentials as a header")
	}
	h, err := parseHost(u.Hostname())
	if err != nil {
		return err
	}
	authority := h.String()
	if strings.Contains(authority, ":") {
		authority = "[" + authority + "]"
	}
	if p := u.Port(); p != "" {
		if _, err := parsePort(p); err != nil {
			return err
		}
		authority = net.JoinHostPort(h.String(), p)
	}
	if !strings.EqualFold(authority, u.Host) {
		return badURL("has a host that can be read in two ways")
	}
	switch {
	case h.addr.IsValid():
		return d.judge(h, h.addr)
	case h.name == localhost && d.judge(h, netip.IPv6Loopback()) != nil:
		return d.judge(h, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	return nil
}

// bounded is a body that ends with an error where it is longer than allowed.
type bounded struct {
	body io.ReadCloser
	left int64
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooLong()
	}
	// One byte more than allowed tells a body that ends from one that goes on.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, tooLong()
	}
	return n, err
}

// Close implements [io.Closer].
func (b *bounded) Close() error { return b.body.Close() }

func tooLong() error {
	return &ostiary.Error{Code: ostiary.CodeEgressSize, Message: "the other side's answer is longer than the door takes: ask for less"}
}
