package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
)

// serveCommand is the door over HTTP.
type serveCommand struct {
	stateFlag
	Config  string `required:"" placeholder:"FILE" help:"Policy file with the servers (upstreams:) and who may call (auth:)."`
	Listen  string `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address and port to listen on (default ${default}: this machine only)."`
	Verbose bool   `short:"v" help:"Tell more on standard error."`
}

const (
	headerTimeout = 10 * time.Second // for the header of a request
	idleTimeout   = 2 * time.Minute  // for a connection between requests
	headerBytes   = 64 << 10
)

// Run serves until ctx ends; calls in flight may then end within the grace.
func (s *serveCommand) Run(ctx context.Context, p program) error {
	file, err := config.Load(s.Config, config.Options{})
	if err != nil {
		return err
	}
	state, err := s.made()
	if err != nil {
		return err
	}
	debug.SetGCPercent(gcPercent)
	log := logger(p.err, s.Verbose)
	w, err := serveWiring(state, file, log)
	if err != nil {
		return err
	}
	house, err := file.Build(w)
	if err != nil {
		return err
	}
	return errors.Join(s.serve(ctx, p, file, house, w), house.Close())
}

func (s *serveCommand) serve(ctx context.Context, p program, file *config.File, house *config.House, w config.Wiring) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err,
			Message: fmt.Sprintf("cannot listen on %s: choose another address and port with --listen", s.Listen)}
	}
	secure, err := tlsOf(&file.Serve, w.Now)
	if err == nil {
		err = private(listener.Addr(), &file.Serve)
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	site := &site{file: file, house: house, w: w, base: file.Serve.URL, p: p}
	if site.base == "" {
		site.base = "http://" + listener.Addr().String()
		if secure != nil {
			site.base = "https://" + listener.Addr().String()
		}
	}
	handler, err := site.handler()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer site.close()
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes,
		TLSConfig: secure, ErrorLog: slog.NewLogLogger(w.Log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() {
		if secure != nil {
			ended <- server.ServeTLS(listener, "", "")
			return
		}
		ended <- server.Serve(listener)
	}()
	fmt.Fprintf(p.err, "listening on %s\n", listener.Addr())
	for _, name := range site.names {
		fmt.Fprintf(p.err, "serving %s at %s\n", name, site.endpoint(name))
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	site.close()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), file.Limits.Shutdown)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return server.Close()
	}
	return nil
}

func serveWiring(state string, file *config.File, log *slog.Logger) (config.Wiring, error) {
	home, err := homeDir()
	if err != nil {
		return config.Wiring{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return config.Wiring{}, err
	}
	return config.Wiring{
		State: state, Program: self, Version: version, Home: home,
		WorkingDir: (&site{file: file}).directory,
		Log:        log, Now: time.Now, Rand: rand.Reader,
	}, nil
}
