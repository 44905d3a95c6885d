package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/internal/nonblock"
)

const (
	headerTimeout = 10 * time.Second // for the header of a request
	idleTimeout   = 2 * time.Minute  // for a connection between requests
	headerBytes   = 64 << 10
	streamsMost   = 128 // requests at once on one connection of HTTP/2
)

// listening is one address of the door and its server.
type listening struct {
	net.Listener
	socket *socket // nil over TCP
	secure *tls.Config
	idle   time.Duration
	server *http.Server
}

type listenings []*listening

// listen opens the addresses of the door. What it returns with an error is open.
func (s *serveCommand) listen(ctx context.Context, site *site) (all listenings, err error) {
	file := site.file
	if site.base = file.Serve.URL; site.base == "" {
		site.base = "http://localhost"
	}
	switch {
	case s.Listen != nowhere:
		tcp, err := s.listenTCP(ctx, site)
		if tcp != nil {
			all = append(all, tcp)
		}
		if err != nil {
			return all, err
		}
	case file.Serve.Socket == "":
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "with --listen none there is no way in: name a Unix socket with --socket"}
	}
	if file.Serve.Socket == "" {
		if file.Serve.SocketGroup != "" {
			err = &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "serve.socket_group is for a socket: name one with serve.socket or --socket"}
		}
		return all, err
	}
	one, err := openSocket(file.Serve.Socket, file.Serve.SocketGroup)
	if err != nil {
		return all, err
	}
	if gid, _ := groupID(file.Serve.SocketGroup); gid >= 0 && !one.reachable(gid) {
		site.w.Log.Warn("the group of the socket cannot enter its directory: chgrp it to the group and chmod it 0750", "socket", one.path, "group", file.Serve.SocketGroup)
	}
	site.callers = auth.NewSocket(one.UnixListener, principals(file), "/proc")
	// A client that keeps a session keeps its connection, so that it stays the same
	// caller to the kernel.
	return append(all, &listening{Listener: site.callers, socket: one, idle: file.Serve.Idle}), nil
}

// nowhere is the --listen of a door that is reached by its socket alone.
const nowhere = "none"

func (s *serveCommand) listenTCP(ctx context.Context, site *site) (*listening, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err,
			Message: fmt.Sprintf("cannot listen on %s: choose another address and port with --listen", s.Listen)}
	}
	l := &listening{Listener: listener, idle: idleTimeout}
	if l.secure, err = tlsOf(&site.file.Serve, site.w.Now); err == nil {
		err = private(listener.Addr(), &site.file.Serve)
	}
	if site.file.Serve.URL == "" {
		site.base = "http://" + listener.Addr().String()
		if l.secure != nil {
			site.base = "https://" + listener.Addr().String()
		}
	}
	return l, err
}

// serve begins to serve; ended is told when it ends. A request must come within the
// time read; unfinished is told of those that do not become one.
func (l *listening) serve(h http.Handler, read time.Duration, unfinished *gateway.Unfinished, errs *log.Logger, ended chan<- error) {
	l.server = &http.Server{
		Handler: unfinished.Guard(h), ConnState: unfinished.State,
		ReadHeaderTimeout: min(headerTimeout, read), ReadTimeout: read, IdleTimeout: l.idle, MaxHeaderBytes: headerBytes,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: streamsMost},
		TLSConfig: l.secure, ErrorLog: errs,
	}
	go func() {
		if l.secure != nil {
			ended <- l.server.ServeTLS(l, "", "")
			return
		}
		ended <- l.server.Serve(l)
	}()
}

// Accept implements [net.Listener].
func (l *listening) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return nonblock.Conn(c), err
}

func (l *listening) address() string {
	if l.socket != nil {
		return l.socket.path
	}
	return l.Addr().String()
}

// where is how a person reaches one of the servers.
func (l *listening) where(s *site, name string) string {
	if l.socket != nil {
		return l.socket.path + " (ostiary connect --name " + name + " " + oneWord(l.socket.path) + ")"
	}
	return s.endpoint(name)
}

// shutdown lets requests under way end until ctx does.
func (all listenings) shutdown(ctx context.Context) (err error) {
	for _, l := range all {
		if l.server.Shutdown(ctx) != nil {
			err = errors.Join(err, l.server.Close())
		}
		err = errors.Join(err, l.socket.release())
	}
	return err
}

// abandon closes what is open.
func (all listenings) abandon() (err error) {
	for _, l := range all {
		if l.server != nil {
			err = errors.Join(err, l.server.Close())
		} else {
			err = errors.Join(err, l.Close())
		}
		err = errors.Join(err, l.socket.release())
	}
	return err
}
