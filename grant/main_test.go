package grant

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

// house is a store on disk, the desk and the gate over it, and their clock.
type house struct {
	t    *testing.T
	dir  string
	desk *Desk
	gate *Gate
	st   ostiary.Store

	mu     sync.Mutex
	now    time.Time
	events []ostiary.Event
	fails  error // of the journal
	log    bytes.Buffer
}

var dora = Who{Name: "dora", Channel: "cli"}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// Note implements ostiary.Journal.
func (h *house) Note(e ostiary.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fails != nil {
		return h.fails
	}
	h.events = append(h.events, e)
	return nil
}

// Write keeps what is logged.
func (h *house) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(b)
}

func (h *house) noted() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for _, e := range h.events {
		names = append(names, e.Name)
	}
	return names
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, dir: filepath.Join(t.TempDir(), "state"), now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	s, err := store.Open(store.Options{Dir: h.dir, Clock: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h.st = s
	h.desk = NewDesk(DeskOptions{Store: s, Journal: h, Clock: h.clock, Rand: rand.Reader, Check: func(_, when string) error {
		if strings.Contains(when, "misspelt") {
			return errors.New("no such argument")
		}
		return nil
	}})
	h.gate = h.newGate()
	return h
}

// newGate is the gate of one more process.
func (h *house) newGate() *Gate {
	return New(Options{Store: h.st, Journal: h, Clock: h.clock, Compile: compile, Logger: textLogger(h)})
}

// compile knows conditions of the form "argument=value".
func compile(_ string, _ *ostiary.Call, when string) (ostiary.Condition, error) {
	name, value, ok := strings.Cut(when, "=")
	if !ok {
		return ostiary.Condition{}, errors.New("no condition")
	}
	return ostiary.Condition{Source: when, Holds: func(_ context.Context, c *ostiary.Call) (bool, error) {
		args, _ := c.Args.(map[string]any)
		v, sent := args[name]
		if !sent {
			return false, errors.New("absent")
		}
		return v == value, nil
	}}, nil
}

// rule asks for everything.
func rule() *ostiary.Rule {
	return &ostiary.Rule{Pattern: "files/*", Effect: ostiary.EffectDestructive, Ask: "it deletes"}
}

func call(tool string) *ostiary.Call {
	return &ostiary.Call{
		ID: "c1", Principal: ostiary.Principal{ID: "alice"}, Session: "s1", Upstream: "files", Method: "tools/call",
		Class: ostiary.ClassTool, Target: tool, Rule: rule(), Effect: ostiary.EffectDestructive, Args: map[string]any{"path": "a"},
	}
}

// give makes a grant; what is not said is alice's, for files/delete_file.
func (h *house) give(n Terms) Grant {
	h.t.Helper()
	g, _ := h.token(n)
	return g
}

func (h *house) token(n Terms) (Grant, string) {
	h.t.Helper()
	if n.Principal == "" && n.Parent == "" {
		n.Principal = "alice"
	}
	if n.Pattern == "" {
		n.Pattern = "files/delete_file"
	}
	if n.Reason == "" {
		n.Reason = "cleaning up"
	}
	g, token, err := h.desk.Create(h.t.Context(), n, dora)
	if err != nil {
		h.t.Fatal(err)
	}
	h.pass(stale) // so that the gate looks again
	return g, token
}

// try takes a call through the gate as the line does: "asks", the code of a
// denial, or under what it ran.
func (h *house) try(g *Gate, c *ostiary.Call) string {
	h.t.Helper()
	d, err := g.Check(h.t.Context(), c)
	if err != nil {
		return string(ostiary.AsError(err).Code)
	}
	if d.Verdict == ostiary.Ask && d.Code == ostiary.CodeGrantExpired {
		return "asks"
	}
	if d.Verdict != ostiary.Allow {
		h.t.Fatalf("the gate answered %+v", d)
	}
	if d.Hold != nil {
		if err := d.Hold.Commit(); err != nil {
			return string(ostiary.AsError(err).Code)
		}
	}
	if !d.Settles {
		return "asks"
	}
	return d.Under
}

func (h *house) expect(what string, c *ostiary.Call, want string) {
	h.t.Helper()
	if got := h.try(h.gate, c); got != want {
		h.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func (h *house) used(id string) int {
	h.t.Helper()
	g, err := h.desk.Get(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return g.Used
}
