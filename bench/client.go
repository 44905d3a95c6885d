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
	"time"

	"golang.org/x/sys/unix"
)

// session is one running program under test with a client so small that it hardly
// shows: one goroutine that writes a new call for each answer it reads. Each call is
// a write of its own, as with real clients; collected writes would flatter whatever
// copies bytes.
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

// pipeSize is what anybody may ask for on Linux, more than 8 calls of 16 KiB or 32
// small ones, whose last pages are not shared.
const pipeSize = 1 << 20

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
	// The client reads and writes by turns, so that what it may have open must fit
	// into the pipe, or both ends would wait for each other.
	if f, ok := in.(interface{ Fd() uintptr }); !ok {
		return nil, errors.Join(errors.New("stdin of the program is no pipe"), cmd.Process.Kill(), cmd.Wait())
	} else if _, err := unix.FcntlInt(f.Fd(), unix.F_SETPIPE_SZ, pipeSize); err != nil {
		return nil, errors.Join(fmt.Errorf("make the pipe larger: %w", err), cmd.Process.Kill(), cmd.Wait())
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
// for the window. A refusal or a wrong answer is an error: what was not done must
// not look fast.
func (s *session) drive(tool string, size, callers int, window time.Duration) (sample, error) {
	text := strings.Repeat("plain words of a tool call, ", size/28+1)[:size]
	tail := []byte(`,"method":"tools/call","params":{"name":"` + tool + `","arguments":{"text":"` + text + `"}}}` + "\n")
	want := []byte(text)
	var out []byte
	var sent time.Time
	call := func() error {
		s.id++
		out = append(out[:0], `{"jsonrpc":"2.0","id":`...)
		out = strconv.AppendInt(out, int64(s.id), 10)
		out = append(out, tail...)
		if callers == 1 {
			sent = time.Now()
		}
		_, err := s.in.Write(out)
		return err
	}
	var latencies []time.Duration
	var got sample
	cpu, err := cpuTime(s.cmd.Process.Pid)
	if err != nil {
		return got, err
	}
	began := time.Now()
	for range callers {
		if err := call(); err != nil {
			return got, err
		}
	}
	for open := callers; open > 0; {
		line, err := s.line()
		if err != nil {
			return got, fmt.Errorf("after %d calls: %w", got.Calls, err)
		}
		if !bytes.Contains(line, want) || bytes.Contains(line, []byte(`"isError":true`)) {
			return got, fmt.Errorf("after %d calls of %s with %d callers: %.600s", got.Calls, tool, callers, line)
		}
		now := time.Now()
		if callers == 1 {
			latencies = append(latencies, now.Sub(sent))
		}
		got.Calls++
		if now.Sub(began) >= window {
			open--
			continue
		}
		if err := call(); err != nil {
			return got, err
		}
	}
	got.Elapsed = time.Since(began)
	after, err := cpuTime(s.cmd.Process.Pid)
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

// end closes the line and waits for the program, which has ten seconds to go.
func (s *session) end() error {
	_ = s.in.Close()
	kill := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	_, _ = io.Copy(io.Discard, s.out)
	return s.cmd.Wait()
}
