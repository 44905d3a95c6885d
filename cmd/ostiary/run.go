package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/wire"
)

// gcPercent lets the heap grow to five times what lives before it is collected.
const gcPercent = 400

// runCommand is the door over stdio.
type runCommand struct {
	stateFlag
	Config  string   `placeholder:"FILE" help:"Policy file; without one the careful defaults hold."`
	Name    string   `help:"Name of the server in rules and records, or of a view of it (default: the base name of its command)."`
	Verbose bool     `short:"v" help:"Tell more on standard error."`
	Command []string `arg:"" optional:"" passthrough:"" name:"command" help:"The server and its arguments, behind --."`
}

// Run starts the server behind the door and relays until either side leaves.
func (r *runCommand) Run(ctx context.Context, p program) error {
	file, err := loadConfig(r.Config)
	if err != nil {
		return err
	}
	end, err := r.endpoint(file)
	if err != nil {
		return err
	}
	up := *end.Upstream
	state, err := r.made()
	if err != nil {
		return err
	}
	if err := place(file, up); err != nil {
		return err
	}
	who, session, err := auth.Stdio(principals(file), "/proc")
	if err != nil {
		return err
	}
	// The live heap is a few megabytes; collecting it less often costs memory
	// that nobody misses and saves time with every call.
	debug.SetGCPercent(gcPercent)
	log := logger(p.err, r.Verbose)
	w, err := wiring(state, who.ID, up, log)
	if err != nil {
		return err
	}
	told, err := monitor(file, &w, false)
	if err != nil {
		return err
	}
	house, err := file.Build(w)
	if err != nil {
		return errors.Join(err, told.close())
	}
	if err := told.watch(house, w, nil, nil); err != nil {
		return errors.Join(err, told.close(), house.Close())
	}
	go afterStart(log)
	err = gateway.Run(ctx, gateway.Options{
		Line: house.Line, Policy: house.Policy,
		Upstream: up.Name, Views: end.Views, View: end.View, Command: up.Command, Dir: up.Cwd,
		Env:       gateway.Environment(os.Environ(), up.PassEnv, up.Env),
		Principal: who, Session: session,
		CatalogFile: catalogFile(state, up.Name),
		Mask:        house.Redactor.Message, Pins: house.Pins(),
		Limits:      wire.Limits{MaxBytes: file.Limits.Message},
		CatalogWait: file.Limits.Catalog, StderrBytes: file.Limits.Stderr, Grace: file.Limits.Shutdown,
		In: p.in, Out: p.out, Stderr: p.err, Clean: house.Cleaner,
		Log: log, Now: time.Now, Rand: rand.Reader, Journal: house.Audit, Trace: told.traceparent(),
	})
	return errors.Join(err, told.close(), house.Close())
}

// afterStart gives back what was only needed to start, while the server starts:
// what compiling the rules left, which is several times what lives, and the parts of
// the program that made it.
func afterStart(log *slog.Logger) {
	debug.FreeOSMemory()
	if err := leaveProgram(); err != nil {
		log.Debug("the parts of the program that were only needed to start stay in memory", "error", err)
	}
}

// endpoint is what the client gets: the server that is started, or the view of one
// whose name was given. A server with views is not offered whole.
func (r *runCommand) endpoint(file *config.File) (config.Endpoint, error) {
	meant, end := *r, config.Endpoint{}
	for _, e := range file.Endpoints() {
		if e.View != "" && e.Name == r.Name {
			end, meant.Name = e, e.Upstream.Name
		}
	}
	up, err := meant.upstream(file)
	if err != nil {
		return end, err
	}
	if len(up.Views) > 0 && end.View == "" {
		var names []string
		for _, v := range up.Views {
			names = append(names, v.Name)
		}
		return end, &ostiary.Error{Code: ostiary.CodeConfigInvalid,
			Message: fmt.Sprintf("%s is offered in views only: name one of them with --name: %s", up.Name, strings.Join(names, ", "))}
	}
	end.Upstream = &up
	return end, nil
}

