package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/ostiary/ostiary/config"
)

// serveCommand is the door over HTTP.
type serveCommand struct {
	stateFlag
	Config  string `required:"" placeholder:"FILE" help:"Policy file with the servers (upstreams:) and who may call (auth:)."`
	Listen  string `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address and port to listen on (default ${default}: this machine only), or none."`
	Socket  string `placeholder:"PATH" help:"Unix socket to listen on too, whose callers the system names (default: serve.socket of the policy)."`
	Verbose bool   `short:"v" help:"Tell more on standard error."`
}

// Run serves until ctx ends; calls in flight may then end within the grace.
func (s *serveCommand) Run(ctx context.Context, p program) error {
	file, err := config.Load(s.Config, config.Options{})
	if err != nil {
		return err
	}
	if s.Socket != "" {
		if file.Serve.Socket, err = filepath.Abs(s.Socket); err != nil {
			return err
		}
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
	site := &site{file: file, house: house, w: w, p: p}
	doors, err := s.listen(ctx, site)
	if err != nil {
		return errors.Join(err, doors.abandon())
	}
	outside, err := site.handler()
	if err != nil {
		return errors.Join(err, doors.abandon())
	}
	defer site.close()
	ended := make(chan error, len(doors))
	for _, d := range doors {
		fmt.Fprintf(p.err, "listening on %s\n", d.address())
		handler := outside
		if d.socket != nil {
			handler = site.local()
		}
		d.serve(handler, slog.NewLogLogger(w.Log.Handler(), slog.LevelWarn), ended)
		for _, name := range site.names {
			fmt.Fprintf(p.err, "serving %s at %s\n", name, d.where(site, name))
		}
	}
	select {
	case err := <-ended:
		return errors.Join(err, doors.abandon())
	case <-ctx.Done():
	}
	site.close()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), file.Limits.Shutdown)
	defer cancel()
	return doors.shutdown(grace)
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
