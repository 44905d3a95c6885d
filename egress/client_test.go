package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// The tests' servers: what may be reached is on allowed, what must not on the
// ordinary loopback address.
const (
	allowed   = "127.0.0.2"
	forbidden = "127.0.0.1"
)

type site struct {
	*httptest.Server
	hits atomic.Int64
}

func newSite(t *testing.T, addr string, secure bool, h http.HandlerFunc) *site {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr+":0")
	if err != nil {
		t.Skipf("no second loopback address here: %v", err)
	}
	s := &site{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		h(w, r)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Listener.Close()
	s.Listener = l
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// at is the server's URL under another host.
func (s *site) at(host string) string {
	u, err := url.Parse(s.URL)
	if err != nil {
		panic(err)
	}
	return u.Scheme + "://" + host + ":" + u.Port()
}

// client reaches allowed and nothing else; inside.example is a name for forbidden.
func client(t *testing.T, o Options) *http.Client {
	t.Helper()
	o.AllowPrivate = []string{allowed}
	o.Resolve = func(_ context.Context, name string) ([]netip.Addr, error) {
		if name == "inside.example" {
			return addrs(forbidden), nil
		}
		return addrs(allowed), nil
	}
	c := dialer(t, o).Client()
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func get(t *testing.T, c *http.Client, url string) (string, error) {
	t.Helper()
	return send(t, c, http.MethodGet, url, "")
}

func send(t *testing.T, c *http.Client, method, url, body string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []string{"Authorization", "Cookie", "X-Api-Key", "Mcp-Session-Id", "Proxy-Authorization"} {
		r.Header.Set(h, "hunter2")
	}
	r.Header.Set("Accept", "text/plain")
	resp, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// A server that may be reached redirects to what may not.
func TestRedirectInside(t *testing.T) {
	secret := newSite(t, forbidden, false, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "credentials") })
	for name, to := range map[string]string{
		"loopback": secret.URL, "a name that leads there": secret.at("inside.example"), "a number": secret.at("2130706433"), "mapped": secret.at("[::ffff:127.0.0.1]"),
		"NAT64": secret.at("[64:ff9b::7f00:1]"), "6to4": secret.at("[2002:7f00:1::]"), "metadata": "http://169.254.169.254/latest/meta-data/",
		"with a password": strings.Replace(secret.at("inside.example"), "//", "//a:b@", 1), "a file": "file:///etc/passwd", "another scheme": "gopher://127.0.0.1:6379/_FLUSHALL",
	} {
		evil := newSite(t, allowed, false, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		})
		// Ports of tests are unusual; that alone would refuse the redirect.
		for _, c := range []*http.Client{client(t, Options{Redirects: 5}), followAll(client(t, Options{Redirects: 5}))} {
			_, err := get(t, c, evil.at("evil.example"))
			if secret.hits.Load() > 0 || err == nil || evil.hits.Load() == 0 {
				t.Errorf("%s: %v, hits %d", name, err, secret.hits.Load())
			}
			switch code := ostiary.AsError(err).Code; {
			case c.CheckRedirect != nil && code == ostiary.CodeEgressRedirect:
			case c.CheckRedirect == nil && (code == ostiary.CodeEgressHost || code == ostiary.CodeEgressAddress):
			default:
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	// Control: another client arrives.
	evil := newSite(t, allowed, false, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, secret.URL, http.StatusFound) })
	if got, err := get(t, &http.Client{}, evil.URL); err != nil || got != "credentials" {
		t.Errorf("the control: %q, %v", got, err)
	}
}

// followAll is a use that has its own mind about redirects: the transport judges
// each request all the same.
func followAll(c *http.Client) *http.Client {
	c.CheckRedirect = nil
	return c
}

func TestRedirectRules(t *testing.T) {
	parse := func(method, raw string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {"x"}, "X-Api-Key": {"x"}, "Cookie": {"x"}, "Accept": {"x"}, "Referer": {"x"}}
		return r
	}
	for _, c := range []struct {
		name, method string
		urls         []string // the last is next
		follow, keys bool
	}{
		{"same origin", "GET", []string{"https://a.example/1", "https://a.example/2"}, true, true},
		{"same origin, port written", "POST", []string{"https://a.example/1", "https://A.example:443/2"}, true, true},
		{"other host", "GET", []string{"https://a.example", "https://b.example"}, true, false},
		{"a name below", "GET", []string{"https://a.example", "https://evil.a.example"}, true, false},
		{"other host, body", "POST", []string{"https://a.example", "https://b.example"}, false, false},
		{"and back again", "GET", []string{"https://a.example", "https://b.example", "https://a.example"}, true, false},
		{"and back again, body", "POST", []string{"https://a.example", "https://b.example", "https://a.example"}, false, false},
		{"other port", "GET", []string{"https://a.example", "https://a.example:6379"}, false, false},
		{"other port and back", "GET", []string{"https://a.example:8443", "https://b.example", "https://a.example:8443"}, true, false},
		{"to http", "GET", []string{"https://a.example", "http://a.example"}, false, false},
		{"to http, later", "GET", []string{"http://a.example", "https://a.example", "http://a.example"}, false, false},
		{"to https", "GET", []string{"http://a.example", "https://a.example"}, true, false},
		{"too often", "GET", []string{"https://a.example", "https://a.example", "https://a.example", "https://a.example"}, false, false},
		{"inside", "GET", []string{"https://a.example", "https://127.0.0.1"}, false, false},
		{"no host", "GET", []string{"https://a.example", "https://a.example."}, false, false},
	} {
		d := dialer(t, Options{Redirects: 2})
		var chain []*http.Request
		for _, u := range c.urls {
			chain = append(chain, parse(c.method, u))
		}
		next := chain[len(chain)-1]
		err := d.checkRedirect(next, chain[:len(chain)-1])
		if (err == nil) != c.follow || err != nil && !errors.Is(err, ostiary.CodeEgressRedirect) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil {
			continue
		}
		if has := next.Header.Get("Authorization") + next.Header.Get("X-Api-Key") + next.Header.Get("Cookie"); c.keys != (has == "xxx") || !c.keys && has != "" {
			t.Errorf("%s: %v", c.name, next.Header)
		}
		if next.Header.Get("Referer") != "" || next.Header.Get("Accept") == "" {
			t.Errorf("%s: %v", c.name, next.Header)
		}
	}
	d := dialer(t, Options{})
	if err := d.checkRedirect(parse("GET", "https://a.example/2"), []*http.Request{parse("GET", "https://a.example/1")}); !errors.Is(err, ostiary.CodeEgressRedirect) {
		t.Errorf("nobody asked for redirects: %v", err)
	}
}

