package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// client speaks MCP to a child process over its standard streams: the server
// itself, or the door with the server behind it.
type client struct {
	in   io.WriteCloser
	wait func() error
	kill context.CancelFunc
	log  *tail

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	gone    error // why no answer will come any more
}

// answer is what came back for one call.
type answer struct {
	Text    string
	Refused bool // an error result or a JSON-RPC error
	Code    string
	Call    string
	Retry   float64 // seconds
}

const (
	killDelay  = 5 * time.Second  // between SIGTERM and SIGKILL
	closeDelay = 15 * time.Second // for a child whose standard input was closed
)

// dial starts a program and shakes hands with it.
func dial(ctx context.Context, dir string, command ...string) (*client, error) {
	running, kill := context.WithCancel(ctx)
	cmd := exec.CommandContext(running, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = killDelay
	c := &client{kill: kill, log: &tail{}, waiting: map[int]chan answer{}}
	cmd.Stderr = c.log
	in, err := cmd.StdinPipe()
	if err != nil {
		kill()
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		kill()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		kill()
		return nil, err
	}
	c.in = in
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.read(out)
	}()
	c.wait = sync.OnceValue(func() error {
		<-read
		return cmd.Wait()
	})
	_, err = c.request(running, "initialize", map[string]any{
		"protocolVersion": "2025-11-25", "capabilities": struct{}{},
		"clientInfo": map[string]string{"name": "ostiary-demo-agent", "version": "1"},
	})
	if err == nil {
		err = c.write(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"})
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// close leaves as a client does, and ends a child that stays.
func (c *client) close() error {
	defer c.kill()
	late := time.AfterFunc(closeDelay, c.kill)
	defer late.Stop()
	_ = c.in.Close() // a child that is gone has closed it
	if err := c.wait(); err != nil {
		return fmt.Errorf("%w: %s", err, c.log)
	}
	return nil
}

func (c *client) call(ctx context.Context, tool string, args json.RawMessage) (answer, error) {
	return c.request(ctx, "tools/call", map[string]any{"name": tool, "arguments": args})
}

func (c *client) request(ctx context.Context, method string, params any) (answer, error) {
	got := make(chan answer, 1)
	c.mu.Lock()
	if c.gone != nil {
		defer c.mu.Unlock()
		return answer{}, c.gone
	}
	c.next++
	id := c.next
	c.waiting[id] = got
	c.mu.Unlock()
	if err := c.write(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params}); err != nil {
		return answer{}, err
	}
	select {
	case a, ok := <-got:
		if !ok {
			return answer{}, c.gone
		}
		return a, nil
	case <-ctx.Done():
		err := c.write(map[string]any{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": map[string]int{"requestId": id}})
		return answer{}, errors.Join(context.Cause(ctx), err)
	}
}

func (c *client) write(message any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.in.Write(append(line, '\n'))
	return err
}

// read hands out the answers until the child's output ends.
func (c *client) read(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			c.mu.Lock()
			c.gone = fmt.Errorf("the child ended: %s", c.log)
			for _, w := range c.waiting {
				close(w)
			}
			c.waiting = nil
			c.mu.Unlock()
			return
		}
		id, a, ok := decode(line)
		if !ok {
			continue
		}
		c.mu.Lock()
		if w := c.waiting[id]; w != nil {
			w <- a
			delete(c.waiting, id)
		}
		c.mu.Unlock()
	}
}

// decode reads a response; anything else is not one for us.
func decode(line []byte) (id int, a answer, ok bool) {
	var m struct {
		ID     *int
		Result *struct {
			Content []struct{ Text string }
			IsError bool
			Meta    struct {
				Decision struct {
					Code, Call string
					RetryAfter float64
				} `json:"ostiary/decision"`
			} `json:"_meta"`
		}
		Error *struct{ Message string }
	}
	if json.Unmarshal(line, &m) != nil || m.ID == nil || m.Result == nil && m.Error == nil {
		return 0, a, false
	}
	if m.Error != nil {
		return *m.ID, answer{Text: m.Error.Message, Refused: true}, true
	}
	for _, part := range m.Result.Content {
		a.Text += part.Text
	}
	d := m.Result.Meta.Decision
	a.Refused, a.Code, a.Call, a.Retry = m.Result.IsError, d.Code, d.Call, d.RetryAfter
	return *m.ID, a, true
}

// tail keeps the end of what a child wrote on its standard error.
type tail struct {
	mu   sync.Mutex
	text string
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 2000
	t.text += string(b)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.text)
}
