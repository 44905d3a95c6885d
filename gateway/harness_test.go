package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
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

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

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

func echoServer(o *Options) {
	o.Server = serve(func(in io.Reader, out io.Writer) { echo.Serve(in, out, echo.Options{}) })
}

// bench is a door under test with the client's ends of its pipes.
type bench struct {
	t     testing.TB
	state string
	in    *io.PipeWriter
	out   *bufio.Reader
	pipe  *io.PipeReader
	once  sync.Once
	queue chan string
	left  chan struct{} // the client reads no more
	gone  sync.Once
	err   syncBuffer
	done  chan error
	stop  context.CancelFunc
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

// unlimited is what tests use that are not about limits.
func unlimited() limit.Options {
	many := ostiary.RateLimit{Count: 1_000_000, Period: time.Second}
	return limit.Options{Global: many, PerPrincipal: many, PerTool: many, PerPrincipalTool: many,
		EffectsPerPrincipal: many, EffectsPerPrincipalTool: many, Concurrency: 1000}
}

// openDoor starts a door with these rules in front of the server that change
// sets, and checks at the end that no goroutine is left.
func openDoor(t testing.TB, rules policy.Options, change func(*Options)) *bench {
	t.Helper()
	return openHouse(t, rules, func(*ostiary.Options) {}, change)
}

// openHouse is openDoor with a changed line.
func openHouse(t testing.TB, rules policy.Options, line func(*ostiary.Options), change func(*Options)) *bench {
	t.Helper()
	before := runtime.NumGoroutine()
	b := &bench{t: t, state: filepath.Join(t.TempDir(), "state"), done: make(chan error, 1), left: make(chan struct{})}
	l, pol, logger := b.house(rules, line)
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	b.in, b.out, b.pipe = inW, bufio.NewReaderSize(outR, 1<<16), outR
	o := Options{
		Line: l, Policy: pol, Upstream: "up",
		Principal: ostiary.Principal{ID: "alice"}, Session: "test",
		Limits: wire.Limits{MaxBytes: 1 << 20}, CatalogWait: 10 * time.Second,
		StderrBytes: 4096, Grace: 5 * time.Second,
		In: inR, Out: outW, Stderr: &b.err, Log: logger, Now: time.Now, Rand: rand.Reader,
	}
	change(&o)
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	go func() {
		err := Run(ctx, o)
		outW.Close()
		inR.Close()
		b.done <- err
	}()
	t.Cleanup(func() {
		b.close()
		stop()
		if _, fuzzing := t.(*testing.F); !fuzzing { // its engine starts goroutines of its own
			noneLeft(t, before)
		}
	})
	return b
}

// house makes the line, the rules and the log in the state directory.
func (b *bench) house(rules policy.Options, line func(*ostiary.Options)) (*ostiary.Line, *policy.Policy, *slog.Logger) {
	b.t.Helper()
	logger := slog.New(slog.NewTextHandler(&b.err, nil))
	t := b.t
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
	limits, err := limit.New(unlimited())
	if err != nil {
		t.Fatal(err)
	}
	lo := ostiary.Options{
		Gates:    []ostiary.Gate{limits, pol.Gate(), validate.Gate()},
		Recorder: b.log, Timeout: patience, Now: time.Now,
	}
	line(&lo)
	l, err := ostiary.New(lo)
	if err != nil {
		t.Fatal(err)
	}
	return l, pol, logger
}

// noneLeft checks that the goroutines of a door have ended.
func noneLeft(t testing.TB, before int) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-deadline:
			stacks := make([]byte, 1<<20)
			t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}

// close leaves as a client does and returns what Run returned.
func (b *bench) close() error {
	b.t.Helper()
	b.in.Close()
	b.gone.Do(func() { close(b.left) })
	b.lines()
	return b.ended()
}

// ended waits for the end of Run.
func (b *bench) ended() error {
	b.t.Helper()
	select {
	case err := <-b.done:
		b.done <- err
		if err := b.log.Close(); err != nil {
			b.t.Error(err)
		}
		return err
	case <-time.After(patience):
		stacks := make([]byte, 1<<20)
		b.t.Fatalf("the door did not close:\n%s", stacks[:runtime.Stack(stacks, true)])
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

// lines returns a channel with what the client gets; who takes it must read on.
func (b *bench) lines() <-chan string {
	b.once.Do(func() {
		b.queue = make(chan string, 1)
		go func() {
			defer close(b.queue)
			for {
				l, err := b.out.ReadString('\n')
				if err != nil {
					return
				}
				select {
				case b.queue <- strings.TrimSuffix(l, "\n"):
				case <-b.left:
				}
			}
		}()
	})
	return b.queue
}

// read returns the next line that the client gets.
func (b *bench) read() string {
	b.t.Helper()
	return b.await(b.lines(), "the client got nothing")
}

func (b *bench) await(got <-chan string, what string) string {
	b.t.Helper()
	select {
	case l := <-got:
		return l
	case <-time.After(patience):
		b.t.Fatalf("%s; standard error: %s", what, b.err.String())
		return ""
	}
}

// want reads the next line and checks that it has all the parts.
func (b *bench) want(parts ...string) string {
	b.t.Helper()
	return has(b.t, b.read(), parts...)
}

func has(t testing.TB, got string, parts ...string) string {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Fatalf("got  %s\nwant %s in it", got, p)
		}
	}
	return got
}

// shaken is the client's side of a legacy handshake.
func (b *bench) shaken() *bench {
	b.t.Helper()
	b.send(initialize)
	b.want(`"id":0`, `"result"`)
	b.send(initialized)
	return b
}

const (
	initialize  = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
)

// call is a tools/call.
func call(id, tool string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":%q,"arguments":{"text":"x"}}}`, id, tool)
}

func answer(id, text string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%q}]}}`, id, text)
}

func cancelled(id string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s,"reason":"no  more" }}`, id)
}

// records returns what the log says, oldest first, once f finds what it waits
// for. The log is read as anybody can.
func (b *bench) records(found func([]audit.Record) bool) []audit.Record {
	b.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		all := b.logged()
		if found == nil || found(all) {
			return all
		}
		select {
		case <-tick.C:
		case <-deadline:
			var text strings.Builder
			for _, r := range all {
				fmt.Fprintf(&text, "%s %s %s %s code=%s status=%s %s\n", r.Kind, r.Method, r.Target, r.Decision, r.Code, r.Status, r.Reason)
			}
			b.t.Fatalf("the log does not say it:\n%s", &text)
		}
	}
}

func (b *bench) logged() []audit.Record {
	b.t.Helper()
	found, err := audit.Query(context.Background(), b.state, audit.Filter{Limit: 1 << 20})
	if err != nil {
		b.t.Fatal(err)
	}
	all := make([]audit.Record, 0, len(found))
	for _, f := range found {
		if f.Record.Call != "" {
			all = append(all, f.Record)
		}
	}
	return all
}

// is matches records; empty fields match everything.
type is struct{ kind, method, target, code, status string }

func (w is) in(all []audit.Record) int {
	n := 0
	for _, r := range all {
		if (w.kind == "" || w.kind == r.Kind) && (w.method == "" || w.method == r.Method) && (w.target == "" || w.target == r.Target) &&
			(w.code == "" || w.code == r.Code) && (w.status == "" || w.status == r.Status) {
			n++
		}
	}
	return n
}

// recorded waits until the log has these records.
func (b *bench) recorded(want ...is) []audit.Record {
	b.t.Helper()
	return b.records(func(all []audit.Record) bool {
		for _, w := range want {
			if w.in(all) == 0 {
				return false
			}
		}
		return true
	})
}

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}
