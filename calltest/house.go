package calltest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/wire"
)

// workspace makes the directories of a case:
//
//	WORK/ws, WORK/outside, WORK/home, WORK/ws-…   its files and links
//	WORK/policy.yaml                              the policy that holds
//	WORK/state                                    the door's state
func (c *testCase) workspace() (string, error) {
	work, err := os.MkdirTemp("", "ostiary-case-")
	if err != nil {
		return "", err
	}
	if work, err = filepath.EvalSymlinks(work); err != nil {
		return "", err
	}
	for _, dir := range folders {
		if err := os.Mkdir(filepath.Join(work, dir), 0o700); err != nil {
			return work, err
		}
	}
	for _, f := range c.files {
		name := filepath.Join(work, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return work, err
		}
		if err := os.WriteFile(name, f.data, 0o600); err != nil {
			return work, err
		}
	}
	for _, l := range c.links {
		name := filepath.Join(work, filepath.FromSlash(l.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return work, err
		}
		if err := os.Symlink(string(expand([]byte(l.target), work)), name); err != nil {
			return work, err
		}
	}
	return work, nil
}

// policyOf reads a policy as if it stood alone, with the places of the archive.
func (c *testCase) policyOf(s *section, work string) (*config.File, error) {
	o := config.Options{Dir: work, Home: filepath.Join(work, "home"), SkipSecrets: true}
	if s == nil && c.policyFile != "" {
		data, err := os.ReadFile(c.policyFile)
		if err != nil {
			return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err, Message: c.file + ": the file of the directive policy: cannot be read"}
		}
		o.Dir = filepath.Dir(c.policyFile)
		return config.Parse(c.policyFile, data, o)
	}
	if s == nil {
		f := config.Defaults()
		f.Dir = work
		return &f, nil
	}
	data := expand(s.data, work)
	f, err := config.Parse(c.file, append(bytes.Repeat([]byte("\n"), s.line-1), data...), o)
	if err != nil {
		return nil, err
	}
	f.Path = filepath.Join(work, "policy.yaml")
	return f, os.WriteFile(f.Path, data, 0o600)
}

// caller is who speaks in the case by this name.
func (c *testCase) caller(f *config.File, name string) ostiary.Principal {
	p := ostiary.Principal{ID: name, Client: "case", Scopes: f.Expand(c.scopes)}
	if c.hasScopes {
		return p
	}
	for _, row := range f.Principals {
		if row.Name == name || row.User == name {
			p.ID, p.Scopes = row.Name, f.Expand(row.Scopes)
		}
	}
	return p
}

// door is a running gateway with both of its ends.
type door struct {
	client   *client
	upstream *upstream
	house    *config.House
	out      *io.PipeReader
	done     chan error
	timeout  time.Duration
}

// logText keeps what the door tells its operator.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// open starts the real gateway as the stage is set.
func (c *testCase) open(ctx context.Context, s *stage) (*door, error) {
	d := &door{done: make(chan error, 1), timeout: c.timeout}
	work, f, log := s.names.work, s.file, s.logger()
	ws, state := filepath.Join(work, "ws"), s.state()
	// Nobody is waited for, and nobody outside of the case is told.
	f.Approvals.Wait, f.Approvals.Desktop, f.Approvals.Webhook = 0, false, nil
	var err error
	d.house, err = f.Build(config.Wiring{
		State: state, Program: s.options.Program, Version: "case", Home: filepath.Join(work, "home"), User: s.principal,
		WorkingDir: func(string) string { return ws },
		Log:        log, Now: s.clock.now, Rand: rand.Reader, LimitClock: s.clock.steady,
	})
	if err != nil {
		return nil, err
	}
	tools := []byte("[]")
	if s.tools != nil {
		tools = compactOf("", expand(s.tools.data, work))
	}
	d.upstream = startUpstream(tools, c.delay)
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	d.out = outR
	go func() {
		err := gateway.Run(ctx, gateway.Options{
			Line: d.house.Line, Policy: d.house.Policy, Upstream: s.upstream, Server: d.upstream,
			Principal: c.caller(f, s.principal), Session: s.session(), CatalogFile: filepath.Join(state, "catalog", s.upstream+".json"),
			Mask: d.house.Redactor.Message, Pins: d.house.Pins(), Limits: wire.Limits{MaxBytes: f.Limits.Message}, CatalogWait: f.Limits.Catalog,
			StderrBytes: f.Limits.Stderr, Grace: f.Limits.Shutdown,
			In: inR, Out: outW, Stderr: s.log, Log: log, Now: s.clock.now, Rand: rand.Reader,
		})
		inR.CloseWithError(io.ErrClosedPipe)
		outW.Close()
		d.done <- err
	}()
	d.client = startClient(inW, outR)
	if c.era == wire.EraModern {
		return d, nil
	}
	return d, d.handshake(ctx)
}

// handshake is that of the legacy era, as a client with every capability.
func (d *door) handshake(ctx context.Context) error {
	err := d.client.send([]byte(`{"jsonrpc":"2.0","id":"handshake","method":"initialize","params":{"protocolVersion":"` + legacyVersion +
		`","capabilities":{"sampling":{},"elicitation":{},"roots":{}},"clientInfo":{"name":"case","version":"1"}}}`))
	if err != nil {
		return fmt.Errorf("the handshake could not be sent: %w", err)
	}
	line, err := await(ctx, d.client.answers, d.client.ended, d.timeout)
	if err != nil {
		return fmt.Errorf("the handshake was not answered: %w", err)
	}
	if m, _ := decode(line).(map[string]any); m["result"] == nil {
		return fmt.Errorf("the handshake was refused: %s", line)
	}
	return d.client.send([]byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`))
}

// close leaves as a client does and waits until everything is recorded.
func (d *door) close() error {
	d.client.in.Close()
	err := <-d.done
	<-d.client.ended
	d.upstream.Stop(0)
	return errors.Join(err, d.house.Close())
}
