package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/internal/peers/echo"
	"github.com/ostiary/ostiary/limit"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/validate"
	"github.com/ostiary/ostiary/wire"
)

// piped is a server in this process, behind real pipes.
type piped struct {
	in     *io.PipeWriter
	out    *io.PipeReader
	exited chan struct{}
}

func (p *piped) In() io.WriteCloser      { return p.in }
func (p *piped) Out() io.Reader          { return p.out }
func (p *piped) Exited() <-chan struct{} { return p.exited }
func (p *piped) Ending() string          { return "it returned" }
func (p *piped) Stop(time.Duration) {
	p.in.Close()
	p.out.Close()
	<-p.exited
}

// serve runs f as a server: it ends when f returns.
func serve(f func(in io.Reader, out io.Writer)) *piped {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	p := &piped{in: inW, out: outR, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		f(inR, outW)
		outW.Close()
		inR.Close()
	}()
	return p
}

// bench is a door under test with the client's ends of its pipes.
type bench struct {
	t     *testing.T
	state string
	in    *io.PipeWriter
	out   *bufio.Reader
	err   syncBuffer
	done  chan error
	log   *audit.Log
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// open starts a door with these rules in front of the server that change sets.
func openDoor(t *testing.T, rules policy.Options, change func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, state: filepath.Join(t.TempDir(), "state"), done: make(chan error, 1)}
	logger := slog.New(slog.NewTextHandler(&b.err, nil))
	var err error
	b.log, err = audit.Open(audit.Options{
		Dir: b.state, Version: "test", Logger: logger,
		Redact:     func(c *ostiary.Call) []byte { return c.Arguments },
		RedactText: func(s string) string { return s },
	})
	if err != nil {
		t.Fatal(err)
	}
	rules.Schema = validate.Schema
	pol, err := policy.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	limits, err := limit.New(limit.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	l, err := ostiary.New(ostiary.Options{
		Gates:    []ostiary.Gate{limits, pol.Gate(), validate.Gate()},
		Recorder: b.log, Timeout: 20 * time.Second, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	b.in, b.out = inW, bufio.NewReader(outR)
	o := Options{
		Line: l, Policy: pol, Upstream: "up",
		Principal: ostiary.Principal{ID: "alice"}, Session: "test",
		Limits: wire.Limits{MaxBytes: 1 << 20}, CatalogWait: 5 * time.Second,
		StderrBytes: 4096, Grace: 5 * time.Second,
		In: inR, Out: outW, Stderr: &b.err, Log: logger, Now: time.Now, Rand: rand.Reader,
	}
	change(&o)
	go func() {
		err := Run(context.Background(), o)
		outW.Close()
		b.done <- err
	}()
	t.Cleanup(func() { b.close() })
	return b
}

// close leaves as a client does and returns what Run returned.
func (b *bench) close() error {
	b.in.Close()
	go io.Copy(io.Discard, b.out)
	select {
	case err := <-b.done:
		b.done <- err
		if err := b.log.Close(); err != nil {
			b.t.Error(err)
		}
		return err
	case <-time.After(15 * time.Second):
		b.t.Fatal("the door did not close")
		return nil
	}
}

func (b *bench) send(lines ...string) {
	b.t.Helper()
	for _, l := range lines {
		if _, err := io.WriteString(b.in, l+"\n"); err != nil {
			b.t.Fatal(err)
		}
	}
}

// read returns the next line that the client gets.
func (b *bench) read() string {
	b.t.Helper()
	got := make(chan string, 1)
	go func() {
		l, _ := b.out.ReadString('\n')
		got <- strings.TrimSuffix(l, "\n")
	}()
	select {
	case l := <-got:
		return l
	case <-time.After(10 * time.Second):
		b.t.Fatalf("no answer; standard error: %s", b.err.String())
		return ""
	}
}

const (
	initialize  = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
)

func echoServer(o *Options) {
	o.Server = serve(func(in io.Reader, out io.Writer) { echo.Serve(in, out, echo.Options{}) })
}

func TestAReadPassesAndAWriteIsAskedAbout(t *testing.T) {
	b := openDoor(t, policy.Options{}, echoServer)
	b.send(initialize, initialized)
	if got := b.read(); !strings.Contains(got, `"id":0`) || !strings.Contains(got, `"result"`) {
		t.Fatalf("handshake: %s", got)
	}
	b.send(`{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}`)
	if got := b.read(); !strings.Contains(got, `"id":"a"`) || !strings.Contains(got, `hello`) {
		t.Fatalf("read: %s", got)
	}
	b.send(`{"jsonrpc":"2.0","id":"b","method":"tools/call","params":{"name":"put","arguments":{"text":"hello"}}}`)
	got := b.read()
	if !strings.Contains(got, `"approval_required"`) || !strings.Contains(got, `"isError":true`) || !strings.Contains(got, "tool: up/put") {
		t.Fatalf("write: %s", got)
	}
}

func TestCallsInFlightEndWhenTheClientLeaves(t *testing.T) {
	b := openDoor(t, policy.Options{}, echoServer)
	b.send(initialize, initialized,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}`)
	b.in.Close() // as `printf … | ostiary run` does
	b.read()
	if got := b.read(); !strings.Contains(got, `"id":1`) || !strings.Contains(got, "hello") {
		t.Fatalf("answer: %s", got)
	}
}
