package config

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/freeze"
	"github.com/ostiary/ostiary/idempotency"
)

// waiting is a house whose calls wait, and the directory that they work in.
type waiting struct {
	*House
	t    *testing.T
	file *File
	dir  string
	ran  int
	book interface{ Tool(string) *ostiary.Rule }
	n    int
	// definition is that of the tool.
	definition ostiary.Digest
}

const waitingTool = `{"type":"object","properties":{"path":{"type":"string"}}}`

func newWaiting(t *testing.T, policy string) *waiting {
	t.Helper()
	dir, path := write(t, policy)
	f, err := Load(path, Options{Home: "/home/me"})
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(t.TempDir(), "state")
	for _, d := range []string{state, filepath.Join(dir, "ws", "sub"), filepath.Join(dir, "outside")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h, err := f.Build(Wiring{
		State: state, Program: "/nowhere", Home: "/home/me", WorkingDir: func(string) string { return filepath.Join(dir, "ws") },
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	book, problems := h.Policy.Compile("up", []ostiary.Tool{{Upstream: "up", Name: "remove", InputSchema: []byte(waitingTool)}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return &waiting{House: h, t: t, file: f, dir: dir, book: book, definition: sees(t, h, "remove")}
}

func (w *waiting) call(path, key string) *ostiary.Call {
	w.n++
	args := map[string]any{"path": path}
	raw, err := json.Marshal(args)
	if err != nil {
		w.t.Fatal(err)
	}
	rule := w.book.Tool("remove")
	return &ostiary.Call{
		ID: "call-" + string(rune('a'+w.n)), Received: time.Now(), Principal: ostiary.Principal{ID: "alice"}, Session: "s", Upstream: "up",
		Method: "tools/call", Class: ostiary.ClassTool, Target: "remove", Rule: rule, Effect: rule.Effect, Key: key,
		InputSchema: []byte(waitingTool), Arguments: raw, Args: args, Digest: sha256.Sum256(raw), Definition: w.definition,
	}
}

func (w *waiting) run(context.Context, *ostiary.Call) (*ostiary.Result, error) {
	w.ran++
	return &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{"content":[]}`)}, nil
}

// begin takes a call through a line in the background.
func (w *waiting) begin(l *ostiary.Line, c *ostiary.Call) chan ostiary.Decision {
	done := make(chan ostiary.Decision, 1)
	go func() {
		_, d := l.Do(w.t.Context(), c, w.run)
		done <- d
	}()
	return done
}

// polled is a store that tells when somebody polls it.
type polled struct {
	ostiary.Store
	seen chan struct{}
}

func (p polled) Version(ctx context.Context, bucket string) (int64, error) {
	select {
	case p.seen <- struct{}{}:
	default:
	}
	return p.Store.Version(ctx, bucket)
}

// TestAFreezeHoldsWhoWaitsForAKey: a call that is parked behind the first one with
// its idempotency key has passed the freeze, and asks nobody. It must not run when
// the first one is withdrawn. The control is the same without the freeze.
func TestAFreezeHoldsWhoWaitsForAKey(t *testing.T) {
	for _, frozen := range []bool{false, true} {
		w := newWaiting(t, "rules: [{tool: up/remove, effect: destructive, dangerously_unapproved: true}]\n")
		p := polled{w.people.store, make(chan struct{})}
		keys, err := idempotency.New(idempotency.Options{Store: p, Owner: "me", Alive: func(string) bool { return true }})
		if err != nil {
			t.Fatal(err)
		}
		who := *w.people
		who.idempotency = keys
		line, err := w.file.line(w.Policy, w.Audit, time.Now, nil, &who, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		first, err := keys.Check(t.Context(), w.call("a", "k"))
		if err != nil || first.Hold == nil {
			t.Fatal(first, err)
		}
		done := w.begin(line, w.call("a", "k"))
		<-p.seen // it is parked
		if frozen {
			desk := freeze.NewDesk(freeze.DeskOptions{Store: w.people.store, Journal: w.Audit, Clock: time.Now})
			if _, err := desk.Freeze(t.Context(), freeze.Scope{All: true}, false, freeze.Who{Name: "olga", Channel: "cli"}, "stop"); err != nil {
				t.Fatal(err)
			}
		}
		first.Hold.Release()
		d := <-done
		if !frozen && (d.Verdict != ostiary.Allow || w.ran != 1) {
			t.Errorf("control: %+v, ran %d times", d, w.ran)
		}
		if frozen && (d.Code != ostiary.CodeFreezeActive || w.ran != 0) {
			t.Errorf("frozen: %+v, ran %d times", d, w.ran)
		}
	}
}

// TestAnApprovedCallIsJudgedAnew: while the question stands, somebody puts a link
// that leads out of the workspace where the path leads. The answer is given back.
func TestAnApprovedCallIsJudgedAnew(t *testing.T) {
	for name, policy := range map[string]string{
		"a check":    "rules: [{tool: up/remove, effect: destructive, args: {/path: {path: ./ws}}}]\n",
		"a deny row": "rules: [{tool: up/remove, effect: destructive}]\ndeny: [{tool: up/remove, args: {/path: {under: [./outside]}}, reason: no}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWaiting(t, policy)
			desk, err := approval.NewDesk(approval.DeskOptions{Store: w.people.store, Journal: w.Audit})
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(w.dir, "ws", "sub", "notes.txt")
			ask := func(meanwhile func()) (approval.Request, ostiary.Decision) {
				done := w.begin(w.Line, w.call(path, ""))
				var r approval.Request
				found := errors.New("found")
				if err := desk.Watch(t.Context(), 0, func(all []approval.Request) error {
					if len(all) == 0 {
						return nil
					}
					r = all[0]
					return found
				}); !errors.Is(err, found) {
					t.Fatal(err)
				}
				meanwhile()
				if _, err := desk.Approve(t.Context(), r.ID, approval.Who{Name: "olga", Channel: "cli"}, approval.Confirm); err != nil {
					t.Fatal(err)
				}
				d := <-done
				r, err := desk.Get(t.Context(), r.ID)
				if err != nil {
					t.Fatal(err)
				}
				return r, d
			}
			if r, d := ask(func() {}); d.Verdict != ostiary.Allow || r.State != approval.Used || w.ran != 1 {
				t.Fatalf("control: %+v, %s, ran %d times", d, r.State, w.ran)
			}
			sub := filepath.Join(w.dir, "ws", "sub")
			r, d := ask(func() {
				if err := errors.Join(os.Rename(sub, sub+".old"), os.Symlink("../outside", sub)); err != nil {
					t.Fatal(err)
				}
			})
			if d.Code != ostiary.CodeValidatePath && d.Code != ostiary.CodePolicyDeny || w.ran != 1 || r.State != approval.Approved {
				t.Fatalf("with a link: %+v, %s, ran %d times", d, r.State, w.ran)
			}
			if err := errors.Join(os.Remove(sub), os.Rename(sub+".old", sub)); err != nil {
				t.Fatal(err)
			}
			if _, d := w.Line.Do(t.Context(), w.call(path, ""), w.run); d.Verdict != ostiary.Allow || w.ran != 2 {
				t.Errorf("as it was approved: %+v, ran %d times", d, w.ran)
			}
		})
	}
}
