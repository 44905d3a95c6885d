package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/wire"
)

// doorway is a directory with a policy and the state that several doors share.
type doorway struct {
	t             *testing.T
	state, policy string
}

func newDoorway(t *testing.T, policy string) *doorway {
	t.Helper()
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else every command takes a second more
	dir := t.TempDir()
	d := &doorway{t: t, state: filepath.Join(dir, "state"), policy: filepath.Join(dir, "policy.yaml")}
	if err := os.WriteFile(d.policy, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// open starts a door in front of a server, as the child of a shell, so that each
// has its own session. The server's input stands in the file seen.
func (d *doorway) open(name string) (session *mcp.ClientSession, seen string) {
	d.t.Helper()
	seen = filepath.Join(d.t.TempDir(), "seen")
	door := exec.Command("sh", "-c", `"$@"; exit $?`, "client", "ostiary", "run", "--state", d.state, "--config", d.policy, "--name", name, "--",
		"sh", "-c", "tee seen | echo-server")
	door.Dir = filepath.Dir(seen) // the same program in all of them: another one would have to be accepted
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(d.t.Context(), &mcp.CommandTransport{Command: door}, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { session.Close() })
	return session, seen
}

func (d *doorway) command(args ...string) string {
	d.t.Helper()
	args = append(args, "--state", d.state)
	out, err := exec.Command("ostiary", args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// answer is what an agent gets: the code of a refusal, "" if the call ran, and the
// text.
func (d *doorway) answer(res *mcp.CallToolResult, err error) (code, text string) {
	if err != nil || len(res.Content) != 1 {
		return fmt.Sprintf("no answer: %v", err), ""
	}
	if c, ok := res.Content[0].(*mcp.TextContent); ok {
		text = unmarked(c.Text)
	}
	decision, _ := res.Meta[wire.MetaDecision].(map[string]any)
	code, _ = decision["code"].(string)
	return code, text
}

func (d *doorway) call(s *mcp.ClientSession, tool, text string) (code, told string) {
	return d.answer(s.CallTool(d.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: map[string]any{"text": text}}))
}

// becomes calls until the answer has this code. Every call that begins more than a
// second after the change was made must have it, however busy the machine is.
func (d *doorway) becomes(what string, s *mcp.ClientSession, code string) {
	d.t.Helper()
	made := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		began := time.Now()
		got, text := d.call(s, "echo", "x")
		if got == code {
			return
		}
		if began.Sub(made) > time.Second {
			d.t.Fatalf("%s: a call more than a second later got %q (%s), want %q", what, got, text, code)
		}
		<-tick.C
	}
}

// TestFreezeHoldsInEveryDoor: three doors of two servers and three sessions; each
// kind of freeze stops those that it names within a second and no others, and
// lifting it lets them pass again.
func TestFreezeHoldsInEveryDoor(t *testing.T) {
	d := newDoorway(t, `version: 1
rules: [{tool: "*/echo", effect: read, world: closed}]
limits: {global: 1000000/s, per_principal: 1000000/s, per_tool: 1000000/s, per_principal_tool: 1000000/s}
`)
	peer, err := auth.OSPeer("/proc")
	if err != nil {
		t.Fatal(err)
	}
	doors := make([]*mcp.ClientSession, 3)
	for i, name := range []string{"one", "two", "one"} {
		doors[i], _ = d.open(name)
		d.becomes("before", doors[i], "")
	}
	found, err := audit.Query(t.Context(), d.state, audit.Filter{Upstream: "two", Tool: "echo"})
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	second := found[0].Record.Session
	for _, c := range []struct {
		scope []string
		held  [3]bool
	}{
		{[]string{"--all"}, [3]bool{true, true, true}},
		{[]string{"--principal", peer.User}, [3]bool{true, true, true}},
		{[]string{"--principal", "nobody-like-that"}, [3]bool{}},
		{[]string{"--upstream", "one"}, [3]bool{true, false, true}},
		{[]string{"--tool", "t*/ec*"}, [3]bool{false, true, false}},
		{[]string{"--tool", "one/put"}, [3]bool{}},
		{[]string{"--session", second}, [3]bool{false, true, false}},
	} {
		what := strings.Join(c.scope, " ")
		d.command(append([]string{"freeze", "--reason", "stop"}, c.scope...)...)
		frozen := time.Now()
		for i, held := range c.held {
			if held {
				d.becomes(fmt.Sprintf("%s, door %d", what, i), doors[i], "freeze_active")
			}
		}
		<-time.After(300*time.Millisecond - time.Since(frozen)) // until each must have looked
		for i, held := range c.held {
			if got, text := d.call(doors[i], "echo", "x"); (got == "freeze_active") != held {
				t.Errorf("%s, door %d: %q %s", what, i, cmp.Or(got, "ran"), text)
			}
		}
		d.command(append([]string{"unfreeze", "--reason", "go on"}, c.scope...)...)
		for i := range doors {
			d.becomes(fmt.Sprintf("%s lifted, door %d", what, i), doors[i], "")
		}
	}
	d.command("audit", "verify")
}

// until asks until there is something; tests that wait for a process use it.
func (d *doorway) until(what string, there func() bool) {
	d.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 {
		if there() {
			return
		}
		<-tick.C
	}
	d.t.Fatalf("%s: it did not happen", what)
}

// asks makes a call that waits for a person, and returns the id of the request and
// where the answer will come.
func (d *doorway) asks(s *mcp.ClientSession, text string) (id string, answered chan [2]string) {
	d.t.Helper()
	answered = make(chan [2]string, 1)
	go func() {
		code, told := d.call(s, "put", text)
		answered <- [2]string{code, told}
	}()
	d.until("a request", func() bool {
		for line := range strings.Lines(d.command("approvals", "--json")) {
			_, rest, ok := strings.Cut(line, `"id":"`)
			id, _, _ = strings.Cut(rest, `"`)
			return ok
		}
		return false
	})
	return id, answered
}

// TestFreezeMeetsApprovals: a freeze comes before an approval counts, whenever it
// is set, and the approval is not used up by what it stopped.
func TestFreezeMeetsApprovals(t *testing.T) {
	d := newDoorway(t, `version: 1
rules: [{tool: "one/put", effect: destructive, world: closed}]
approvals: {wait: 5m, notify: none}
`)
	door, seen := d.open("one")
	effects := func() int {
		b, err := os.ReadFile(seen)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(b), `"name":"put"`)
	}
	wants := func(what string, got [2]string, code, text string) {
		t.Helper()
		if got[0] != code || !strings.Contains(got[1], text) {
			t.Errorf("%s: got %q, want %q: %q", what, got, code, text)
		}
	}
	pair := func(code, text string) [2]string { return [2]string{code, text} }

	// Frozen while the call waits, then approved: the call does not run.
	id, answered := d.asks(door, "first")
	d.command("freeze", "--upstream", "one", "--reason", "stop")
	d.command("approve", id, "--yes", "--config", d.policy)
	wants("approved under a freeze", <-answered, "freeze_active", "because: stop; this call was not run")
	// Approved and not used, under a freeze: neither does it now.
	wants("repeated under a freeze", pair(d.call(door, "put", "first")), "freeze_active", "not run")
	if n := effects(); n != 0 {
		t.Fatalf("%d effects under a freeze", n)
	}
	d.command("unfreeze", "--upstream", "one", "--reason", "go on")
	d.until("the approved call", func() bool { code, _ := d.call(door, "put", "first"); return code == "" })
	d.until("1 effects and no more", func() bool { return effects() >= 1 })
	if n := effects(); n != 1 {
		t.Errorf("%d effects of one approval", n)
	}
	if out := d.command("approvals", "show", id); !strings.Contains(out, "Used by") {
		t.Error(out)
	}

	// With --now the waiting call ends at once; the question stays, and what a person
	// answers counts when the freeze is lifted.
	id, answered = d.asks(door, "second")
	d.command("freeze", "--all", "--now", "--reason", "enough")
	wants("ended while it waited", <-answered, "freeze_active", "because: enough; this call was ended")
	d.command("approve", id, "--yes", "--config", d.policy)
	wants("under the freeze", pair(d.call(door, "put", "second")), "freeze_active", "not run")
	d.command("unfreeze", "--all", "--reason", "go on")
	d.until("the second call", func() bool { code, _ := d.call(door, "put", "second"); return code == "" })
	d.until("2 effects and no more", func() bool { return effects() >= 2 })
	if n := effects(); n != 2 {
		t.Errorf("%d effects of two approvals", n)
	}

	// What was revoked while it was frozen is gone when the freeze is lifted.
	peer, err := auth.OSPeer("/proc")
	if err != nil {
		t.Fatal(err)
	}
	id, answered = d.asks(door, "third")
	d.command("freeze", "--all", "--now", "--reason", "enough")
	<-answered
	d.command("approve", id, "--yes", "--config", d.policy)
	d.command("revoke", "--principal", peer.User, "--reason", "it was talked into it")
	d.command("unfreeze", "--all", "--reason", "go on")
	d.becomes("lifted again", door, "")
	next, answered := d.asks(door, "third")
	if next == id {
		t.Error("an approval that was revoked still stands")
	}
	d.command("deny", next, "--reason", "no")
	wants("denied", <-answered, "approval_denied", "no")
	d.until("2 effects and no more", func() bool { return effects() >= 2 })
	if n := effects(); n != 2 {
		t.Errorf("%d effects of two approvals", n)
	}
	d.command("audit", "verify")
}

// TestFreezeFailsClosed: a door whose store is taken away refuses, and says so.
func TestFreezeFailsClosed(t *testing.T) {
	d := newDoorway(t, "version: 1\nrules: [{tool: \"*/echo\", effect: read, world: closed}]\n")
	door, _ := d.open("one")
	d.becomes("before", door, "")
	db := filepath.Join(d.state, "store.sqlite")
	if err := os.Rename(db, db+".away"); err != nil {
		t.Fatal(err)
	}
	d.becomes("without a store", door, "store_unavailable")
	if out, err := exec.Command("ostiary", "freeze", "--all", "--reason", "r", "--state", d.state).CombinedOutput(); err == nil || !strings.Contains(string(out), "store.sqlite") {
		t.Errorf("freeze without a store: %v, %s", err, out)
	}
	if err := os.Rename(db+".away", db); err != nil {
		t.Fatal(err)
	}
	d.becomes("with the store again", door, "")
	if err := os.Chmod(db, 0o644); err != nil {
		t.Fatal(err)
	}
	d.becomes("with a store that others can read", door, "state_unsafe")
}
