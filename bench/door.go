package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/validate/sqlhelper"
	"github.com/ostiary/ostiary/wire"
)

// doorWord makes this program be the door under test instead of measuring it.
const doorWord = "door"

// gcPercent is that of `ostiary run`.
const gcPercent = 400

// serveDoor is `ostiary run` from the same packages, with what a person decides
// or, as the control, without it: no gates of freezes, grants and keys, nobody who
// is asked, no store. A released program has no such switch.
func serveDoor(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet(doorWord, flag.ContinueOnError)
	consent := flags.Bool("consent", true, "with freezes, grants, keys, approvals and the store")
	file := flags.String("config", "", "policy `file`")
	state := flags.String("state", "", "state `folder`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, err := config.Load(*file, config.Options{})
	if err != nil {
		return err
	}
	who, session, err := auth.Stdio(nil, "/proc")
	if err != nil {
		return err
	}
	debug.SetGCPercent(gcPercent)
	w, err := wiring(*state, who.ID)
	if err != nil {
		return err
	}
	line, rules, log, pins, closing, err := parts(f, w, *consent)
	if err != nil {
		return err
	}
	dir := w.WorkingDir("")
	err = gateway.Run(ctx, gateway.Options{
		Line: line, Policy: rules, Pins: pins, Upstream: "echo", Command: flags.Args(), Dir: dir,
		Env:       gateway.Environment(os.Environ(), nil, nil),
		Principal: who, Session: session, CatalogFile: filepath.Join(*state, "catalog", "echo.json"),
		Limits:      wire.Limits{MaxBytes: f.Limits.Message},
		CatalogWait: f.Limits.Catalog, StderrBytes: f.Limits.Stderr, Grace: f.Limits.Shutdown,
		In: os.Stdin, Out: os.Stdout, Stderr: os.Stderr,
		Log: w.Log, Now: time.Now, Rand: rand.Reader, Journal: log,
	})
	return errors.Join(err, closing())
}

func wiring(state, user string) (config.Wiring, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return config.Wiring{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return config.Wiring{}, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return config.Wiring{}, err
	}
	return config.Wiring{
		State: state, Program: self, Version: "bench", Home: home, User: user,
		WorkingDir: func(string) string { return dir },
		Log:        slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Now:        time.Now, Rand: rand.Reader,
	}, nil
}

func parts(f *config.File, w config.Wiring, consent bool) (*ostiary.Line, *policy.Policy, *audit.Log, *gateway.Pinning, func() error, error) {
	if consent {
		h, err := f.Build(w)
		if err != nil {
			return nil, nil, nil, nil, nil, err
		}
		return h.Line, h.Policy, h.Audit, h.Pins(), h.Close, nil
	}
	sql, err := sqlhelper.New(sqlhelper.Options{Command: []string{w.Program, "none"}})
	if err != nil {
		return nil, nil, nil, nil, nil, err
	}
	open := []io.Closer{sql}
	closing := func() error {
		var errs []error
		for _, c := range open {
			errs = append(errs, c.Close())
		}
		return errors.Join(errs...)
	}
	rules, err := f.NewPolicy(w, sql.Parse)
	if err != nil {
		return nil, nil, nil, nil, nil, errors.Join(err, closing())
	}
	log, err := f.OpenAudit(w)
	if err != nil {
		return nil, nil, nil, nil, nil, errors.Join(err, closing())
	}
	open = []io.Closer{log, sql}
	line, err := f.NewLine(rules, log, time.Now, nil)
	if err != nil {
		return nil, nil, nil, nil, nil, errors.Join(err, closing())
	}
	return line, rules, log, nil, closing, nil
}
