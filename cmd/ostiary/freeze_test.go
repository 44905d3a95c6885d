package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/internal/demo/server"
	"github.com/ostiary/ostiary/wire"
)

// TestFreezeNow freezes while a call of a real door runs: the call ends, the agent
// is told why, and the record says so.
func TestFreezeNow(t *testing.T) {
	dir := t.TempDir()
	state, policy := filepath.Join(dir, "state"), filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte("version: 1\nrules:\n  - {tool: demo/slow, effect: read}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ws, err := server.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	seen := filepath.Join(dir, "seen") // what the server is told
	door := exec.Command("ostiary", "run", "--state", state, "--config", policy, "--name", "demo", "--",
		"sh", "-c", `tee "$0" | ostiary demo-server "$1"`, seen, ws)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &mcp.CommandTransport{Command: door}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	type answer struct {
		res *mcp.CallToolResult
		err error
	}
	ended := make(chan answer, 1)
	go func() {
		res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "slow", Arguments: map[string]any{"seconds": 50}})
		ended <- answer{res, err}
	}()
	intended := func() bool {
		found, err := audit.Query(t.Context(), state, audit.Filter{Tool: "slow"})
		return err == nil && len(found) == 1
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !intended() {
		select {
		case <-tick.C:
		case a := <-ended:
			t.Fatalf("the slow call ended at once: %+v, %v", a.res, a.err)
		}
	}
	if out, err := exec.Command("ostiary", "freeze", "--state", state, "--upstream", "demo", "--now", "--reason", "enough").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	frozen := time.Now()
	a := <-ended
	t.Logf("the call ended %v after the command", time.Since(frozen))
	if time.Since(frozen) > 30*time.Second { // a second is promised, to a machine that has time
		t.Error("the call ended by itself")
	}
	if a.err != nil || !a.res.IsError {
		t.Fatalf("%+v, %v", a.res, a.err)
	}
	if d, _ := a.res.Meta[wire.MetaDecision].(map[string]any); d["code"] != "freeze_active" {
		t.Errorf("%v", a.res.Meta)
	}
	if text := a.res.Content[0].(*mcp.TextContent).Text; !strings.Contains(text, "because: enough; this call was ended, and if it was running already, whether it took effect is unknown") {
		t.Error(text)
	}
	found, err := audit.Query(t.Context(), state, audit.Filter{Tool: "slow", Code: "freeze_active"})
	if err != nil || len(found) != 1 || found[0].Record.Kind != audit.KindOutcome {
		t.Fatalf("%+v, %v", found, err)
	}
	t.Log("status in the record:", found[0].Record.Status)
	(&doorway{t: t}).until("notifications/cancelled at the server", func() bool {
		b, err := os.ReadFile(seen)
		if err != nil {
			t.Fatal(err)
		}
		_, told, _ := strings.Cut(string(b), `"tools/call"`)
		return strings.Contains(told, `"method":"notifications/cancelled"`) && strings.Contains(told, `"requestId"`)
	})
}
