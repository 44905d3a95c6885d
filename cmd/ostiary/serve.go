package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
)

// serveCommand is the door over HTTP.
type serveCommand struct {
	stateFlag
	Config  string `required:"" placeholder:"FILE" help:"Policy file with the servers (upstreams:) and who may call (auth:)."`
	Listen  string `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address and port to listen on (default ${default}: this machine only), or none."`
	Socket  string `placeholder:"PATH" help:"Unix socket to listen on too, whose callers the system names (default: serve.socket of the policy)."`
	Admin   string `placeholder:"ADDR" help:"Another address and port, for monitoring: /metrics, /healthz, /readyz. Beyond this machine it needs serve.cert."`
	Log     string `name:"log-format" default:"text" enum:"text,json" help:"How standard error is written: ${enum} (default ${default})."`
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
	frugal()
	var own journal
	log := own.logger(p.err, s.Log, s.Verbose)
	w, err := serveWiring(state, file, log)
	if err != nil {
		return err
	}
	told, err := monitor(file, &w, s.Admin != "")
	if err != nil {
		return err
	}
	house, err := file.Build(w)
	if err != nil {
		return errors.Join(err, told.close())
	}
	own.redactor.Store(house.Redactor)
	admin, err := openAdmin(ctx, s.Admin, file, w, told.handler())
	if err == nil {
		err = errors.Join(s.serve(ctx, p, file, house, w, told, admin), admin.close())
	}
	return errors.Join(err, told.close(), house.Close())
}

func (s *serveCommand) serve(ctx context.Context, p program, file *config.File, house *config.House, w config.Wiring, told monitoring, admin *admin) error {
	site := &site{file: file, house: house, w: w, p: p, trace: told.traceparent()}
	doors, err := s.listen(ctx, site)
	if err != nil {
		return errors.Join(err, doors.abandon())
	}
	outside, err := site.handler()
	if err == nil {
		err = told.watch(house, w, site.sessions, site.available)
	}
	if err != nil {
		return errors.Join(err, doors.abandon())
	}
	defer site.close()
	if admin != nil {
		admin.serve(house.Ready, w.Log)
		s.announce(p, "admin on "+admin.listener.Addr().String())
	}
	ended := make(chan error, len(doors))
	var rest resting
	go rest.keep(ctx, restAfter, giveBack)
	for _, d := range doors {
		s.announce(p, fmt.Sprint("listening on ", d.address()))
		handler := outside
		if d.socket != nil {
			handler = site.local()
		}
		unfinished := &gateway.Unfinished{Refused: site.strangers.Refused}
		d.serve(rest.before(handler), file.Serve.Read, unfinished, slog.NewLogLogger(w.Log.Handler(), slog.LevelWarn), ended)
		for _, name := range site.names {
			s.announce(p, fmt.Sprintf("serving %s at %s", name, d.where(site, name)))
		}
	}
	select {
	case err := <-ended:
		return errors.Join(err, doors.abandon())
	case <-ctx.Done():
	}
	admin.drain()
	site.close()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), file.Limits.Shutdown)
	defer cancel()
	return doors.shutdown(grace)
}

// announce tells whoever started the door where it is.
func (s *serveCommand) announce(p program, text string) {
	if s.Log == "json" {
		slog.New(slog.NewJSONHandler(p.err, nil)).Info(text)
		return
	}
	fmt.Fprintln(p.err, text)
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
