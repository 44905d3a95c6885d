package grant

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// taken is the hold of a call that took a use.
func (h *house) taken(ctx context.Context, tool string) *ostiary.Hold {
	h.t.Helper()
	d, err := h.gate.Check(ctx, call(tool))
	if err != nil || !d.Settles {
		h.t.Fatalf("%+v, %v", d, err)
	}
	if err := d.Hold.Commit(); err != nil {
		h.t.Fatal(err)
	}
	return d.Hold
}

// TestACallThatDidNotRunTakesNoUse: of the grant, of its ancestors, in this
// process and in another one, also after its client has gone.
func TestACallThatDidNotRunTakesNoUse(t *testing.T) {
	h := newHouse(t)
	root := h.give(Terms{Pattern: "files/*", Uses: 1})
	child := h.give(Terms{Parent: root.ID, Uses: 1, For: time.Minute})
	other := h.newGate()
	if got := h.used(root.ID) + h.used(child.ID); got != 0 {
		t.Fatalf("control: used %d times", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	hold := h.taken(ctx, "delete_file")
	if h.used(root.ID) != 1 || h.used(child.ID) != 1 {
		t.Fatal("control: the use was not taken")
	}
	h.expect("control: none is left", call("delete_file"), "asks")
	cancel()
	for range 3 { // and not once more
		hold.Release()
	}
	if h.used(root.ID) != 0 || h.used(child.ID) != 0 {
		t.Errorf("used: %d of the root, %d of the child", h.used(root.ID), h.used(child.ID))
	}
	if got := h.try(other, call("delete_file")); got != "grant "+child.ID {
		t.Errorf("another process: %s", got)
	}
	hold.Release() // behind somebody else's use
	if h.used(root.ID) != 1 || h.used(child.ID) != 1 {
		t.Error("the use of another call was given back")
	}
	h.expect("one use is one use", call("delete_file"), "asks")
}

func TestOnlyWhatWasTakenIsGivenBack(t *testing.T) {
	h := newHouse(t)
	g := h.give(Terms{Uses: 2})
	d, err := h.gate.Check(t.Context(), call("delete_file"))
	if err != nil {
		t.Fatal(err)
	}
	h.taken(t.Context(), "delete_file")
	d.Hold.Release() // never committed
	if n := h.used(g.ID); n != 1 {
		t.Errorf("without a commit: used %d times", n)
	}
	if _, err := h.desk.Revoke(t.Context(), g.ID, dora, "a mistake"); err != nil {
		t.Fatal(err)
	}
	if err := d.Hold.Commit(); !errors.Is(err, ostiary.CodeGrantRevoked) {
		t.Fatal(err)
	}
	d.Hold.Release() // its commit failed
	if n := h.used(g.ID); n != 1 {
		t.Errorf("after a commit that failed: used %d times", n)
	}
}

// TestAUseThatComesBackDoesNotRevive: who takes a grant back while its use is on
// the way back has taken it back.
func TestAUseThatComesBackDoesNotRevive(t *testing.T) {
	h := newHouse(t)
	g := h.give(Terms{Uses: 1})
	hold := h.taken(t.Context(), "delete_file")
	if _, err := h.desk.Revoke(t.Context(), g.ID, dora, "a mistake"); err != nil {
		t.Fatal(err)
	}
	hold.Release()
	h.expect("revoked", call("delete_file"), "asks")
	if got, err := h.desk.Get(t.Context(), g.ID); err != nil || got.State(h.clock()) != "revoked" || got.Used != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestAUseThatCannotComeBackIsUsed: the safe side.
func TestAUseThatCannotComeBackIsUsed(t *testing.T) {
	h := newHouse(t)
	g := h.give(Terms{Uses: 1})
	hold := h.taken(t.Context(), "delete_file")
	h.gate.o.Store = broken{h.st}
	hold.Release()
	h.gate.o.Store = h.st
	hold.Release() // whether the first has changed anything is not known
	if n := h.used(g.ID); n != 1 {
		t.Errorf("used %d times", n)
	}
	if !strings.Contains(h.log.String(), "could not be given back") {
		t.Errorf("nobody was told: %s", h.log.String())
	}
}

// TestUsesAddUpWhateverComesBack: calls that run and calls that do not, at once.
func TestUsesAddUpWhateverComesBack(t *testing.T) {
	h := newHouse(t)
	const ran, refused = 20, 20
	g := h.give(Terms{Uses: ran + refused})
	var wg sync.WaitGroup
	for i := range ran + refused {
		wg.Go(func() {
			d, err := h.gate.Check(context.Background(), call("delete_file"))
			if err != nil || !d.Settles {
				t.Errorf("%+v, %v", d, err)
				return
			}
			if err := d.Hold.Commit(); err != nil {
				t.Error(err)
			}
			if i%2 == 0 {
				d.Hold.Release()
			}
		})
	}
	wg.Wait()
	if n := h.used(g.ID); n != ran {
		t.Errorf("used %d times, want %d", n, ran)
	}
}
