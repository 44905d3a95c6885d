package approval

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeNotifySend keeps what it was called with in the directory of its session,
// under a name of its own, and says so through the socket there.
const fakeNotifySend = `package main

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
)

func main() {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	b, _ := json.Marshal(map[string]any{"args": os.Args[1:], "env": os.Environ()})
	c, err := net.Dial("unix", filepath.Join(dir, "bus"))
	if err != nil {
		os.Exit(3)
	}
	c.Write(append(b, '\n'))
	c.(*net.UnixConn).CloseWrite()
	io.Copy(io.Discard, c) // hang as long as the other end does
}
`

func buildNotifySend(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	src, bin := filepath.Join(dir, "main.go"), filepath.Join(dir, "notify-send")
	if err := os.WriteFile(src, []byte(fakeNotifySend), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", bin, src).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// desktopBus is a desktop's environment whose bus is a socket of the test.
func desktopBus(t *testing.T) (env map[string]string, bus net.Listener) {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") // a short name: sockets allow no long ones
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return map[string]string{"XDG_RUNTIME_DIR": dir, "DISPLAY": ":0", "HOME": "/home/alice", "OSTIARY_SECRET": "hunter2"}, l
}

func TestDesktopNotifies(t *testing.T) {
	bin := buildNotifySend(t)
	env, bus := desktopBus(t)
	var log syncText
	n, ok := NewDesktop(DesktopOptions{
		Program: bin, Getenv: func(k string) string { return env[k] }, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") },
	})
	if !ok || n.Name() != "desktop" {
		t.Fatalf("%v, %v", n, ok)
	}
	r := webhookRequest(time.Now())
	r.Principal, r.Upstream = "-o; $(id) `id`", "files\x1b[31m\u202e\n"
	r.Target = `<b>hunter2</b> \342\200\256\012` + strings.Repeat("long", 1<<20)
	r.Warnings = []string{"it looks & smells like another"}
	if err := n.Notify(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	c, err := bus.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Args, Env []string }
	if err := json.NewDecoder(c).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got.Args) != 5 || got.Args[2] != "--" || got.Args[3] != "Approval needed" {
		t.Fatalf("%q", got.Args)
	}
	text := got.Args[4]
	want := "-o; $(id) `id` asks for files\\\\u{1b}[31m\\\\u{202e}\\\\n/&lt;b&gt;[redacted]&lt;/b&gt; \\\\342\\\\200\\\\256\\\\012long"
	if !strings.HasPrefix(text, want) || len(text) > 1000 || !strings.Contains(text, "… (destructive).\nostiary approvals show 06fxq2k8e9\nWarning: it looks &amp; smells") {
		t.Errorf("got  %.300q\nwant %q", text, want)
	}
	if env := strings.Join(got.Env, "\n"); strings.Contains(env, "hunter2") || !strings.Contains(env, "DISPLAY=:0") || strings.Contains(env, "PATH=") {
		t.Errorf("environment: %q", got.Env)
	}
	// The program has not ended, and more may start; but not any number.
	for i := range desktopAtOnce {
		if err := n.Notify(t.Context(), r); (err == nil) != (i < desktopAtOnce-1) {
			t.Errorf("notification %d beside the first: %v", i+1, err)
		}
	}
	c.Close()
	for range desktopAtOnce - 1 {
		c, err := bus.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	// Once they have ended there is room again.
	d := n.(*desktop)
	for range desktopAtOnce {
		d.slots <- struct{}{}
	}
	if s := log.String(); s != "" {
		t.Errorf("%s", s)
	}
}

func TestDesktopSaysWhatFails(t *testing.T) {
	env, bus := desktopBus(t)
	bus.Close() // so that the program fails
	env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/gone"
	var log syncText
	n, ok := NewDesktop(DesktopOptions{Program: buildNotifySend(t), Getenv: func(k string) string { return env[k] }, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if !ok {
		t.Fatal("no desktop")
	}
	if err := n.Notify(t.Context(), webhookRequest(time.Now())); err != nil {
		t.Fatal(err)
	}
	d := n.(*desktop)
	for range desktopAtOnce {
		d.slots <- struct{}{}
	}
	if s := log.String(); !strings.Contains(s, "exit status 3") {
		t.Errorf("%q", s)
	}
	d = &desktop{program: "/gone", redact: webhookKeep, slots: make(chan struct{}, 1)}
	for range 2 { // the place is given back
		if err := d.Notify(t.Context(), webhookRequest(time.Now())); err == nil || !strings.Contains(err.Error(), "/gone") {
			t.Errorf("%v", err)
		}
	}
}

func TestNoDesktop(t *testing.T) {
	full, _ := desktopBus(t)
	plain := filepath.Join(t.TempDir(), "notify-send")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		program string
		without string
		ok      bool
	}{
		"all there":      {self, "", true},
		"no bus":         {self, "XDG_RUNTIME_DIR", false},
		"no display":     {self, "DISPLAY", false},
		"no program":     {"/gone/notify-send", "", false},
		"not executable": {plain, "", false},
		"a directory":    {filepath.Dir(plain), "", false},
		"relative":       {"desktop_test.go", "", false},
	} {
		n, ok := NewDesktop(DesktopOptions{Program: c.program, Getenv: func(k string) string {
			if k == c.without {
				return ""
			}
			return full[k]
		}})
		if ok != c.ok || (n != nil) != ok {
			t.Errorf("%s: %v, %v", name, n, ok)
		}
	}
}

// syncText is a log of several goroutines.
type syncText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncText) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
