package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
)

const (
	readyLimit = 2 * time.Second // for the store to answer
	readyFresh = time.Second     // so that questions do not become work
)

// admin answers the operator's machines, apart from the clients: metrics, and whether
// the door lives and takes calls. It says nothing about single calls, and asks nobody
// who they are.
type admin struct {
	server   *http.Server
	listener net.Listener
	ready    func(context.Context) error
	now      func() time.Time
	draining atomic.Bool

	mu     sync.Mutex
	looked time.Time
	last   error
}

// openAdmin listens on addr; "" is not at all, and gives nil.
func openAdmin(ctx context.Context, addr string, file *config.File, w config.Wiring, metrics http.Handler) (*admin, error) {
	if addr == "" {
		return nil, nil
	}
	secure, err := tlsOf(&file.Serve, w.Now)
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err,
			Message: fmt.Sprintf("cannot listen on %s: choose another address and port with --admin", addr)}
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); secure == nil && (!ok || !tcp.IP.IsLoopback()) {
		return nil, errors.Join(&ostiary.Error{Code: ostiary.CodeConfigInvalid,
			Message: fmt.Sprintf("--admin %s is not only this machine, and how much is called would travel in the clear: give serve.cert and serve.key, or an address such as 127.0.0.1:9090", l.Addr())}, l.Close())
	}
	a := &admin{listener: l, now: w.Now}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", a.readyz)
	a.server = &http.Server{
		Handler: adminHosts(file, l.Addr()).Guard(mux), ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: 3 * headerTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes, TLSConfig: secure, ErrorLog: slog.NewLogLogger(w.Log.Handler(), slog.LevelWarn),
	}
	return a, nil
}

// adminHosts are the names of the door, this machine's, and the address itself, by
// which a probe calls.
func adminHosts(file *config.File, at net.Addr) gateway.Hosts {
	h := gateway.Hosts{Names: append([]string{"localhost", "127.0.0.1", "::1"}, file.Serve.Names...)}
	if tcp, ok := at.(*net.TCPAddr); ok && !tcp.IP.IsUnspecified() {
		h.Names = append(h.Names, tcp.IP.String())
	}
	if u, err := url.Parse(file.Serve.URL); err == nil && u.Hostname() != "" {
		h.Names = append(h.Names, u.Hostname())
	}
	return h
}

// serve answers until close.
func (a *admin) serve(ready func(context.Context) error, log *slog.Logger) {
	a.ready = ready
	go func() {
		err := error(nil)
		if a.server.TLSConfig != nil {
			err = a.server.ServeTLS(a.listener, "", "")
		} else {
			err = a.server.Serve(a.listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			log.Error("the admin listener ended; calls are not affected", "error", err)
		}
	}()
}

// drain makes the door not ready, before it takes no more calls.
func (a *admin) drain() {
	if a != nil {
		a.draining.Store(true)
	}
}

// close ends the listener, last of all, so that a probe sees the drain.
func (a *admin) close() error {
	if a == nil {
		return nil
	}
	if a.ready == nil { // it never served
		return a.listener.Close()
	}
	return a.server.Close()
}

// readyz tells the code of what is wrong and no text.
func (a *admin) readyz(w http.ResponseWriter, r *http.Request) {
	if a.draining.Load() {
		say(w, http.StatusServiceUnavailable, string(ostiary.CodeGatewayShutdown))
		return
	}
	if err := a.check(r.Context()); err != nil {
		say(w, http.StatusServiceUnavailable, string(ostiary.AsError(err).Code))
		return
	}
	say(w, http.StatusOK, "ok")
}

func (a *admin) check(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := a.now(); a.looked.IsZero() || now.Sub(a.looked) >= readyFresh || now.Before(a.looked) {
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyLimit)
		a.last = a.ready(asking)
		cancel()
		a.looked = now
	}
	return a.last
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // who asked has gone
}
