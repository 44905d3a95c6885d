package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

func stateDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func openStore(t testing.TB, dir string) *store.SQLite {
	t.Helper()
	return openStoreAt(t, dir, time.Now)
}

// openStoreAt opens a store that rows expire in by another clock.
func openStoreAt(t testing.TB, dir string, clock func() time.Time) *store.SQLite {
	t.Helper()
	s, err := store.Open(store.Options{Dir: dir, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newGate(t testing.TB, s ostiary.Store, change func(*Options)) *Gate {
	t.Helper()
	o := Options{Store: s, Owner: "this", Alive: func(string) bool { return true }}
	if change != nil {
		change(&o)
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// pen is a recorder that forgets.
type pen struct{}

func (pen) Begin(*ostiary.Call) (ostiary.Entry, error) { return pen{}, nil }
func (pen) Intent(ostiary.Decision) error              { return nil }
func (pen) End(ostiary.Outcome) error                  { return nil }

// person settles every question with one verdict.
type person ostiary.Verdict

func (person) Name() string { return "approval" }

func (p person) Settle(_ context.Context, _ *ostiary.Call, asks []ostiary.Decision) (ostiary.Decision, error) {
	if p == person(ostiary.Allow) {
		return ostiary.Allowed(), nil
	}
	return ostiary.Decision{Verdict: ostiary.Verdict(p), Code: asks[0].Code, Message: asks[0].Message}, nil
}

func newLine(t testing.TB, s ostiary.Settler, gates ...ostiary.Gate) *ostiary.Line {
	t.Helper()
	l, err := ostiary.New(ostiary.Options{Gates: gates, Settler: s, Recorder: pen{}, Timeout: time.Minute, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

type gateFunc func(context.Context, *ostiary.Call) (ostiary.Decision, error)

func (gateFunc) Name() string { return "test" }
func (f gateFunc) Check(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	return f(ctx, c)
}

var calls atomic.Int64

// pay is a call with an effect; its key is in the argument "key" unless that is
// empty.
func pay(key string, amount int) *ostiary.Call {
	args := map[string]any{"amount": json.Number(fmt.Sprint(amount))}
	if key != "" {
		args["key"] = key
	}
	raw, _ := json.Marshal(args)
	return &ostiary.Call{
		ID: fmt.Sprintf("call-%06d-%d", calls.Add(1), os.Getpid()), Principal: ostiary.Principal{ID: "alice"}, Session: "s",
		Upstream: "bank", Method: "tools/call", Class: ostiary.ClassTool, Target: "pay", Effect: ostiary.EffectSpend,
		Rule:      &ostiary.Rule{Source: "policy.yaml:3", Idempotency: ostiary.IdempotencyRule{Argument: "key"}},
		Arguments: raw, Args: args, Digest: sha256.Sum256(raw),
	}
}

// world counts effects.
type world struct {
	mu   sync.Mutex
	runs int
}

// answer is what the n-th run returns: bytes that no encoder would write again.
func answer(n int) []byte {
	return fmt.Appendf(nil, "{\"n\": %d ,\n\t\"big\":9007199254740993,\"f\":1.0e0,\"u\":\"\\u00e9\x7f\"}\n", n)
}

func (w *world) run(context.Context, *ostiary.Call) (*ostiary.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs++
	return &ostiary.Result{Status: ostiary.StatusOK, Body: answer(w.runs), Text: fmt.Sprintf("paid\n%d", w.runs)}, nil
}

func fails(err error) ostiary.Runner {
	return func(context.Context, *ostiary.Call) (*ostiary.Result, error) { return nil, err }
}

func rows(t testing.TB, s ostiary.Store) (all []ostiary.Row) {
	t.Helper()
	if err := s.View(t.Context(), func(tx ostiary.Tx) error {
		for r, err := range tx.List(bucket, ostiary.Query{}) {
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// want checks how a call ended. A code stands for a refusal.
func want(t testing.TB, what string, d ostiary.Decision, code ostiary.Code, v ostiary.Verdict) {
	t.Helper()
	if d.Code != code || d.Verdict != v {
		t.Errorf("%s: %v %q (%s; %s), want %v %q", what, d.Verdict, d.Code, d.Message, d.Reason, v, code)
	}
	if d.Verdict == ostiary.Deny && (d.Message == "" || strings.Contains(d.Message, "unexpected")) {
		t.Errorf("%s: the message %q does not help", what, d.Message)
	}
}

var errBroken = errors.New("broken")
