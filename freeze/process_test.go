package freeze

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

// childDir tells a child of this test binary the state directory in which it
// freezes everything.
const childDir = "OSTIARY_FREEZE_TEST"

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := store.Open(store.Options{Dir: dir})
	if err == nil {
		_, err = desk(s).Freeze(context.Background(), Scope{All: true}, true, me, "from another process")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// What another process freezes holds here: for new calls as soon as what is known
// is too old, for a call in flight within a second of real time.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	var clock ticker
	s := open(t, dir)
	judge, watch := New(Options{Store: s, Ticks: clock.now}), New(Options{Store: s})
	defer judge.Close()
	defer watch.Close()
	c := call("alice", "files", "x")
	if got := codeOf(judge.Check(t.Context(), c)); got != "" {
		t.Fatal(got)
	}
	p, end := inFlight(t, watch, call("alice", "files", "slow"))
	defer end()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	written := time.Now()
	clock.move(maxAge + 1)
	if got := codeOf(judge.Check(t.Context(), c)); got != ostiary.CodeFreezeActive {
		t.Errorf("a new call: %q", got)
	}
	select {
	case err := <-p.hung:
		t.Logf("the call in flight ended %v after the other process: %v", time.Since(written), err)
		if !is(err, ostiary.CodeFreezeActive) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second): // a second is promised, to a machine that has time
		t.Error("the call in flight goes on")
	}
}
