package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

var findingID = regexp.MustCompile(`\bf-[0-9a-z]{24}-[0-9]+\b`)

// TestGuideToRedaction carries out the guide from top to bottom in one folder: the
// agent reads the file that the guide makes, and what it gets is what the guide says.
func TestGuideToRedaction(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the demonstration")
	}
	t.Setenv("PATH", withoutRace(t)+os.Getenv("PATH")) // the demonstration parses SQL
	g := guideRun{t: t, dir: t.TempDir()}
	shown, finding := 0, ""
	for _, s := range snippets(document(t, "../../docs/guides/redaction.md")) {
		switch s.language {
		case "sh":
			for line := range strings.Lines(s.text) {
				g.command(strings.ReplaceAll(strings.TrimSpace(line), "FINDING", finding))
				if id := findingID.FindString(g.out); id != "" {
					finding = id
				}
			}
		case "json":
			g.reads(s.text, "deploy.env")
		case "text":
			shown++
			if !likeShown(g.out, s.text) {
				t.Errorf("%s\nprints\n%s\nand the guide shows\n%s", g.last, g.out, s.text)
			}
		}
	}
	g.succeeded()
	if shown < 9 {
		t.Errorf("the guide shows the output of %d commands", shown)
	}
	// The token is made up anew each time; it is in no file but the one that has it.
	token, err := os.ReadFile(filepath.Join(g.dir, "practice/play/ws/deploy.env"))
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(strings.TrimSpace(string(token)), "ghp_")
	if len(secret) != 36 {
		t.Fatalf("the guide makes the token %q", token)
	}
	if out, _ := exec.Command("grep", "-rl", secret, filepath.Join(g.dir, "practice/state")).Output(); len(out) > 0 {
		t.Errorf("the secret is in the state directory: %s", out)
	}
}

// reads is a client with this configuration that has the tool read a file. Its output
// is what the agent reads.
func (g *guideRun) reads(config, file string) {
	g.t.Helper()
	var clients struct {
		MCPServers map[string]struct {
			Command string
			Args    []string
		}
	}
	if err := json.Unmarshal([]byte(config), &clients); err != nil {
		g.t.Fatal(err)
	}
	start := clients.MCPServers["demo"]
	door := exec.Command(start.Command, start.Args...)
	door.Dir, door.Stderr = g.dir, os.Stderr
	session, err := mcp.NewClient(&mcp.Implementation{Name: "guide", Version: "1"}, nil).Connect(g.t.Context(), &mcp.CommandTransport{Command: door}, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	defer session.Close()
	res, err := session.CallTool(g.t.Context(), &mcp.CallToolParams{Name: "read_file", Arguments: map[string]any{"path": file}})
	if err != nil || res.IsError {
		g.t.Fatalf("got %+v, %v", res, err)
	}
	var b strings.Builder
	for _, c := range res.Content {
		if text, ok := c.(*mcp.TextContent); ok {
			b.WriteString(text.Text + "\n")
		}
	}
	g.last, g.out, g.exit = "the agent's call", b.String(), 0
}
