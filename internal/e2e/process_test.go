package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/audit"
)

// sound checks that all logs of a state directory verify, and how many there are.
func sound(t *testing.T, state string, logs int) {
	t.Helper()
	report, err := audit.Verify(context.Background(), state, audit.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	if report.Logs != logs || len(report.Torn) > 0 || len(report.Live) > 0 {
		t.Errorf("%d logs, torn %q, live %q; want %d, none, none", report.Logs, report.Torn, report.Live, logs)
	}
}

// gone waits until no process is left whose command line has the word.
func gone(t *testing.T, word string) {
	t.Helper()
	(&crash{t: t}).noOrphan(word)
}

// TestTwoDoorsOneState runs two processes on one state directory at once. Each
// has a log of its own, and the later one commits to the earlier.
func TestTwoDoorsOneState(t *testing.T) {
	t.Parallel()
	state, dir := stateDir(t), t.TempDir()
	flags := policy(t, crashPolicy)
	var doors [2]*talk
	for i := range doors {
		doors[i] = start(t, door(state, "echo", flags, self(t, "witness", filepath.Join(dir, fmt.Sprint(i)))), nil)
	}
	for _, d := range doors {
		d.hello(`{}`)
	}
	for i := range 40 {
		for j, d := range doors {
			token := fmt.Sprintf("door%d-%d", j, i)
			if got := d.tool(i+1, [...]string{"echo", "put"}[i%2], fmt.Sprintf(`{"text":%q}`, token)); !strings.Contains(unmarked(got), `"text":"`+token+`"`) {
				t.Fatalf("%s got %s", token, got)
			}
		}
	}
	report, err := audit.Verify(t.Context(), state, audit.VerifyOptions{})
	if err != nil || report.Err() != nil || len(report.Live) != 2 {
		t.Errorf("while both live: %+v, %v", report, err)
	}
	for _, d := range doors {
		if err := d.bye(); err != nil {
			t.Errorf("the door ended with %v; standard error:\n%s", err, d.err)
		}
	}
	sound(t, state, 2)
}

// TestLooseStateIsRefused starts doors on state directories that others can reach.
func TestLooseStateIsRefused(t *testing.T) {
	t.Parallel()
	for name, loosen := range map[string]func(state string) error{
		"directory that others can list": func(state string) error { return os.Chmod(state, 0o755) },
		"directory that others can write": func(state string) error {
			return os.Chmod(state, 0o777)
		},
		"key that others can read": func(state string) error { return os.Chmod(filepath.Join(state, "key"), 0o644) },
		"evidence that others can reach": func(state string) error {
			return os.Chmod(filepath.Join(state, "audit"), 0o755)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := stateDir(t)
			fine := start(t, door(state, "echo", nil, echoServer()), nil)
			fine.hello(`{}`)
			if err := fine.bye(); err != nil { // the control: it starts before
				t.Fatalf("%v; standard error:\n%s", err, fine.err)
			}
			if err := loosen(state); err != nil {
				t.Fatal(err)
			}
			d := start(t, door(state, "echo", nil, echoServer()), nil)
			if err := d.bye(); err == nil {
				t.Error("the door started")
			}
			if got := d.err.String(); !strings.Contains(got, state) || !strings.Contains(got, "chmod") {
				t.Errorf("standard error does not say what to do where:\n%s", got)
			}
		})
	}
}

// TestClientGoneServerGone kills the client that started a door: the door notices
// and ends, and so does its server.
func TestClientGoneServerGone(t *testing.T) {
	t.Parallel()
	state, seen := stateDir(t), filepath.Join(t.TempDir(), "seen")
	argv := self(t, "abandon", door(state, "echo", nil, self(t, "witness", seen))...)
	client := exec.Command(argv[0], argv[1:]...)
	client.Stderr = os.Stderr
	out, err := client.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(line)); err != nil || len(running(seen)) < 3 {
		t.Fatalf("the client says %q; %d processes run: %v", line, len(running(seen)), pid)
	}
	if err := client.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	client.Wait()
	gone(t, seen)
	sound(t, state, 1)
}

