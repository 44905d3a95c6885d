package pin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ostiary/ostiary"
)

// keyed is who answers over TLS with this key.
func keyed(key string) Identity {
	return Peer("https://notes.example/mcp", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{RawSubjectPublicKeyInfo: []byte(key)}}})
}

// TestAnotherKeyAsksNobody: to ask about a call its server must be asked for its tools,
// with the credential. The positive control is a program, about which a person is asked.
func TestAnotherKeyAsksNobody(t *testing.T) {
	for _, ask := range []bool{false, true} {
		h := newHouse(t, func(o *Options) {
			if ask {
				o.Changed = Ask
			}
		})
		h.see("notes", keyed("A"), readTool)
		if err := h.pins.Meet(t.Context(), "notes", keyed("A")); err != nil {
			t.Errorf("who was accepted is refused: %v", err)
		}
		if err := h.pins.Meet(t.Context(), "notes", keyed("B")); !errors.Is(err, ostiary.CodePinUpstream) {
			t.Errorf("asks %t: another key is met: %v", ask, err)
		}
		d := h.refused(ostiary.CodePinUpstream, "notes", keyed("B"), readTool)
		h.allowed("notes", keyed("A"), readTool)
		if done := h.accept(Accept{Upstream: "notes"}); len(done) != 1 || done[0].Now.Text != keyed("B").String() {
			t.Errorf("accepted: %+v, after %q", done, d.Message)
		}
		if err := h.pins.Meet(t.Context(), "notes", keyed("B")); err != nil {
			t.Errorf("what was accepted is refused: %v", err)
		}
		h.refused(ostiary.CodePinUpstream, "notes", keyed("A"), readTool)

		h.see("files", files, readTool)
		if d := h.check("files", Program([]string{"/x"}, "/"), readTool); ask != (d.Verdict == ostiary.Ask) {
			t.Errorf("control: asks %t: %+v", ask, d)
		}
	}
}

// TestTwoAtFirstSight: several rooms over one state directory meet a server at the same
// moment that none has seen before, each behind another key. One key is pinned, and who
// has the others is refused before anything is said to it.
func TestTwoAtFirstSight(t *testing.T) {
	dir := t.TempDir()
	const doors = 6
	var got [doors]error
	var notes [doors]*journal
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range doors {
		h := houseOver(t, openStore(t, dir), nil)
		notes[i] = h.notes
		if _, err := h.pins.known(t.Context(), h.pins.o.Ticks()); err != nil { // each knows that nobody knows it
			t.Fatal(err)
		}
		all.Go(func() {
			<-begin
			got[i] = h.pins.Meet(t.Context(), "notes", keyed(fmt.Sprint(i)))
		})
	}
	close(begin)
	all.Wait()
	h := houseOver(t, openStore(t, dir), nil)
	met, created := 0, 0
	for i, err := range got {
		names := notes[i].names()
		created += strings.Count(names, "pin_created") - strings.Count(strings.ReplaceAll(names, "pin_changed pin_undone", ""), "pin_undone")
		again := h.pins.Meet(t.Context(), "notes", keyed(fmt.Sprint(i)))
		switch {
		case err == nil && again == nil:
			met++
		case !errors.Is(err, ostiary.CodePinUpstream) || !errors.Is(again, ostiary.CodePinUpstream):
			t.Errorf("the key %d: %v, and later %v", i, err, again)
		}
	}
	if met != 1 || created != 1 {
		t.Errorf("%d keys were taken at first sight, %d are noted", met, created)
	}
}

// TestFirstSightIsNoted: a key that cannot be noted is not taken.
func TestFirstSightIsNoted(t *testing.T) {
	h := newHouse(t, nil)
	h.notes.err = ostiary.CodeAuditUnavailable
	if err := h.pins.Meet(t.Context(), "notes", keyed("A")); !errors.Is(err, ostiary.CodeAuditUnavailable) {
		t.Errorf("got %v", err)
	}
	h.notes.err = nil
	if err := h.pins.Meet(t.Context(), "notes", keyed("A")); err != nil || h.notes.names() != "pin_created" {
		t.Errorf("got %v, noted %s", err, h.notes.names())
	}
	h.see("notes", keyed("A"), readTool) // the tools are at first sight yet
	h.allowed("notes", keyed("A"), readTool)
}

// TestWhoIsLeft: what runs with a server ends when a person accepts another one in its
// place, and goes on where both count, or where it cannot be told.
func TestWhoIsLeft(t *testing.T) {
	h := newHouse(t, nil)
	left := func(key string) error {
		t.Helper()
		why, err := h.pins.Left(t.Context(), "notes", keyed(key).Digest())
		if err != nil {
			t.Fatal(err)
		}
		return why
	}
	for _, key := range []string{"A", "B", "C"} {
		_ = h.pins.Meet(t.Context(), "notes", keyed(key)) // all but the first wait
		if left("A") != nil {
			t.Errorf("what only waits ends what runs: %v", left("A"))
		}
		if key == "B" {
			h.accept(Accept{Upstream: "notes", Also: true})
			if left("A") != nil || left("B") != nil {
				t.Errorf("both count, and are left: %v, %v", left("A"), left("B"))
			}
		}
	}
	h.accept(Accept{Upstream: "notes"})
	for _, key := range []string{"A", "B"} {
		if why := left(key); !errors.Is(why, ostiary.CodePinUpstream) || !strings.Contains(why.Error(), "look before you repeat it") {
			t.Errorf("%s: %v", key, why)
		}
	}
	if left("C") != nil {
		t.Error("what was accepted is left")
	}
	none := New(Options{Clock: noon})
	defer none.Close()
	if why, err := none.Left(t.Context(), "notes", keyed("A").Digest()); why != nil || !errors.Is(err, ostiary.CodeStoreUnavailable) {
		t.Errorf("got %v, %v", why, err)
	}
}
