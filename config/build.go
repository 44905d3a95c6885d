package config

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/freeze"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/limit"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/redact"
	"github.com/ostiary/ostiary/untrusted/detect"
	"github.com/ostiary/ostiary/validate"
	"github.com/ostiary/ostiary/validate/sqlhelper"
)

// Wiring is what a house needs beside its file.
type Wiring struct {
	// State is the state directory, absolute.
	State string
	// Flags are what a person's commands need to find the state; "" where they look
	// there without any, and where the agent is elsewhere and is not told of it.
	Flags string
	// Program is our own executable, for the SQL helper's process.
	Program string
	// Version is written into the log.
	Version string
	// Home is the home directory of the user that the servers run as.
	Home string
	// WorkingDir returns the absolute directory in which an upstream runs.
	WorkingDir func(upstream string) string
	// User is the operating-system user, for messages about principals.
	User string
	Log  *slog.Logger
	Now  func() time.Time
	Rand io.Reader
	// LimitClock is the clock of the rates; nil is the machine's monotonic one.
	LimitClock func() time.Duration
	// OnAnomaly, if set, may count the anomalies; see limit.AnomalyOptions.
	OnAnomaly func(limit.Anomaly)
	// Observer is told how calls go; nil is nobody.
	Observer ostiary.Observer
}

// House is a file turned into running parts. Close it.
type House struct {
	Line   *ostiary.Line
	Policy *policy.Policy
	Audit  *audit.Log
	// Redactor keeps secrets out of the log and out of what servers send back. What
	// changes while the door is open is learned by it.
	Redactor *redact.Redactor
	// Cleaner keeps them out of what is shown of a server's standard error.
	Cleaner *gateway.Cleaner

	people *people
	sql    *sqlhelper.Helper
}

