package calltest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// client is the agent's end of the door.
type client struct {
	in      *io.PipeWriter
	answers chan []byte // to its requests
	ended   chan struct{}

	mu   sync.Mutex
	body []byte // its answer to a request of the server
	saw  [][]byte
}

func startClient(in *io.PipeWriter, out io.Reader) *client {
	c := &client{in: in, answers: make(chan []byte, 16), ended: make(chan struct{})}
	go c.read(out)
	return c
}

func (c *client) read(out io.Reader) {
	defer close(c.ended)
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		m := known(line)
		if m.method == "" {
			select {
			case c.answers <- line:
			default: // more answers than requests: the step before it failed
			}
			continue
		}
		c.mu.Lock()
		c.saw = append(c.saw, line)
		answer := c.body
		if answer == nil { // the door asks the person at the client, who is away
			answer = []byte(`"result":{"action":"cancel"}`)
		}
		c.mu.Unlock()
		if m.id != "" {
			// The door may close just now; then nobody waits for this answer.
			_ = c.send(response(m.id, answer))
		}
	}
}

func (c *client) send(line []byte) error {
	_, err := c.in.Write(append(bytes.Clone(line), '\n'))
	return err
}

func (c *client) expect(body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.body = body
}

// seen takes what the server sent by itself.
func (c *client) seen() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	saw := c.saw
	c.saw = nil
	return saw
}

var errNoAnswer = errors.New("no answer came in time")

// await returns the next answer on ch.
func await(ctx context.Context, ch <-chan []byte, gone <-chan struct{}, timeout time.Duration) ([]byte, error) {
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case line := <-ch:
		return line, nil
	case <-gone:
		return nil, errors.New("the door closed")
	case <-t.C:
		return nil, fmt.Errorf("%w (%s)", errNoAnswer, timeout)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
