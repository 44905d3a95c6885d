package team

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/wire"
)

// clock is one that the test moves.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// clockedDoor is a door in this process, wired as `ostiary serve` wires it, whose
// clock the test moves.
func clockedDoor(t *testing.T, policy string, s *shared) (*door, *clock) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(file, []byte("version: 1\n"+policy), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := config.Load(file, config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	w := config.Wiring{
		State: filepath.Join(dir, "state"), Program: program, Version: "test", Home: dir, User: "test",
		WorkingDir: func(string) string { return dir }, Log: log, Now: c.now, Rand: rand.Reader,
	}
	h, err := f.Build(w)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(nil)
	url := "http://" + front.Listener.Addr().String() + "/notes/mcp"
	resource, err := auth.NewResource(auth.ResourceOptions{URL: url, Name: "notes"})
	if err != nil {
		t.Fatal(err)
	}
	check, err := f.NewAuth(w, h.Store(), func(*http.Request) []string { return []string{resource.Audience()} }, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	e := gateway.NewEndpoint(gateway.HTTPOptions{
		Authenticate: check.Authenticate,
		Refuse: func(w http.ResponseWriter, _ *http.Request, err error) {
			status, _ := resource.Challenge(err, nil)
			http.Error(w, ostiary.AsError(err).Message, status)
		},
		Door: gateway.Options{
			Line: h.Line, Policy: h.Policy, Pins: h.Pins(), Upstream: "notes",
			Remote: &gateway.Remote{URL: s.URL, Client: &http.Client{Transport: transport}},
			Limits: wire.Limits{MaxBytes: 1 << 20}, CatalogWait: patience, Grace: time.Second,
			Log: log, Now: c.now, Rand: rand.Reader,
		},
		WriteWait: patience, IdleSession: time.Hour, Sessions: 10, Log: log,
	})
	front.Config.Handler = e
	front.Start()
	d := &door{t: t, url: url, state: w.State, client: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(func() {
		e.Close()
		d.client.CloseIdleConnections()
		front.CloseClientConnections()
		front.Close()
		transport.CloseIdleConnections()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, c
}
