package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// patience bounds every single wait; nothing here should take it.
const patience = 90 * time.Second

// talk is a raw client: it writes lines of JSON to a process and keeps the bytes
// of what comes back, so that two conversations can be compared to the byte.
type talk struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	err *lockedBuffer

	mu    sync.Mutex
	open  map[int]chan json.RawMessage
	asks  []string // what the server asked of us, in order
	notes []string // its notifications
	got   chan struct{}
	ended chan struct{} // its output ended
}

// answers are what this client says to a server's requests.
var answers = map[string]string{
	"roots/list":             `{"roots":[{"uri":"file:///workspace","name":"workspace"}]}`,
	"sampling/createMessage": `{"role":"assistant","content":{"type":"text","text":"four"},"model":"none","stopReason":"endTurn"}`,
	"elicitation/create":     `{"action":"accept","content":{"name":"Ada","check":true,"interpretation":"technical"}}`,
	"ping":                   `{}`,
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a command line and talks to it. An env of nil is our own.
func start(t testing.TB, argv, env []string) *talk {
	t.Helper()
	c := &talk{t: t, open: map[int]chan json.RawMessage{}, err: &lockedBuffer{}, got: make(chan struct{}), ended: make(chan struct{})}
	c.cmd = exec.Command(argv[0], argv[1:]...)
	c.cmd.Env = env
	c.cmd.Stderr = c.err
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.read(out)
	t.Cleanup(c.kill)
	return c
}

// kill ends the process if it still runs.
func (c *talk) kill() {
	if c.cmd.ProcessState == nil {
		c.cmd.Process.Kill()
		<-c.ended
		c.cmd.Wait()
	}
}

func (c *talk) read(out io.Reader) {
	defer close(c.ended)
	r := bufio.NewReaderSize(out, 64<<10)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return // a line without an end was not said
		}
		var m struct {
			ID     json.RawMessage
			Method string
		}
		if json.Unmarshal(line, &m) != nil {
			m.Method = "not JSON: " + string(line)
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		c.take(m.ID, m.Method, line)
	}
}

func (c *talk) take(id json.RawMessage, method string, line []byte) {
	c.mu.Lock()
	var n int
	var reply chan json.RawMessage
	switch {
	case method == "" && json.Unmarshal(id, &n) == nil:
		reply = c.open[n]
		delete(c.open, n)
	case id == nil:
		c.notes = append(c.notes, string(line))
	default:
		c.asks = append(c.asks, string(line))
	}
	close(c.got)
	c.got = make(chan struct{})
	c.mu.Unlock()
	if reply != nil {
		reply <- line
	}
	if method != "" && id != nil {
		if answer, ok := answers[method]; ok {
			c.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, id, answer))
		} else {
			c.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}`, id))
		}
	}
}

// write sends a line; a peer that has gone is noticed elsewhere.
func (c *talk) write(line string) error {
	_, err := io.WriteString(c.in, line+"\n")
	return err
}

// ask sends a request and returns where its reply will come.
func (c *talk) ask(id int, method, params string) (<-chan json.RawMessage, error) {
	reply := make(chan json.RawMessage, 1)
	c.mu.Lock()
	c.open[id] = reply
	c.mu.Unlock()
	return reply, c.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, id, method, params))
}

// call sends a request and waits for its reply, which it returns as it came.
func (c *talk) call(id int, method, params string) string {
	c.t.Helper()
	reply, err := c.ask(id, method, params)
	if err != nil {
		c.t.Fatalf("%s: %v; standard error:\n%s", method, err, c.err)
	}
	select {
	case line := <-reply:
		return string(line)
	case <-c.ended:
		select {
		case line := <-reply:
			return string(line)
		default:
		}
		c.t.Fatalf("%s: the other side ended; standard error:\n%s", method, c.err)
	case <-time.After(patience):
		c.t.Fatalf("%s: no answer; standard error:\n%s", method, c.err)
	}
	return ""
}

// tool calls a tool.
func (c *talk) tool(id int, name, arguments string) string {
	c.t.Helper()
	return c.call(id, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, name, arguments))
}

// everyCapability is what a client can offer to a server of the last legacy
// revision.
const everyCapability = `{"roots":{"listChanged":true},"sampling":{},"elicitation":{"form":{},"url":{}},` +
	`"tasks":{"requests":{"elicitation":{"create":{}},"sampling":{"createMessage":{}}}}}`

// hello is the handshake of the last legacy revision. It returns the server's
// answer.
func (c *talk) hello(capabilities string) string {
	c.t.Helper()
	reply := c.call(0, "initialize", `{"protocolVersion":"2025-11-25","capabilities":`+capabilities+
		`,"clientInfo":{"name":"e2e","version":"1"}}`)
	c.write(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return reply
}

// until waits for a condition over what came in.
func (c *talk) until(what string, holds func(asks, notes []string) bool) {
	c.t.Helper()
	limit := time.After(patience)
	for {
		c.mu.Lock()
		ok, got := holds(c.asks, c.notes), c.got
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-got:
		case <-c.ended:
			c.t.Fatalf("the other side ended before %s; standard error:\n%s", what, c.err)
		case <-limit:
			c.t.Fatalf("waited in vain for %s; standard error:\n%s", what, c.err)
		}
	}
}

// bye closes standard input and waits for the end of the process.
func (c *talk) bye() error {
	c.t.Helper()
	c.in.Close()
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.t.Fatalf("the process does not end when its input does; standard error:\n%s", c.err)
	}
	return c.cmd.Wait()
}
