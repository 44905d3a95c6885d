package idempotency

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func TestALaterDenialFreesTheKey(t *testing.T) {
	s := openStore(t, stateDir(t))
	w := &world{}
	deny := gateFunc(func(context.Context, *ostiary.Call) (ostiary.Decision, error) {
		return ostiary.Decision{Code: ostiary.CodePolicyDeny, Message: "no: ask the operator"}, nil
	})
	g := newGate(t, s, nil)
	_, d := newLine(t, nil, g, deny).Do(t.Context(), pay("k", 1), w.run)
	want(t, "denied", d, ostiary.CodePolicyDeny, ostiary.Deny)
	if got := rows(t, s); len(got) != 0 {
		t.Errorf("left behind: %+v", got)
	}
	_, d = newLine(t, nil, g).Do(t.Context(), pay("k", 2), w.run)
	want(t, "another call with that key", d, "", ostiary.Allow)
}

// A call whose gates behind could not commit has not run, and its key is free.
func TestAFailedCommitBehindFreesTheKey(t *testing.T) {
	s := openStore(t, stateDir(t))
	w := &world{}
	g := newGate(t, s, nil)
	taken := gateFunc(func(context.Context, *ostiary.Call) (ostiary.Decision, error) {
		return ostiary.Decision{Verdict: ostiary.Allow, Hold: &ostiary.Hold{Commit: func() error { return errBroken }}}, nil
	})
	_, d := newLine(t, nil, g, taken).Do(t.Context(), pay("k", 1), w.run)
	want(t, "refused", d, ostiary.CodeInternal, ostiary.Deny)
	if got := rows(t, s); len(got) != 0 || w.runs != 0 {
		t.Errorf("%d runs, left behind: %+v", w.runs, got)
	}
	_, d = newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
	want(t, "the same call again", d, "", ostiary.Allow)
}

// A reservation that somebody took over does not commit.
func TestCommitNeedsTheKeyStill(t *testing.T) {
	s := openStore(t, stateDir(t))
	slow, err := newGate(t, s, func(o *Options) { o.Owner = "slow" }).Check(t.Context(), pay("k", 1))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{}
	g := newGate(t, s, func(o *Options) { o.Alive = func(string) bool { return false } })
	_, d := newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
	want(t, "takes over", d, "", ostiary.Allow)
	if err := slow.Hold.Commit(); ostiary.AsError(err).Code != ostiary.CodeIdempotencyRunning {
		t.Errorf("the first commits: %v", err)
	}
	slow.Hold.Release()
	_, d = newLine(t, nil, g).Do(t.Context(), pay("k", 1), w.run)
	want(t, "repetition", d, "", ostiary.Answer)
}

func TestAStoreThatIsDownDenies(t *testing.T) {
	s := openStore(t, stateDir(t))
	w := &world{}
	l := newLine(t, person(ostiary.Allow), newGate(t, s, nil))
	d, err := newGate(t, s, nil).Check(t.Context(), pay("half", 1))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, got := l.Do(t.Context(), pay("k", 1), w.run)
	want(t, "with a key", got, ostiary.CodeStoreUnavailable, ostiary.Deny)
	if err := d.Hold.Commit(); ostiary.AsError(err).Code != ostiary.CodeStoreUnavailable {
		t.Errorf("commit: %v", err)
	}
	if w.runs != 0 {
		t.Errorf("%d effects", w.runs)
	}
	_, got = l.Do(t.Context(), pay("", 1), w.run)
	want(t, "without a key", got, "", ostiary.Allow)
}

// What a process could not note it remembers itself.
func TestAnEndThatWasNotNoted(t *testing.T) {
	dir := stateDir(t)
	s := openStore(t, dir)
	f := &failing{Store: s}
	g := newGate(t, f, func(o *Options) { o.Clock = time.Now })
	w := &world{}
	l := newLine(t, nil, g)
	_, d := l.Do(t.Context(), pay("k", 1), func(ctx context.Context, c *ostiary.Call) (*ostiary.Result, error) {
		f.down = true
		return w.run(ctx, c)
	})
	want(t, "first", d, "", ostiary.Allow)
	f.down = false
	_, d = l.Do(t.Context(), pay("k", 1), w.run)
	want(t, "repetition", d, ostiary.CodeIdempotencyUnknown, ostiary.Deny)
	_, d = newLine(t, nil, g, gateFunc(func(context.Context, *ostiary.Call) (ostiary.Decision, error) {
		f.down = true
		return ostiary.Decision{Code: ostiary.CodePolicyDeny, Message: "no"}, nil
	})).Do(t.Context(), pay("j", 1), w.run)
	want(t, "denied", d, ostiary.CodePolicyDeny, ostiary.Deny)
	f.down = false
	_, d = l.Do(t.Context(), pay("j", 1), w.run)
	want(t, "its repetition", d, "", ostiary.Allow)
}

type failing struct {
	ostiary.Store
	down bool
}

func (f *failing) Update(ctx context.Context, do func(ostiary.Tx) error) error {
	if f.down {
		return &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Message: "down"}
	}
	return f.Store.Update(ctx, do)
}