// What net/http hands on by itself, the client does not.
func TestCredentialsStay(t *testing.T) {
	var got http.Header
	var s *site
	s = newSite(t, allowed, false, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Host, "a.example:") {
			http.Redirect(w, r, s.at("evil.a.example"), http.StatusFound)
			return
		}
		got = r.Header.Clone()
	})
	leaks := func() (found []string) {
		for name, v := range got {
			if strings.Contains(strings.Join(v, " "), "hunter2") || name == "Referer" {
				found = append(found, name)
			}
		}
		return found
	}
	c := client(t, Options{Redirects: 3})
	if _, err := get(t, c, s.at("a.example")); err != nil || len(got) == 0 || len(leaks()) > 0 {
		t.Errorf("%v leaked, %v", leaks(), err)
	}
	if _, err := get(t, followAll(client(t, Options{Redirects: 3})), s.at("a.example")); err != nil || len(leaks()) < 3 { // control
		t.Errorf("the control leaks %v, %v", leaks(), err)
	}
}

func TestProxyIsNotAsked(t *testing.T) {
	proxy := newSite(t, forbidden, false, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "proxied") })
	s := newSite(t, allowed, false, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "direct") })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		t.Setenv(name, "")
	}
	if got, err := get(t, client(t, Options{}), s.at("a.example")); err != nil || got != "direct" {
		t.Errorf("%q, %v", got, err)
	}
	if dialer(t, Options{}).Transport().(*transport).peers.pools().inner.Proxy != nil {
		t.Error("a proxy can be set from outside")
	}
	// Control; http.ProxyFromEnvironment remembers what it read first in a process.
	c := &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(os.Getenv("HTTP_PROXY")) }}}
	defer c.CloseIdleConnections()
	if got, err := get(t, c, s.at("a.example")); err != nil || got != "proxied" {
		t.Errorf("the control: %q, %v", got, err)
	}
}

