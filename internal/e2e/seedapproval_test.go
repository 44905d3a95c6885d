package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/grant"
)

const destructive = "  - {tool: files/delete, effect: destructive}\n"

var ada = approval.Who{Name: "ada", Channel: "cli"}

// asked checks that a call waits for a person and tells what to ask for, and
// returns the id of the request.
func (h *house) asked(a answer, words ...string) string {
	h.t.Helper()
	h.refused(a, ostiary.CodeApprovalPending, words...)
	m := regexp.MustCompile("`ostiary approve ([0-9a-z]+)`").FindStringSubmatch(a.text)
	if m == nil {
		h.t.Fatalf("the agent is not told what to ask for:\n%s", a.text)
	}
	return m[1]
}

func (h *house) approve(id string) {
	h.t.Helper()
	h.person(func(ctx context.Context, approvals *approval.Desk, _ *grant.Desk) error {
		_, err := approvals.Approve(ctx, id, ada, approval.Confirm)
		return err
	})
}

// TestSeedAnApprovalLetsOneCallPass: nothing runs before a person said yes, the
// repeated call runs once, and the next one asks again.
func TestSeedAnApprovalLetsOneCallPass(t *testing.T) {
	t.Parallel()
	h := newHouse(t, destructive, "a.txt")
	id := h.asked(h.remove("a.txt"))
	if again := h.asked(h.remove("a.txt")); again != id {
		t.Errorf("the same call is asked about twice, as %s and %s", id, again)
	}
	h.ran()
	h.approve(id)
	h.ran() // an approval does not run anything by itself
	h.passed(h.remove("a.txt"))
	h.ran("a.txt")
	if next := h.asked(h.remove("a.txt")); next == id {
		t.Errorf("request %s stands after it was used", id)
	}
	h.ran("a.txt")
}

// TestSeedADenialIsTold: the agent learns the reason, the call stays refused
// until the request ends, and then a person is asked anew.
func TestSeedADenialIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t, destructive, "a.txt", "b.txt")
	id, other := h.asked(h.remove("a.txt")), h.asked(h.remove("b.txt"))
	h.person(func(ctx context.Context, approvals *approval.Desk, _ *grant.Desk) error {
		_, err := approvals.Deny(ctx, id, ada, "not before the backup of tonight")
		return err
	})
	for range 2 {
		h.refused(h.remove("a.txt"), ostiary.CodeApprovalDenied, id, "not before the backup of tonight")
	}
	h.approve(other) // the control
	h.passed(h.remove("b.txt"))
	h.clock.move(10*time.Minute - time.Second)
	h.refused(h.remove("a.txt"), ostiary.CodeApprovalDenied, "not before the backup of tonight")
	h.clock.move(time.Second)
	if next := h.asked(h.remove("a.txt")); next == id {
		t.Errorf("request %s stands after its time", id)
	}
	h.ran("b.txt")
}

// TestSeedAnApprovalEnds: ten minutes after the question neither the question nor
// the answer counts. The control is a second before.
func TestSeedAnApprovalEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, destructive, "a.txt", "b.txt", "c.txt")
	late, unanswered, intime := h.asked(h.remove("a.txt")), h.asked(h.remove("b.txt")), h.asked(h.remove("c.txt"))
	h.approve(late)
	h.approve(intime)
	h.clock.move(10*time.Minute - time.Second)
	h.passed(h.remove("c.txt"))
	h.clock.move(time.Second)
	h.refused(h.remove("a.txt"), ostiary.CodeApprovalExpired, late, "repeat the call to ask again")
	if next := h.asked(h.remove("b.txt"), unanswered+" ended unanswered"); next == unanswered {
		t.Errorf("request %s stands after its time", next)
	}
	h.ran("c.txt")

	id := h.asked(h.remove("a.txt"))
	h.approve(id)
	h.passed(h.remove("a.txt"))
	h.ran("c.txt", "a.txt")
}

// TestSeedOneByteIsAnotherCall: arguments that differ in one byte do not run under
// the approval, which stays for what was approved. The same values spelt otherwise
// do not either, and void it: what runs would not be what was shown.
func TestSeedOneByteIsAnotherCall(t *testing.T) {
	t.Parallel()
	h := newHouse(t, destructive, "a.txt", "b.txt")
	id := h.asked(h.call(`{"path":"a.txt"}`))
	h.approve(id)
	for _, other := range []string{`{"path":"b.txt"}`, `{"path":"a.txt."}`, `{"path":"A.txt"}`} {
		if next := h.asked(h.call(other)); next == id {
			t.Errorf("%s is taken for what was approved", other)
		}
	}
	h.ran()
	h.passed(h.call(`{"path":"a.txt"}`)) // the control
	h.ran("a.txt")
	id = h.asked(h.call(`{"path":"b.txt"}`))
	h.approve(id)
	if next := h.asked(h.call(`{"path":"\u0062.txt"}`)); next == id {
		t.Error("another spelling is taken for what was approved")
	}
	if next := h.asked(h.call(`{"path":"b.txt"}`)); next == id {
		t.Error("the approval stands although the call was spelt otherwise")
	}
	h.ran("a.txt")
	if !h.has("b.txt") {
		t.Error("b.txt is gone")
	}
}

