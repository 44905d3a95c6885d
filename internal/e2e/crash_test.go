package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/internal/peers/echo"
)

// crashRuns is how often the door is killed unless OSTIARY_CRASH_RUNS says
// otherwise.
const crashRuns = 200

const crashPolicy = `rules:
  - {tool: echo/echo, effect: read, world: closed}
  - {tool: echo/put, effect: write, world: closed}
limits: {global: 1000000/s, per_principal: 1000000/s, per_tool: 1000000/s, per_principal_tool: 1000000/s,
  effects_per_principal: 1000000/s, effects_per_principal_tool: 1000000/s, concurrency: 64}
`

// witness is the echo server. What it receives stands in the file that its
// argument names before it is answered. With the further argument "deaf" it ends
// neither with its input nor by a signal that it can ignore.
func witness(args []string) error {
	file, err := os.OpenFile(args[0], os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	deaf := len(args) > 1 && args[1] == "deaf"
	if deaf {
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	}
	err = echo.Serve(io.TeeReader(os.Stdin, file), os.Stdout, echo.Options{})
	if deaf {
		<-time.After(10 * time.Minute)
	}
	return err
}

// ran is one life of a door.
type ran struct {
	results  []string // tokens of calls whose results the client has
	sinks    []string // tokens of calls with an effect that reached the server
	handed   int      // calls that the client made
	atKill   int      // calls without an answer when the door died
	shookOut bool     // the handshake was answered
}

// crash is the test's state: one state directory across all lives.
type crash struct {
	t     *testing.T
	state string
	flags []string
	dir   string
}

// live runs a door under load from callers and kills it after the delay, counted
// from the start if early, else from the end of the handshake.
func (c *crash) live(n, callers int, delay time.Duration, early bool) ran {
	c.t.Helper()
	seen := filepath.Join(c.dir, fmt.Sprintf("seen-%d", n))
	p := start(c.t, door(c.state, "echo", c.flags, self(c.t, "witness", seen, "deaf")), nil)
	kill := func() { p.cmd.Process.Kill() }
	var timer *time.Timer
	if early {
		timer = time.AfterFunc(delay, kill)
	}
	var r ran
	hello, err := p.ask(0, "initialize", `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"e2e","version":"1"}}`)
	if err == nil {
		r.shookOut = c.await(p, hello) != nil
	}
	if !early {
		if !r.shookOut {
			c.t.Fatalf("life %d: no handshake; standard error:\n%s", n, p.err)
		}
		timer = time.AfterFunc(delay, kill)
	}
	p.write(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := 1; ; i++ {
				tool := [...]string{"echo", "put"}[(caller+i)%2]
				token := fmt.Sprintf("life%d-%s-%d-%d", n, tool, caller, i)
				reply, err := p.ask(caller<<20|i, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":{"text":%q}}`, tool, token))
				if err != nil {
					return
				}
				mu.Lock()
				r.handed++
				mu.Unlock()
				line := c.await(p, reply)
				if line == nil {
					mu.Lock()
					r.atKill++
					mu.Unlock()
					return
				}
				if !strings.Contains(unmarked(string(line)), `"text":"`+token+`"`) {
					c.t.Errorf("life %d: %s got %s", n, token, line)
					return
				}
				mu.Lock()
				r.results = append(r.results, token)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	timer.Stop()
	if p.cmd.Wait(); !strings.Contains(p.cmd.ProcessState.String(), "killed") {
		c.t.Errorf("life %d: the door ended with %s before it was killed; standard error:\n%s", n, p.cmd.ProcessState, p.err)
	}
	c.noOrphan(seen)
	r.sinks = received(c.t, seen)
	return r
}

// await returns the reply, nil if the door died first.
func (c *crash) await(p *talk, reply <-chan json.RawMessage) json.RawMessage {
	select {
	case line := <-reply:
		return line
	case <-p.ended:
		select {
		case line := <-reply: // read before the end
			return line
		default:
			return nil
		}
	}
}

// received are the tokens of the effects that the server read, whole lines only.
func received(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil // killed before the server ran
	}
	if err != nil {
		t.Fatal(err)
	}
	var tokens []string
	lines := strings.Split(string(text), "\n")
	for _, line := range lines[:len(lines)-1] {
		var m struct {
			Params struct {
				Name      string
				Arguments struct{ Text string }
			}
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("the server received %q: %v", line, err)
		}
		if m.Params.Name == "put" {
			tokens = append(tokens, m.Params.Arguments.Text)
		}
	}
	return tokens
}

// noOrphan waits until no process is left whose command line has the word.
func (c *crash) noOrphan(word string) {
	c.t.Helper()
	limit := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		left := running(word)
		if len(left) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			c.t.Fatalf("processes %v outlived the door", left)
		}
	}
}

// running are the processes whose command line has the word. A process that has
// ended and that nobody has waited for has no command line any more.
func running(word string) []int {
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range dirs {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), word) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// evidence are the durable records of a log by their tokens: "intent TOKEN" and
// "outcome TOKEN". Only what stands before a checkpoint counts.
func evidence(t *testing.T, log string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	segments, err := filepath.Glob(filepath.Join(log, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, segment := range segments {
		text, err := os.ReadFile(segment)
		if err != nil {
			t.Fatal(err)
		}
		var pending []string
		var kind string
		for line := range strings.SplitSeq(string(text), "\n") {
			if strings.HasPrefix(line, `{"checkpoint":`) && strings.HasSuffix(line, "}") {
				for _, p := range pending {
					found[p] = true
				}
				pending = pending[:0]
				continue
			}
			var m struct {
				Kind, Decision, Status string
				Text                   string
				Args                   struct{ Text string }
			}
			if json.Unmarshal([]byte(line), &m) != nil {
				break // the torn end
			}
			switch {
			case m.Kind == audit.KindOutcome && (m.Decision != "allow" || m.Status != "ok"):
				kind = "failed"
			case m.Kind != "":
				kind = m.Kind
			case kind == audit.KindIntent:
				pending = append(pending, "intent "+m.Args.Text)
			case kind == audit.KindOutcome:
				pending = append(pending, "outcome "+m.Text)
			}
		}
	}
	return found
}

// newLog is the log that the last life wrote; "" if it was killed before it had
// one.
func (c *crash) newLog(known map[string]bool) string {
	c.t.Helper()
	logs, err := filepath.Glob(filepath.Join(c.state, "audit", "2*"))
	if err != nil {
		c.t.Fatal(err)
	}
	var fresh []string
	for _, log := range logs {
		if !known[log] {
			known[log] = true
			fresh = append(fresh, log)
		}
	}
	if len(fresh) > 1 {
		c.t.Fatalf("one life left the logs %q", fresh)
	}
	if len(fresh) == 0 {
		return ""
	}
	return fresh[0]
}

// TestKilledAtRandomPoints kills the door again and again under load, in one state
// directory. SIGKILL shows that nothing is released before it is written; that it
// is also synced is what the tests of package audit show.
func TestKilledAtRandomPoints(t *testing.T) {
	runs := crashRuns
	if s := os.Getenv("OSTIARY_CRASH_RUNS"); s != "" {
		var err error
		if runs, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("OSTIARY_CRASH_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		if t.Failed() {
			t.Logf("repeat with OSTIARY_CRASH_SEED=%d OSTIARY_CRASH_RUNS=%d", seed, runs)
		}
	}()
	random := rand.New(rand.NewPCG(seed, 0))
	c := &crash{t: t, state: stateDir(t), flags: policy(t, crashPolicy), dir: t.TempDir()}
	known := map[string]bool{}
	var results, sinks, atKill, silent, torn int
	began := time.Now()
	for n := range runs {
		early := random.IntN(8) == 0
		delay := time.Duration(random.Int64N(int64(60 * time.Millisecond)))
		if early {
			delay = time.Duration(random.Int64N(int64(40 * time.Millisecond)))
		}
		r := c.live(n, 1+random.IntN(32), delay, early)
		results, sinks, atKill = results+len(r.results), sinks+len(r.sinks), atKill+r.atKill
		if !r.shookOut {
			silent++
		}
		var has map[string]bool
		log := c.newLog(known)
		if log != "" {
			has = evidence(t, log)
		}
		for _, token := range r.results {
			if !has["outcome "+token] {
				t.Errorf("life %d: the client has the result of %s, and %s has no durable outcome", n, token, log)
			}
		}
		for _, token := range r.sinks {
			if !has["intent "+token] {
				t.Errorf("life %d: the server received %s, and %s has no durable intent", n, token, log)
			}
		}
		// Nothing is ever removed, so what is broken now is still broken at a later
		// look; each costs as much as all logs together.
		if n == runs-1 || random.IntN(5) == 0 {
			torn += len(c.verify().Torn)
		}
		if t.Failed() {
			return
		}
	}
	took := time.Since(began)

	// A last life ends as it should; opening it repaired what the kills left.
	p := start(t, door(c.state, "echo", c.flags, self(t, "witness", filepath.Join(c.dir, "last"))), nil)
	p.hello(`{}`)
	if got := p.tool(1, "put", `{"text":"last"}`); !strings.Contains(got, "last") {
		t.Errorf("the last life answers %s", got)
	}
	if err := p.bye(); err != nil {
		t.Errorf("the last life ended with %v; standard error:\n%s", err, p.err)
	}
	report := c.verify()
	if len(report.Torn) > 0 {
		t.Errorf("torn after the repair: %q", report.Torn)
	}
	t.Logf("%d kills in %s: %d results, %d effects at the server, %d calls open at the kill, %d kills before the handshake, %d torn logs seen; %d logs, %d records",
		runs, took.Round(time.Millisecond), results, sinks, atKill, silent, torn, report.Logs, report.Records)
	if results == 0 || sinks == 0 || atKill == 0 {
		t.Error("the kills did not come under load: this test shows nothing")
	}
}

func (c *crash) verify() *audit.Report {
	c.t.Helper()
	if _, err := os.Stat(filepath.Join(c.state, "key")); os.IsNotExist(err) {
		return &audit.Report{} // killed before there was anything
	}
	report, err := audit.Verify(context.Background(), c.state, audit.VerifyOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, b := range report.Broken {
		c.t.Errorf("verification: %s", b)
	}
	return report
}