// Build wires the house. It is the only place where one room is told of another.
func (f *File) Build(w Wiring) (*House, error) {
	sql, err := sqlhelper.New(sqlhelper.Options{Command: []string{w.Program, "sql-helper"}})
	if err != nil {
		return nil, err
	}
	h := &House{sql: sql}
	m, err := f.newMasks(w)
	if err != nil {
		return nil, errors.Join(err, sql.Close())
	}
	h.Redactor = m.redactor
	names := newToolNames()
	sig := newSignals(detect.New(detect.Options{Tools: names.around}), m.redactor.ShownText)
	if h.Policy, err = f.newPolicy(w, sql.Parse, m.shown, names.listed, sig); err != nil {
		return nil, errors.Join(err, sql.Close())
	}
	if h.Audit, err = f.openAudit(w, m); err != nil {
		return nil, errors.Join(err, sql.Close())
	}
	if err := f.keepPolicy(w.State); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if h.people, err = f.newPeople(w, h.Policy, h.Audit, m, sig); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	engine, err := f.Redact.engine()
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	h.Cleaner = f.Redact.cleaner(engine, m.redactor)
	filters, err := f.filters(w, h.Audit, h.people.store, sig, m.redactor.Text, engine)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if h.Line, err = f.line(h.Policy, h.Audit, w.Now, w.LimitClock, h.people, filters, w.Observer); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// NewLine makes the line of this file over any recorder, without what needs state:
// it tells what asks, and nobody is asked. A nil clock of the limits is the
// machine's monotonic one.
func (f *File) NewLine(p *policy.Policy, r ostiary.Recorder, now func() time.Time, limitClock func() time.Duration) (*ostiary.Line, error) {
	return f.line(p, r, now, limitClock, nil, nil, nil)
}

func (f *File) line(p *policy.Policy, r ostiary.Recorder, now func() time.Time, limitClock func() time.Duration, who *people, filters []ostiary.Filter, told ostiary.Observer) (*ostiary.Line, error) {
	lo := f.Limits.Options
	lo.Clock = limitClock
	limits, err := limit.New(lo)
	if err != nil {
		return nil, err
	}
	o := ostiary.Options{
		Gates:    []ostiary.Gate{limits, p.Gate(), validate.Gate()},
		Filters:  filters,
		Recorder: r, Timeout: f.Limits.Timeout, Now: now, Observer: told,
	}
	if who != nil {
		o.Gates = []ostiary.Gate{who.freeze, who.anomalies, limits, p.Gate(), validate.Gate(), who.grants, who.idempotency}
		if who.pins != nil {
			o.Gates = slices.Insert(o.Gates, 4, ostiary.Gate(who.pins)) // behind the policy, before validate
		}
		o.Settler = who.approvals
	}
	return ostiary.New(o)
}

// NewPolicy makes the rules, ready to be compiled against an upstream's catalog.
// A nil parser denies every SQL statement. Its previews are for nobody's eyes:
// they hold what secrets are there.
func (f *File) NewPolicy(w Wiring, sql validate.SQLParser) (*policy.Policy, error) {
	return f.newPolicy(w, sql, nil, nil, nil)
}

func (f *File) newPolicy(w Wiring, sql validate.SQLParser, redact func(*ostiary.Call, string) string, listed func(string, []string), sig *signals) (*policy.Policy, error) {
	o := policy.Options{Listed: listed}
	if len(f.Principals) == 0 {
		o.PrincipalHint = w.User
	}
	o.Named = map[string]bool{w.User: true}
	for _, p := range f.Principals {
		o.Named[p.Name] = true
	}
	protect, err := f.protected(w.State)
	if err != nil {
		return nil, err
	}
	options := func(upstream string) validate.Options {
		dir := f.Dir
		if w.WorkingDir != nil {
			dir = w.WorkingDir(upstream)
		}
		return validate.Options{WorkingDir: dir, Home: w.Home, Protect: protect, SQL: sql}
	}
	o.Schema = func(tool ostiary.Tool) (ostiary.Check, error) {
		sig.listed(tool)
		schema, err := validate.Schema(tool)
		if u := f.Upstream(tool.Upstream); err != nil || u != nil && u.Remote {
			return schema, err // our files are not on another machine
		}
		return both(schema, validate.Own(options(tool.Upstream))), nil
	}
	for _, r := range f.Rules {
		row := r.Row
		if len(r.Args) > 0 {
			row.Checks = func(tool ostiary.Tool) ([]ostiary.Check, error) {
				return f.checks(r.Args, tool, options(tool.Upstream))
			}
		}
		if r.Preview != nil {
			row.PreviewArgs = r.Preview.arguments()
			row.Preview = func(tool ostiary.Tool) (func(context.Context, *ostiary.Call) (*ostiary.Preview, error), error) {
				return r.preview(f.Upstream(tool.Upstream), options(tool.Upstream).WorkingDir, sql, redact)
			}
		}
		o.Rows = append(o.Rows, row)
	}
	for _, d := range f.Deny {
		row := d.DenyRow
		if len(d.Args) > 0 {
			row.Forbids = func(tool ostiary.Tool) (*ostiary.Condition, error) {
				return validate.Forbids(byPlace(f.judgedBy(d.Args, tool.Upstream)), tool, options(tool.Upstream))
			}
		}
		o.Deny = append(o.Deny, row)
	}
	return policy.New(o)
}

// both makes one check of two, so that a tool without a row has them too.
func both(first, second ostiary.Check) ostiary.Check {
	return ostiary.Check{Kind: first.Kind, Run: func(ctx context.Context, c *ostiary.Call) error {
		if err := first.Run(ctx, c); err != nil {
			return err
		}
		return second.Run(ctx, c)
	}}
}

func (f *File) checks(args []validate.Argument, tool ostiary.Tool, o validate.Options) ([]ostiary.Check, error) {
	var all []ostiary.Check
	var errs []error
	for _, a := range f.judgedBy(args, tool.Upstream) {
		checks, err := validate.Compile(a, tool, o)
		all, errs = append(all, checks...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

func byPlace(args []validate.Argument) map[string]validate.Argument {
	m := make(map[string]validate.Argument, len(args))
	for _, a := range args {
		m[a.Pointer] = a
	}
	return m
}

// judgedBy makes paths lexical for an upstream with another file system.
func (f *File) judgedBy(args []validate.Argument, upstream string) []validate.Argument {
	if u := f.Upstream(upstream); u == nil || !u.Remote {
		return args
	}
	lexical := make([]validate.Argument, len(args))
	for i, a := range args {
		if a.Path != nil {
			p := *a.Path
			p.Lexical = true
			a.Path = &p
		}
		lexical[i] = a
	}
	return lexical
}

// Upstream returns the row with this name, or nil.
func (f *File) Upstream(name string) *Upstream {
	for i := range f.Upstreams {
		if f.Upstreams[i].Name == name {
			return &f.Upstreams[i]
		}
	}
	return nil
}

// protected are the names that no argument may have: what opens the door.
func (f *File) protected(state string) ([]string, error) {
	var names []string
	for _, name := range []string{state, f.Path, f.Serve.Socket} {
		if name == "" {
			continue
		}
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be protected: where it lies is not known: %w", name, err)
		}
		names = append(names, abs)
	}
	return names, nil
}

func (f *File) openAudit(w Wiring, m *masks) (*audit.Log, error) {
	client, err := f.Audit.client(w.Now)
	if err != nil {
		return nil, err
	}
	l, err := audit.Open(audit.Options{
		Dir:          w.State,
		Redact:       m.arguments,
		RedactText:   m.redactor.Text,
		Clock:        w.Now,
		Rand:         w.Rand,
		PolicyDigest: hex.EncodeToString(f.Digest[:]),
		Version:      w.Version,
		CheckpointTo: f.Audit.CheckpointTo,
		HTTPClient:   client,
		SegmentBytes: int64(f.Audit.Segment),
		Logger:       w.Log,
	})
	if err != nil {
		return nil, err
	}
	if err := freeze.KeepSpace(w.State); err != nil {
		w.Log.Warn("no space is kept for `ostiary freeze`, which will not work while the disk of the state directory is full; make space there", "err", err)
	}
	return l, nil
}

// NewRedactor knows the credentials of the file and what may be one. One that is
// too short to be told from chance is named by its place, since it cannot be
// kept out; a likely one that is a common word of the log, by its variable.
func (f *File) NewRedactor(log *slog.Logger) (*redact.Redactor, error) {
	var known []string
	for i, s := range f.Secrets {
		if s = strings.TrimSpace(s); len(s) < redact.MinKnown {
			log.Warn("a configured value is too short to be kept out of the log by its content; use a longer one",
				"number", i+1, "bytes", len(s), "least", redact.MinKnown)
			continue
		}
		known = append(known, s)
	}
	for _, l := range f.likely {
		if _, err := redact.New(redact.Options{Known: []string{l.value}}); err != nil {
			log.Warn("the value of a variable cannot be kept out of the log by its content", "variable", l.name, "err", err)
			continue
		}
		known = append(known, l.value)
	}
	var returned []string
	for _, s := range f.Returned {
		if s = strings.TrimSpace(s); len(s) >= redact.MinKnown {
			returned = append(returned, s)
		}
	}
	return redact.New(redact.Options{Known: known, Returned: returned})
}

// Store is the state that outlives a call.
func (h *House) Store() ostiary.Store { return h.people.store }

// Close ends whoever waits for a person, then the log, the store and the helper.
func (h *House) Close() error {
	return errors.Join(h.people.close(), h.Audit.Close(), h.sql.Close())
}