// upstream is the row of the server that is started: the row of that name, its
// command replaced by the one of the command line.
func (r *runCommand) upstream(file *config.File) (config.Upstream, error) {
	command := r.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	} else if err := notAFlag(command); err != nil {
		return config.Upstream{}, err
	}
	name := r.Name
	switch {
	case name == "" && len(command) > 0:
		name = nameOf(command)
	case name == "" && len(file.Upstreams) == 1:
		name = file.Upstreams[0].Name
	case name == "":
		return config.Upstream{}, &ostiary.Error{Code: ostiary.CodeConfigInvalid,
			Message: "no server to start: write its command behind --, as in `ostiary run -- node server.js`, or name a row of upstreams: with --name"}
	}
	if strings.ContainsAny(name, "/*") || name == "" {
		return config.Upstream{}, &ostiary.Error{Code: ostiary.CodeConfigInvalid,
			Message: fmt.Sprintf("%q cannot name a server: give it a name without / and * with --name", name)}
	}
	if err := speaksOf(file, name); err != nil {
		return config.Upstream{}, err
	}
	up := config.Upstream{Name: name}
	if row := file.Upstream(name); row != nil {
		up = *row
	}
	if len(command) > 0 {
		up.Command = command
	}
	if up.Cwd == "" && len(command) == 0 {
		up.Cwd = file.Dir
	} else if up.Cwd == "" {
		wd, err := os.Getwd()
		if err != nil {
			return config.Upstream{}, err
		}
		up.Cwd = wd
	}
	if len(up.Command) == 0 && up.URL != "" {
		return config.Upstream{}, &ostiary.Error{Code: ostiary.CodeConfigInvalid,
			Message: fmt.Sprintf("upstreams.%s has a url, and `ostiary run` starts programs: offer it with `ostiary serve --config FILE`, to which `ostiary connect` leads", name)}
	}
	if len(up.Command) == 0 {
		return config.Upstream{}, &ostiary.Error{Code: ostiary.CodeConfigInvalid,
			Message: fmt.Sprintf("upstreams.%s has no command: add `command: [PROGRAM, ARGS…]`, or write the command behind --", name)}
	}
	return up, nil
}

// nameOf is the base name of the program without its extension; for an
// interpreter that is the interpreter's, such as node, so such a server is
// better named with --name.
func nameOf(command []string) string {
	base := func(s string) string {
		return strings.TrimSuffix(filepath.Base(s), filepath.Ext(s))
	}
	name := base(command[0])
	return strings.TrimLeft(name, ".")
}

func loadConfig(path string) (*config.File, error) {
	if path == "" {
		f := config.Defaults()
		return &f, nil
	}
	return config.Load(path, config.Options{})
}

// place refuses a policy file that the server could write.
func place(file *config.File, up config.Upstream) error {
	if file.Path == "" {
		return nil
	}
	return config.Placement(file, &up)
}

func principals(file *config.File) []auth.Entry {
	entries := make([]auth.Entry, len(file.Principals))
	for i, p := range file.Principals {
		entries[i] = auth.Entry{Name: p.Name, User: p.User, Scopes: file.Expand(p.Scopes)}
	}
	return entries
}

func logger(to io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: level}))
}

func catalogFile(state, upstream string) string {
	return filepath.Join(state, "catalog", upstream+".json")
}

func wiring(state, user string, up config.Upstream, log *slog.Logger) (config.Wiring, error) {
	home, err := homeDir()
	if err != nil {
		return config.Wiring{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return config.Wiring{}, err
	}
	cwd, err := filepath.Abs(up.Cwd)
	if err != nil {
		return config.Wiring{}, err
	}
	return config.Wiring{
		State: state, Flags: stateFlag{State: state}.again(), Program: self, Version: version, Home: home, User: user,
		WorkingDir: func(string) string { return cwd },
		Log:        log, Now: time.Now, Rand: rand.Reader,
	}, nil
}
