package conformance

import (
	"bytes"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/internal/peers"
	"github.com/ostiary/ostiary/wire"
)

// inFrontOf puts a door with everything allowed in front of a server and returns
// the door's address.
func inFrontOf(t *testing.T, server string) string {
	t.Helper()
	f, err := config.Load(filepath.Join(peers.Root(t), "testdata", "transparent.yaml"), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	h, err := f.Build(config.Wiring{
		State: filepath.Join(dir, "state"), Program: program, Version: "test", Home: dir, User: "test",
		WorkingDir: func(string) string { return dir }, Log: log, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	e := gateway.NewEndpoint(gateway.HTTPOptions{
		Authenticate: func(*http.Request) (ostiary.Principal, string, error) {
			return ostiary.Principal{ID: "suite"}, "", nil
		},
		Refuse: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusUnauthorized)
		},
		Door: gateway.Options{
			Line: h.Line, Policy: h.Policy, Pins: h.Pins(), Upstream: "up",
			Remote: &gateway.Remote{URL: server, Client: &http.Client{
				Transport:     transport,
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			}},
			Limits: wire.Limits{MaxBytes: 16 << 20}, CatalogWait: 10 * time.Second, Grace: time.Second,
			Log: log, Now: time.Now, Rand: rand.Reader,
		},
		WriteWait: 30 * time.Second, IdleSession: time.Hour, Sessions: 1000, Log: log,
	})
	front := httptest.NewServer(gateway.Hosts{}.Guard(e))
	t.Cleanup(func() {
		e.Close()
		front.CloseClientConnections()
		front.Close()
		transport.CloseIdleConnections()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return local(t, front.Listener.Addr().String())
}

// forgetting passes everything on but completion.
func forgetting(t *testing.T, server string) string {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || bytes.Contains(body, []byte("completion/complete")) {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return local(t, front.Listener.Addr().String())
}