// TestSeedARestartLosesNoDecision closes the door and the store between the
// question and the answer, and between the answer and the repeated call. It runs
// once all the same, and the next one asks again, after one more restart too.
func TestSeedARestartLosesNoDecision(t *testing.T) {
	t.Parallel()
	h := newHouse(t, destructive, "a.txt")
	id := h.asked(h.remove("a.txt"))
	h.restart(func() { h.approve(id) }) // decided while no door is open
	h.restart(func() {})
	h.ran()
	h.passed(h.remove("a.txt"))
	h.ran("a.txt")
	next := h.asked(h.remove("a.txt"))
	h.restart(func() {})
	if again := h.asked(h.remove("a.txt")); next == id || again != next {
		t.Errorf("after %s was used, %s and then %s are asked", id, next, again)
	}
	h.ran("a.txt")
}

// accept has a person accept a tool that was refused because it changed, and
// opens the door again.
func (h *house) accept(tool string) {
	h.t.Helper()
	h.refused(h.remove("a.txt"), ostiary.CodePinChanged, "ostiary pin accept "+tool)
	out, err := exec.Command(filepath.Join(bin, "ostiary"), "pin", "accept", tool, "--reason", "a new release", "--state", h.state, "--config", h.policy).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%v:\n%s", err, out)
	}
	h.logs++
	h.restart(func() {})
}

// TestSeedAChangeVoidsAnApproval changes, between the answer and the repeated
// call, what the person had decided by. The call does not run, a person is asked
// about it as it is now, and that answer counts. That a restart alone voids
// nothing is tested above.
func TestSeedAChangeVoidsAnApproval(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(h *house)
		told   string
	}{
		{"policy", func(h *house) {
			b, err := os.ReadFile(h.policy)
			if err == nil {
				err = os.WriteFile(h.policy, append(b, "  - {tool: files/purge, effect: destructive}\n"...), 0o600)
			}
			if err != nil {
				h.t.Fatal(err)
			}
		}, "the policy has changed"},
		{"definition", func(h *house) { h.description = "Deletes a file, and what it likes." }, "the definition of the tool has changed"},
		{"principal", func(h *house) { h.principal = "bob" }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, destructive, "a.txt")
			id := h.asked(h.remove("a.txt"))
			h.approve(id)
			h.restart(func() { tt.change(h) })
			if tt.name == "definition" {
				h.accept("files/delete")
			}
			next := h.asked(h.remove("a.txt"), tt.told)
			if next == id {
				t.Errorf("request %s stands", id)
			}
			h.ran()
			h.approve(next)
			h.passed(h.remove("a.txt"))
			h.ran("a.txt")
			if want := map[bool]string{true: id, false: ""}[tt.name == "principal"]; h.stillApproved() != want {
				t.Errorf("%q can be used, want %q: an approval stays with whom it was given to", h.stillApproved(), want)
			}
		})
	}
}

// stillApproved are the ids of what is approved and not used.
func (h *house) stillApproved() string {
	h.t.Helper()
	var ids []string
	h.person(func(ctx context.Context, approvals *approval.Desk, _ *grant.Desk) error {
		all, err := approvals.List(ctx, approval.Filter{States: []approval.State{approval.Approved}})
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return err
	})
	return strings.Join(ids, " ")
}

// TestSeedAGrantIsForOnePrincipalOneToolAndItsUses: a grant outlives a restart,
// lets nobody else and nothing else pass, and a refused call takes no use.
func TestSeedAGrantIsForOnePrincipalOneToolAndItsUses(t *testing.T) {
	t.Parallel()
	h := newHouse(t, destructive+"  - {tool: files/purge, effect: destructive}\n", "a.txt", "b.txt")
	h.person(func(ctx context.Context, _ *approval.Desk, grants *grant.Desk) error {
		_, _, err := grants.Create(ctx, grant.Terms{Principal: "alice", Pattern: "files/delete", Uses: 2, Reason: "tidying"},
			grant.Who{Name: "ada", Channel: "cli"})
		return err
	})
	if a := h.call(`{"path":7}`); a.code != string(ostiary.CodeValidateSchema) {
		t.Errorf("a call that cannot pass: %+v", a)
	}
	h.restart(func() { h.principal = "bob" })
	h.asked(h.remove("a.txt"))
	h.restart(func() { h.principal = "alice" })
	h.tool = "purge"
	h.asked(h.remove("a.txt"))
	h.tool = ""
	h.ran()
	for i, path := range []string{"a.txt", "b.txt"} {
		h.passed(h.remove(path))
		h.ran([]string{"a.txt", "b.txt"}[:i+1]...)
	}
	h.asked(h.remove("a.txt"))
	h.ran("a.txt", "b.txt")
	if got := fmt.Sprint(h.has("a.txt"), h.has("b.txt")); got != "false false" {
		t.Error(got)
	}
}