// TestInputClosedWhileCallsRun closes the door's standard input behind many calls:
// all are answered, then the door ends.
func TestInputClosedWhileCallsRun(t *testing.T) {
	t.Parallel()
	state, seen := stateDir(t), filepath.Join(t.TempDir(), "seen")
	d := start(t, door(state, "echo", policy(t, crashPolicy), self(t, "witness", seen)), nil)
	d.hello(`{}`)
	replies := make([]<-chan json.RawMessage, 60) // the policy lets 64 run at once
	for i := range replies {
		var err error
		tool := [...]string{"echo", "put"}[i%2]
		if replies[i], err = d.ask(i+1, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":{"text":"c%d"}}`, tool, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.bye(); err != nil {
		t.Errorf("the door ended with %v; standard error:\n%s", err, d.err)
	}
	for i, reply := range replies {
		select {
		case got := <-reply:
			if !strings.Contains(unmarked(string(got)), fmt.Sprintf(`"text":"c%d"`, i)) {
				t.Errorf("call %d: %s", i, got)
			}
		default:
			t.Errorf("call %d has no answer", i)
		}
	}
	gone(t, seen)
	sound(t, state, 1)
}

// TestInputClosedWhileACallHangs closes it behind a call that never ends: after the
// grace of the policy the call is answered, and the door ends with its server.
func TestInputClosedWhileACallHangs(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	d := start(t, door(state, "sdk", policy(t, "limits: {shutdown: 200ms}\n"), self(t, "sdk-server")), nil)
	d.hello(`{}`)
	reply, err := d.ask(1, "tools/call", `{"name":"wait","arguments":{},"_meta":{"progressToken":1}}`)
	if err != nil {
		t.Fatal(err)
	}
	d.until("progress", func(_, notes []string) bool { return mentions(notes, "notifications/progress") })
	if err := d.bye(); err != nil {
		t.Errorf("the door ended with %v; standard error:\n%s", err, d.err)
	}
	select {
	case got := <-reply:
		if !strings.Contains(string(got), `"code":"gateway_shutdown"`) {
			t.Errorf("the call was answered with %s", got)
		}
	default:
		t.Error("the call has no answer")
	}
	sound(t, state, 1)
}

// TestTenMegabytes passes a huge argument and the huge result that echoes it.
func TestTenMegabytes(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	d := start(t, door(state, "echo", policy(t, "redact: {max_result: 16MiB}\n"), echoServer()), nil)
	d.hello(`{}`)
	big := strings.Repeat("0123456789abcdef", 10<<20/16)
	if got := unmarked(d.tool(1, "echo", `{"text":"`+big+`"}`)); got != `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"`+big+`"}]}}` {
		t.Errorf("%d bytes came back, beginning with %.200s", len(got), got)
	}
	// Over the bound of 16 MiB the door says so and lives on.
	reply, err := d.ask(2, "tools/call", `{"name":"echo","arguments":{"text":"`+strings.Repeat("x", 17<<20)+`"}}`)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-reply:
		if !strings.Contains(string(got), `wire_size`) {
			t.Errorf("17 MiB got %s", got)
		}
	case <-time.After(patience):
		t.Errorf("17 MiB got no answer; standard error:\n%s", d.err)
	}
	if got := d.tool(3, "echo", `{"text":"after"}`); !strings.Contains(got, "after") {
		t.Errorf("after a message that is too long: %s", got)
	}
	if err := d.bye(); err != nil {
		t.Errorf("the door ended with %v; standard error:\n%s", err, d.err)
	}
	sound(t, state, 1)
}

// TestIdleMemory says how much memory an idle door holds. Nothing is asserted
// here; bench does.
func TestIdleMemory(t *testing.T) {
	if raced {
		t.Skip("the race detector multiplies memory")
	}
	d := start(t, door(stateDir(t), "echo", nil, echoServer()), nil)
	d.hello(`{}`)
	d.tool(1, "echo", `{"text":"hello"}`)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no /proc here")
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if strings.HasPrefix(line, "VmRSS:") || strings.HasPrefix(line, "RssAnon:") {
			t.Log("an idle door after one call: ", strings.Join(strings.Fields(line), " "))
		}
	}
	if err := d.bye(); err != nil {
		t.Errorf("the door ended with %v; standard error:\n%s", err, d.err)
	}
}
