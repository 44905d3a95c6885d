package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/auth"
)

// TestGuideToIncidents carries out the guide from top to bottom in one folder, as
// TestGuideToTheEvidence does its own: alice is the user who runs the test.
func TestGuideToIncidents(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the demonstration")
	}
	t.Parallel()
	first := withoutRace(t) // the demonstration parses SQL
	peer, err := auth.OSPeer("/proc")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(document(t, "../../docs/guides/incident.md"), "alice", peer.User)
	g := guideRun{t: t, dir: t.TempDir(), first: first}
	shown := 0
	for _, s := range snippets(page) {
		switch s.language {
		case "sh":
			for line := range strings.Lines(s.text) {
				g.command(strings.TrimSpace(line))
			}
		case "json":
			g.succeeded()
			g.agent(s.text)
		case "text":
			shown++
			if !likeShown(g.out, s.text) {
				t.Errorf("%s\nprints\n%s\nand the guide shows\n%s", g.last, g.out, s.text)
			}
		}
	}
	g.succeeded()
	if shown < 10 {
		t.Errorf("the guide shows the output of %d commands", shown)
	}
}

// agent is a client with this configuration that lists the tools and calls one. Its
// output is what the agent reads.
func (g *guideRun) agent(config string) {
	g.t.Helper()
	var file struct {
		MCPServers map[string]struct {
			Command string
			Args    []string
		}
	}
	if err := json.Unmarshal([]byte(config), &file); err != nil {
		g.t.Fatal(err)
	}
	start := file.MCPServers["demo"]
	door := g.program(start.Command, start.Args)
	door.Dir, door.Stderr = g.dir, os.Stderr
	session, err := mcp.NewClient(&mcp.Implementation{Name: "guide", Version: "1"}, nil).Connect(g.t.Context(), &mcp.CommandTransport{Command: door}, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	defer session.Close()
	if list, err := session.ListTools(g.t.Context(), nil); err != nil || len(list.Tools) == 0 {
		g.t.Errorf("a client of a frozen principal cannot list the tools: %v", err)
	}
	res, err := session.CallTool(g.t.Context(), &mcp.CallToolParams{Name: "search", Arguments: map[string]any{"text": "report"}})
	if err != nil || !res.IsError || len(res.Content) != 1 {
		g.t.Fatalf("got %+v, %v", res, err)
	}
	text, _ := res.Content[0].(*mcp.TextContent)
	g.last, g.out, g.exit = "the agent's call", text.Text+"\n", 0
}
