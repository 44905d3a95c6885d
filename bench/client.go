package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// session is one running program under test with a small client: callers that each
// wait for their answer before they call again. Each call is a write of its own, as
// with real clients; collected writes would flatter whatever copies bytes.
type session struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	id    int
	start time.Duration // from launch to the answer of the handshake
}

// sample is what one window of calls gave.
type sample struct {
	Calls    int
	Elapsed  time.Duration
	CPU      time.Duration // of the program under test alone
	P50, P99 time.Duration // at one caller
}

func (s sample) perSecond() float64 { return float64(s.Calls) / s.Elapsed.Seconds() }

func (s sample) cpuPerCall() time.Duration { return s.CPU / time.Duration(s.Calls) }

func launch(ctx context.Context, argv []string) (*session, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &session{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 1<<20)}
	hello := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25",` +
		`"capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}` + "\n"
	if _, err := io.WriteString(in, hello); err != nil {
		return nil, errors.Join(err, s.end())
	}
	answer, err := s.line()
	if err != nil || !bytes.Contains(answer, []byte(`"result"`)) {
		return nil, errors.Join(fmt.Errorf("the handshake gave %q: %w", answer, err), s.end())
	}
	s.start = time.Since(began)
	_, err = io.WriteString(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n")
	return s, err
}

// line skips what is no answer to a call, such as notifications.
func (s *session) line() ([]byte, error) {
	for {
		line, err := s.out.ReadSlice('\n')
		if err != nil {
			return line, err
		}
		if !bytes.Contains(line, []byte(`"method"`)) {
			return line, nil
		}
	}
}

// drive lets callers, each with one call open, call tool with a text of size bytes
// for the window, and at least once. A refusal or a wrong answer is an error: what
// was not done must not look fast.
func (s *session) drive(tool string, size, callers int, window time.Duration) (got sample, err error) {
	text := strings.Repeat("plain words of a tool call, ", size/28+1)[:size]
	tail := `,"method":"tools/call","params":{"name":"` + tool + `","arguments":{"text":"` + text + `"}}}` + "\n"
	want := []byte(text)
	// Ids are not used twice in a session; each drive begins at a multiple of callers.
	s.id += callers - s.id%callers
	crowd, hangUp := s.gather(callers, tail)
	defer func() { s.id += (got.Calls + 1) * callers }()
	defer hangUp()
	pid := s.cmd.Process.Pid
	cpu, err := cpuTime(pid)
	if err != nil {
		return got, err
	}
	var latencies []time.Duration
	began := time.Now()
	sent := began
	for _, call := range crowd {
		if err := call(); err != nil {
			return got, err
		}
	}
	for open := callers; open > 0; {
		line, err := s.line()
		if err != nil {
			return got, fmt.Errorf("after %d calls: %w", got.Calls, err)
		}
		who, ok := caller(line, callers)
		if !ok || !bytes.Contains(line, want) || bytes.Contains(line, []byte(`"isError":true`)) {
			return got, fmt.Errorf("after %d calls of %s with %d callers: %.600s", got.Calls, tool, callers, line)
		}
		now := time.Now()
		got.Calls++
		if callers == 1 {
			latencies = append(latencies, now.Sub(sent))
		}
		if now.Sub(began) >= window {
			open--
			continue
		}
		sent = now
		if err := crowd[who](); err != nil {
			return got, err
		}
	}
	got.Elapsed = time.Since(began)
	after, err := cpuTime(pid)
	if err != nil {
		return got, err
	}
	got.CPU = after - cpu
	if callers == 1 {
		slices.Sort(latencies)
		got.P50, got.P99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	}
	return got, nil
}

// gather makes functions that let the callers make their next call. Ids tell whose
// an answer is: the caller's number, plus a multiple of the number of callers. A
// single caller writes by itself; several are goroutines, woken one by one, which
// share stdin. What they fail to write is never answered, so the reader notices.
func (s *session) gather(callers int, tail string) (crowd []func() error, hangUp func()) {
	var stdin sync.Mutex
	crowd = make([]func() error, callers)
	wake := make([]chan struct{}, callers)
	for i := range crowd {
		id := s.id + i
		line := make([]byte, 0, len(tail)+64)
		call := func() error {
			line = append(line[:0], `{"jsonrpc":"2.0","id":`...)
			line = strconv.AppendInt(line, int64(id), 10)
			line = append(line, tail...)
			id += callers
			stdin.Lock()
			defer stdin.Unlock()
			_, err := s.in.Write(line)
			return err
		}
		if callers == 1 {
			crowd[i] = call
			continue
		}
		wake[i] = make(chan struct{}, 1)
		crowd[i] = func() error {
			wake[i] <- struct{}{}
			return nil
		}
		go func() {
			for range wake[i] {
				if call() != nil {
					_ = s.in.Close() // ends the program and with it the reader
					return
				}
			}
		}()
	}
	return crowd, func() {
		for _, c := range wake {
			if c != nil {
				close(c)
			}
		}
	}
}

// caller tells whose answer a line is.
func caller(line []byte, callers int) (int, bool) {
	_, rest, ok := bytes.Cut(line, []byte(`"id":`))
	end := bytes.IndexAny(rest, ",}")
	if !ok || end < 0 {
		return 0, false
	}
	id, err := strconv.Atoi(string(rest[:end]))
	return id % callers, err == nil && id >= 0
}

// end closes the line and waits for the program, which has ten seconds to go.
func (s *session) end() error {
	_ = s.in.Close()
	kill := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	_, _ = io.Copy(io.Discard, s.out)
	return s.cmd.Wait()
}