func TestBodyIsBounded(t *testing.T) {
	s := newSite(t, allowed, false, func(w http.ResponseWriter, r *http.Request) {
		n := 100
		if r.URL.Path == "/long" || r.URL.Path == "/said" {
			n = 101
		}
		if r.URL.Path == "/said" {
			w.Header().Set("Content-Length", "101")
		}
		for range n {
			_, _ = w.Write([]byte("x"))
			if r.URL.Path != "/said" {
				_ = http.NewResponseController(w).Flush()
			}
		}
	})
	for path, ok := range map[string]bool{"/": true, "/long": false, "/said": false} {
		got, err := get(t, client(t, Options{Body: 100}), s.at("a.example")+path)
		if ok && (err != nil || len(got) != 100) || !ok && (!errors.Is(err, ostiary.CodeEgressSize) || len(got) > 100) {
			t.Errorf("%s: %d bytes, %v", path, len(got), err)
		}
		if got, err := get(t, client(t, Options{Body: 100, Stream: true}), s.at("a.example")+path); err != nil || len(got) < 100 {
			t.Errorf("a stream of %s: %d bytes, %v", path, len(got), err)
		}
	}
	b := &bounded{body: io.NopCloser(bytes.NewReader(make([]byte, 10))), left: 3}
	if n, err := b.Read(nil); n != 0 || err != nil {
		t.Errorf("nothing read: %d, %v", n, err)
	}
	if n, err := b.Read(make([]byte, 10)); n != 3 || !errors.Is(err, ostiary.CodeEgressSize) {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := b.Read(make([]byte, 10)); n != 0 || !errors.Is(err, ostiary.CodeEgressSize) {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

func TestHeadersAndTimeAreBounded(t *testing.T) {
	done := make(chan struct{})
	s := newSite(t, allowed, false, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/headers":
			w.Header().Set("X", strings.Repeat("x", 2*headerBytes))
		case "/never":
			<-done
		case "/half":
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			<-done
		}
	})
	t.Cleanup(func() { close(done) })
	c := client(t, Options{Timeout: 50 * time.Millisecond})
	for _, path := range []string{"/headers", "/never", "/half"} {
		if _, err := get(t, c, s.at("a.example")+path); err == nil {
			t.Errorf("%s is waited for", path)
		}
	}
	if _, err := get(t, client(t, Options{Timeout: 50 * time.Millisecond, Stream: true}), s.at("a.example")+"/never"); err == nil {
		t.Error("the headers of a stream are waited for")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at("a.example")+"/half", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t, Options{Timeout: time.Second, Stream: true}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := resp.Body.Read(make([]byte, 9)); n != 1 {
		t.Errorf("%d bytes, %v", n, err)
	}
	stop()
	if _, err := resp.Body.Read(make([]byte, 9)); !errors.Is(err, context.Canceled) {
		t.Errorf("a stream whose request ended: %v", err)
	}
}

func TestTLS(t *testing.T) {
	s := newSite(t, allowed, true, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	mine := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10}
	c := client(t, Options{TLS: mine})
	if got, err := get(t, c, s.at("example.com")); err != nil || got == "" { // the name in httptest's certificate
		t.Errorf("%q, %v", got, err)
	}
	if _, err := get(t, c, s.at("a.example")); err == nil {
		t.Error("another name than the certificate's passes")
	}
	if _, err := get(t, client(t, Options{}), s.at("example.com")); err == nil {
		t.Error("unknown roots pass")
	}
	if mine.MinVersion != tls.VersionTLS10 {
		t.Error("the caller's value was changed")
	}
	s.TLS.MaxVersion = tls.VersionTLS11
	if _, err := get(t, client(t, Options{TLS: mine}), s.at("example.com")); err == nil {
		t.Error("TLS 1.1 passes")
	}
}
