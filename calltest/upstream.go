package calltest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary/gateway"
)

// upstream is the server of a case: it lists the tools, answers the step that is
// under way with what the case says, and remembers what it saw.
type upstream struct {
	tools []byte
	delay time.Duration

	inR, outR *io.PipeReader
	inW, outW *io.PipeWriter
	exited    chan struct{}
	answers   chan []byte // to its own requests

	mu   sync.Mutex
	id   string // of the step under way
	body []byte // its answer
	saw  [][]byte
	// dryBody answers the door's own dry runs, and dryRuns are they.
	dryBody []byte
	dryRuns [][]byte
	quit    chan struct{}
	stops   map[string]chan struct{} // by id, closed when a request is withdrawn
}

var _ gateway.Server = (*upstream)(nil)

func startUpstream(tools []byte, delay time.Duration) *upstream {
	u := &upstream{
		tools: tools, delay: delay, exited: make(chan struct{}), answers: make(chan []byte, 16),
		quit: make(chan struct{}), stops: map[string]chan struct{}{},
	}
	u.inR, u.inW = io.Pipe()
	u.outR, u.outW = io.Pipe()
	go u.serve()
	return u
}

// In implements gateway.Server.
func (u *upstream) In() io.WriteCloser { return u.inW }

// Out implements gateway.Server.
func (u *upstream) Out() io.Reader { return u.outR }

// Exited implements gateway.Server.
func (u *upstream) Exited() <-chan struct{} { return u.exited }

// Ending implements gateway.Server.
func (u *upstream) Ending() string { return "the script of the case ended" }

// Stop implements gateway.Server.
func (u *upstream) Stop(time.Duration) {
	u.inW.Close()
	u.outR.Close()
	<-u.exited
}

// expect says which step is under way, and what answers it and its dry run.
func (u *upstream) expect(id string, body, dryRun []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.id, u.body, u.dryBody = id, body, dryRun
}

// seen takes what the server saw since it was asked last, its own lists aside.
func (u *upstream) seen() (saw, dryRuns [][]byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	saw, dryRuns = u.saw, u.dryRuns
	u.saw, u.dryRuns = nil, nil
	return saw, dryRuns
}

// say writes one line to the door; it fails when the door has gone.
func (u *upstream) say(line []byte) error {
	_, err := u.outW.Write(append(line, '\n'))
	return err
}

func (u *upstream) serve() {
	defer close(u.exited)
	var under sync.WaitGroup
	defer under.Wait()
	defer u.outW.Close()
	defer close(u.quit)
	r := bufio.NewReader(u.inR)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		under.Go(u.message(bytes.TrimSuffix(line, []byte("\n"))))
	}
}

// message takes one line and returns what is to be done about it, which may take
// the delay of the case.
func (u *upstream) message(line []byte) func() {
	m := known(line)
	u.mu.Lock()
	defer u.mu.Unlock()
	reply := func(body string) func() { return func() { _ = u.say(response(m.id, []byte(body))) } }
	own := m.id != "" && m.id != u.id
	switch {
	case m.method == "":
		select {
		case u.answers <- line:
		default: // more answers than requests; the door is what is tested
		}
		return func() {}
	case own && m.method == "initialize":
		return reply(`"result":{"protocolVersion":"` + legacyVersion + `","capabilities":{"tools":{}},"serverInfo":{"name":"case","version":"1"}}`)
	case own && m.method == "ping":
		return reply(`"result":{}`)
	case own && m.method == "tools/list":
		return reply(`"result":{"tools":` + string(u.tools) + `}`)
	case own && m.method == "resources/templates/list":
		return reply(`"result":{"resourceTemplates":[]}`)
	case own && strings.HasSuffix(m.method, "/list"):
		return reply(`"result":{"` + strings.TrimSuffix(m.method, "/list") + `":[]}`)
	case own && m.method == "tools/call":
		u.dryRuns = append(u.dryRuns, line)
		return reply(string(u.dryBody))
	case m.id == "" && m.method == "notifications/initialized":
		return func() {}
	case m.id == "" && m.method == "notifications/cancelled":
		u.withdraw(line)
		return func() {}
	}
	u.saw = append(u.saw, line)
	if m.id == "" {
		return func() {}
	}
	stop := make(chan struct{})
	u.stops[m.id] = stop
	answer := u.body
	return func() {
		if u.wait(stop) == nil {
			_ = u.say(response(m.id, answer))
		}
	}
}

func (u *upstream) withdraw(line []byte) {
	var n struct {
		Params struct{ RequestID json.RawMessage }
	}
	if json.Unmarshal(line, &n) != nil {
		return
	}
	if stop := u.stops[string(n.Params.RequestID)]; stop != nil {
		close(stop)
		delete(u.stops, string(n.Params.RequestID))
	}
}

var errWithdrawn = errors.New("nobody waits for the answer")

// wait lets the delay of the case pass, unless the request is withdrawn.
func (u *upstream) wait(stop chan struct{}) error {
	if u.delay == 0 {
		return nil
	}
	t := time.NewTimer(u.delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-stop:
		return errWithdrawn
	case <-u.quit:
		return fmt.Errorf("the server ends: %w", errWithdrawn)
	}
}
