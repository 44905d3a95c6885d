package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// site is an `ostiary serve`.
type site struct {
	t             *testing.T
	state, socket string
	url           string // of the endpoint
	mark          string // in the command lines of its servers
	said          *lockedBuffer
	cmd           *exec.Cmd
}

// serve starts `ostiary serve` with a socket and a port, in front of the SDK's
// server.
func serve(t *testing.T) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "ostiary-door-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &site{t: t, state: stateDir(t), socket: filepath.Join(dir, "door"), said: &lockedBuffer{}, mark: filepath.Base(dir) + "-server"}
	command, err := json.Marshal(self(t, "sdk-server", s.mark))
	if err != nil {
		t.Fatal(err)
	}
	argv := append([]string{"serve", "--state", s.state, "--listen", "127.0.0.1:0", "--socket", s.socket}, policy(t, fmt.Sprintf(
		"upstreams: {sdk: {command: %s, cwd: %q}}\npin: {dangerously_unpinned: true}\nrules:\n  - {method: sdk/sampling/createMessage}\n", command, t.TempDir()))...)
	s.cmd = exec.Command(filepath.Join(bin, "ostiary"), argv...)
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan string, 1), make(chan struct{})
	at := regexp.MustCompile(`^serving sdk at (http://\S+)$`)
	go func() {
		defer close(ended)
		url := ""
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(s.said, lines.Text())
			if m := at.FindStringSubmatch(lines.Text()); m != nil {
				url = m[1]
			} else if strings.HasPrefix(lines.Text(), "serving sdk at "+s.socket) {
				ready <- url
			}
		}
	}()
	select {
	case s.url = <-ready:
	case <-ended:
		t.Fatalf("serve did not start: %v\n%s", s.cmd.Wait(), s.said)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			s.end(syscall.SIGTERM)
		}
		<-ended
	})
	return s
}

func (s *site) end(how syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(how); err != nil {
		s.t.Error(err)
	}
	if err := s.cmd.Wait(); err != nil && how != syscall.SIGKILL {
		s.t.Errorf("serve ended with %v\n%s", err, s.said)
	}
}

// connect is the command line of `ostiary connect`.
func connect(args ...string) []string {
	return append([]string{filepath.Join(bin, "ostiary"), "connect"}, args...)
}

// keyFile makes an API key and puts it into a file.
func (s *site) keyFile(scopes ...string) string {
	s.t.Helper()
	args := []string{"key", "create", "--principal", "rita", "--for", "1h", "--reason", "test", "--json", "--state", s.state}
	for _, one := range scopes {
		args = append(args, "--scope", one)
	}
	out, err := exec.Command(filepath.Join(bin, "ostiary"), args...).Output()
	var made struct{ Secret string }
	if err == nil {
		err = json.Unmarshal(out, &made)
	}
	if err != nil || made.Secret == "" {
		s.t.Fatalf("no key: %v\n%s", err, out)
	}
	path := filepath.Join(s.t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(made.Secret+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// records are the lines of the evidence.
func (s *site) records() string {
	s.t.Helper()
	out, err := exec.Command(filepath.Join(bin, "ostiary"), "audit", "query", "--json", "--limit", "10000", "--state", s.state).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(out)
}

// TestConnectSDK has the SDK's client start `ostiary connect`, in both eras, over
// the socket and over TCP with an API key.
func TestConnectSDK(t *testing.T) {
	s := serve(t)
	for way, args := range map[string][]string{
		"socket": {s.socket},
		"port":   {"--token-file", s.keyFile(), strings.TrimSuffix(s.url, "/sdk/mcp")},
		"url":    {"--token-file", s.keyFile(), s.url},
	} {
		for _, version := range []string{legacyVersion, modernVersion} {
			t.Run(way+" "+version, func(t *testing.T) {
				p := sdkThrough(t, version, connect(args...))
				if got := p.InitializeResult(); got.ProtocolVersion != version || got.ServerInfo.Name != "sdk" {
					t.Fatalf("handshake: %+v", got)
				}
				p.lists(t)
				p.calls(t)
				p.elsewhere(t)
				if got, _ := p.text("ask", question{"form"}); got != "accept Ada state-1" {
					t.Errorf("after a form: %q", got)
				}
				if got := <-p.elicited; got != "[asked by the server sdk] Your name?" {
					t.Errorf("the form says %q", got)
				}
				if got, r := p.text("ask", question{"sampling"}); r.IsError || !strings.Contains(got, "CreateMessage") {
					t.Errorf("after sampling: %q %+v", got, r)
				}
				if got := <-p.sampled; got != "two and two?" {
					t.Errorf("the model was asked %q", got)
				}
				if version == legacyVersion {
					p.changes(t)
					if err := p.Ping(t.Context(), nil); err != nil {
						t.Errorf("ping: %v", err)
					}
				}
				if stderr := p.stderr.String(); stderr != "" {
					t.Errorf("standard error:\n%s", stderr)
				}
			})
		}
	}
	log := s.records()
	for _, want := range []string{`"principal":"rita"`, `"session":"pid:`} {
		if !strings.Contains(log, want) {
			t.Errorf("the records lack %s", want)
		}
	}
}

// TestConnectEndsSessions closes the client's end: connect ends with status 0, its
// session and the process that was started for it are gone at once.
func TestConnectEndsSessions(t *testing.T) {
	s := serve(t)
	c := start(t, connect(s.socket), nil)
	c.hello(`{}`)
	if c.tool(1, "greet", `{"name":"Ada"}`); len(running(s.mark)) != 1 {
		t.Fatalf("control: %d servers run", len(running(s.mark)))
	}
	if err := c.bye(); err != nil {
		t.Errorf("connect ended with %v:\n%s", err, c.err)
	}
	gone(t, s.mark)
}

// TestConnectServerGone kills the door under a call: every open request gets an
// error, and the person the next step.
func TestConnectServerGone(t *testing.T) {
	s := serve(t)
	c := start(t, connect(s.socket), nil)
	c.hello(`{}`)
	reply, err := c.ask(5, "tools/call", `{"name":"wait","arguments":{},"_meta":{"progressToken":"w"}}`)
	if err != nil {
		t.Fatal(err)
	}
	c.until("the call runs", func(_, notes []string) bool {
		return slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, `"w"`) })
	})
	s.end(syscall.SIGKILL)
	if got := string(<-reply); !strings.Contains(got, "gateway_upstream") || !strings.Contains(got, "unknown") {
		t.Errorf("the open request got %s", got)
	}
	if got := c.call(9, "tools/list", `{}`); !strings.Contains(got, "gateway_upstream") || !strings.Contains(got, "ostiary serve") {
		t.Errorf("a later request got %s", got)
	}
	if err := c.bye(); err != nil {
		t.Errorf("connect ended with %v:\n%s", err, c.err)
	}
	if got := c.err.String(); !strings.Contains(got, "ostiary serve") {
		t.Errorf("standard error does not say what to do:\n%s", got)
	}
}
