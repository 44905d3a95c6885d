package e2e

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/grant"
	"github.com/ostiary/ostiary/store"
	"github.com/ostiary/ostiary/wire"
)

// handClock stands all but still until it is moved, so that minutes pass at once.
// Each reading is a nanosecond after the one before, as on a machine: who waits
// for no time at all has waited long enough at the next look.
type handClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *handClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(1)
	return c.t
}

func (c *handClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// house is a whole door in this process: a policy file, the rooms as config wires
// them, a state directory on disk, the official SDK's client before it and a
// server in a process of its own behind it. Only the clock is ours.
type house struct {
	*shelf
	t         *testing.T
	clock     *handClock
	state     string
	policy    string // the path of the file
	principal string
	tool      string // that is called; delete by default
	log       *lockedBuffer
	logs      int // that were opened so far

	client *mcp.ClientSession // of the door that is open; nil if none is
	built  *config.House
	done   chan error
}

// newHouse opens a house under these rules, for alice.
func newHouse(t *testing.T, rules string, files ...string) *house {
	t.Helper()
	h := &house{shelf: newShelf(t, files...), t: t, clock: &handClock{t: time.Now()}, state: stateDir(t), principal: "alice", log: &lockedBuffer{}}
	h.policy = policy(t, "approvals: {wait: 0s, notify: none}\nrules:\n"+rules)[1]
	h.open()
	t.Cleanup(func() {
		if h.client != nil {
			h.close()
		}
		sound(t, h.state, h.logs)
	})
	return h
}

func (h *house) file() *config.File {
	h.t.Helper()
	f, err := config.Load(h.policy, config.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

func (h *house) wiring() config.Wiring {
	return config.Wiring{
		State: h.state, Program: filepath.Join(bin, "ostiary"), Version: "test", Home: h.dir, User: h.principal,
		WorkingDir: func(string) string { return h.dir },
		Log:        slog.New(slog.NewTextHandler(h.log, nil)), Now: h.clock.now, Rand: rand.Reader,
	}
}

// open opens the door and the store, with what the policy file says now.
func (h *house) open() {
	h.t.Helper()
	f, w := h.file(), h.wiring()
	var err error
	if h.built, err = f.Build(w); err != nil {
		h.t.Fatal(err)
	}
	h.logs++
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := gateway.Run(context.Background(), gateway.Options{
			Line: h.built.Line, Policy: h.built.Policy, Pins: h.built.Pins(), Upstream: "files",
			Command: h.server(), Dir: h.dir, Env: os.Environ(),
			Principal: ostiary.Principal{ID: h.principal, Client: "e2e"}, Session: "seed",
			CatalogFile: filepath.Join(h.state, "catalog", "files.json"), Journal: h.built.Audit,
			Limits: wire.Limits{MaxBytes: f.Limits.Message}, CatalogWait: f.Limits.Catalog,
			StderrBytes: f.Limits.Stderr, Grace: f.Limits.Shutdown,
			In: inR, Out: outW, Stderr: h.log, Log: w.Log, Now: w.Now, Rand: w.Rand,
		})
		inR.CloseWithError(io.ErrClosedPipe)
		outW.Close()
		done <- err
	}()
	h.done = done
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	h.client, err = mcp.NewClient(&mcp.Implementation{Name: "e2e", Version: "1"}, nil).Connect(ctx,
		&mcp.IOTransport{Reader: outR, Writer: inW}, &mcp.ClientSessionOptions{ProtocolVersion: modernVersion})
	if err != nil {
		h.t.Fatalf("%v; the door says:\n%s", err, h.log)
	}
}

// close ends the client, the door, the log and the store.
func (h *house) close() {
	h.t.Helper()
	h.client.Close()
	h.client = nil
	var err error
	select {
	case err = <-h.done:
	case <-time.After(patience):
		err = errors.New("it does not end")
	}
	if err := errors.Join(err, h.built.Close()); err != nil {
		h.t.Fatalf("closing: %v; the door says:\n%s", err, h.log)
	}
}

// restart closes everything, changes something, and opens it again.
func (h *house) restart(change func()) {
	h.t.Helper()
	h.close()
	change()
	h.open()
}

// answer is what the agent got: the text, and the code if it was refused.
type answer struct{ code, text string }

// remove calls the tool of the server for a file.
func (h *house) remove(path string) answer {
	h.t.Helper()
	return h.call(fmt.Sprintf(`{"path":%q}`, path))
}

func (h *house) call(arguments string) answer {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	r, err := h.client.CallTool(ctx, &mcp.CallToolParams{Name: cmp.Or(h.tool, "delete"), Arguments: json.RawMessage(arguments)})
	if err != nil || len(r.Content) == 0 {
		h.t.Fatalf("%v, %+v; the door says:\n%s", err, r, h.log)
	}
	a := answer{text: unfenced(r.Content[0].(*mcp.TextContent).Text)}
	if d, ok := r.Meta[wire.MetaDecision].(map[string]any); ok {
		a.code = fmt.Sprint(d["code"])
	}
	if (a.code != "") != r.IsError {
		h.t.Fatalf("%+v", r)
	}
	return a
}

// passed checks that a call ran.
func (h *house) passed(a answer) {
	h.t.Helper()
	if a.code != "" || !strings.HasPrefix(a.text, "deleted ") {
		h.t.Fatalf("the call did not pass: %+v", a)
	}
}

// refused checks that a call was refused with this code and these words.
func (h *house) refused(a answer, code ostiary.Code, words ...string) {
	h.t.Helper()
	if a.code != string(code) {
		h.t.Fatalf("want %s, got %+v", code, a)
	}
	for _, w := range words {
		if !strings.Contains(a.text, w) {
			h.t.Fatalf("the agent is not told %q:\n%s", w, a.text)
		}
	}
}

// person opens the state directory beside the door, with a log of its own, as
// each command of the command line does.
func (h *house) person(do func(ctx context.Context, approvals *approval.Desk, grants *grant.Desk) error) {
	h.t.Helper()
	s, err := store.Open(store.Options{Dir: h.state, Clock: h.clock.now})
	if err != nil {
		h.t.Fatal(err)
	}
	journal, err := h.file().OpenAudit(h.wiring())
	if err != nil {
		h.t.Fatal(err)
	}
	h.logs++
	approvals, err := approval.NewDesk(approval.DeskOptions{Store: s, Journal: journal, Clock: h.clock.now})
	if err == nil {
		err = do(h.t.Context(), approvals, grant.NewDesk(grant.DeskOptions{
			Store: s, Journal: journal, Clock: h.clock.now, Rand: rand.Reader}))
	}
	if err := errors.Join(err, journal.Close(), s.Close()); err != nil {
		h.t.Fatal(err)
	}
}
