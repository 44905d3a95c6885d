package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"time"

	"github.com/ostiary/ostiary/approval"
)

// requestID finds the request in the sign of life of a call that waits.
var requestID = regexp.MustCompile(`request ([0-9a-z]{16}) expires`)

// release measures how soon calls go on that wait in a door, a process of its own.
func (p *pending) release(ctx context.Context, o options, state string) (err error) {
	d, err := openDesk(state)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	s, err := launch(ctx, consentDoor(o, state))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	// The door looks every so often; people do not decide in step with it.
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // to spread, not to hide
	for i := range decisions + approveCommands {
		id, err := s.ask()
		if err != nil {
			return err
		}
		if err := pause(ctx, time.Duration(random.Int64N(int64(100*time.Millisecond)))); err != nil {
			return err
		}
		decided := time.Now()
		answered := make(chan released, 1)
		go func() { answered <- s.answered() }()
		if i < decisions {
			_, err = d.Approve(ctx, id, approval.Who{Name: "bench", Channel: approval.ChannelCLI}, approval.Confirm)
		} else {
			err = approve(ctx, o, state, id)
		}
		durable := time.Now()
		if err != nil {
			return err
		}
		got := <-answered
		if got.err != nil {
			return got.err
		}
		if i < decisions {
			p.Decided, p.Durable = append(p.Decided, got.at.Sub(decided)), append(p.Durable, got.at.Sub(durable))
		} else {
			p.Approve = append(p.Approve, got.at.Sub(decided))
		}
	}
	// The others must have waited all the time.
	all, err := d.List(ctx, approval.Filter{States: []approval.State{approval.Pending}})
	if err == nil && len(all) != p.Requests {
		err = fmt.Errorf("%d requests wait instead of %d", len(all), p.Requests)
	}
	return err
}

func approve(ctx context.Context, o options, state, id string) error {
	cmd := exec.CommandContext(ctx, o.ostiary, "approve", id, "--yes", "--state", state)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ostiary approve: %w\n%s", err, out)
	}
	return nil
}

// ask makes a call that waits and returns the id of its request.
func (s *session) ask() (string, error) {
	s.id++
	line := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"put","arguments":{"text":"call %d"},"_meta":{"progressToken":"p%d"}}}`+"\n", s.id, s.id, s.id)
	if _, err := io.WriteString(s.in, line); err != nil {
		return "", err
	}
	for {
		line, err := s.out.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if m := requestID.FindSubmatch(line); m != nil {
			return string(m[1]), nil
		}
		if !bytes.Contains(line, []byte(`"method"`)) {
			return "", fmt.Errorf("the call does not wait: %.600s", line)
		}
	}
}

// released is when a call was answered that waited.
type released struct {
	at  time.Time
	err error
}

func (s *session) answered() released {
	line, err := s.line()
	if err == nil && !bytes.Contains(line, fmt.Appendf(nil, `call %d`, s.id)) {
		err = fmt.Errorf("the call was not let through: %.600s", line)
	}
	return released{time.Now(), err}
}
