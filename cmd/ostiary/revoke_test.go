package main

import (
	"regexp"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/wire"
)

// TestRevokeTakesEverything: one command takes a token, a grant that the door holds
// and an approval that was not used, in a door that runs.
func TestRevokeTakesEverything(t *testing.T) {
	d := newDoorway(t, `version: 1
rules: [{tool: "one/put", effect: destructive, world: closed}]
approvals: {wait: 100ms, notify: none}
`)
	door, _ := d.open("one")
	peer, err := auth.OSPeer("/proc")
	if err != nil {
		t.Fatal(err)
	}
	d.until("the list of tools", func() bool { code, _ := d.call(door, "put", "first"); return code == "approval_pending" })
	id := regexp.MustCompile(`"id":"([0-9a-z]+)"`).FindStringSubmatch(d.command("approvals", "--json"))[1]
	d.command("approve", id, "--yes", "--config", d.policy) // and not used
	create := func(tool string, more ...string) string {
		return d.command(append([]string{"grant", "create", "--principal", peer.User, "--tool", tool, "--uses", "5", "--reason", "r"}, more...)...)
	}
	token := regexp.MustCompile(`ost_cap_\S+`).FindString(create("one/put", "--token", "--when", `call.args.text == "by token"`))
	create("one/put", "--when", `call.args.text == "by grant"`)
	present := func() (code, text string) {
		return d.answer(door.CallTool(t.Context(), &mcp.CallToolParams{
			Meta: mcp.Meta{wire.MetaGrant: token}, Name: "put", Arguments: map[string]any{"text": "by token"},
		}))
	}
	if code, text := present(); code != "" {
		t.Fatalf("the token does not count: %q %s", code, text)
	}
	d.until("a call under the grant", func() bool { code, _ := d.call(door, "put", "by grant"); return code == "" })

	d.command("revoke", "--principal", peer.User, "--reason", "it was talked into it")
	if code, text := present(); code != "grant_revoked" {
		t.Errorf("the token: %q %s", code, text)
	}
	d.until("the grant to be gone", func() bool { code, _ := d.call(door, "put", "by grant"); return code == "approval_pending" })
	if code, text := d.call(door, "put", "first"); code != "approval_pending" && code != "approval_void" {
		t.Errorf("the approval: %q %s", code, text)
	}
}
