package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGuideToTheEvidence carries out the guide from top to bottom in one folder:
// it runs each command, writes the policy, starts the door as the client would,
// and compares what is printed with what the guide shows.
func TestGuideToTheEvidence(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the demonstration")
	}
	t.Parallel()
	first := withoutRace(t) // the demonstration parses SQL
	g := guideRun{t: t, dir: t.TempDir(), first: first}
	if err := os.Mkdir(filepath.Join(g.dir, "elsewhere"), 0o700); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, s := range snippets(document(t, "../../docs/guides/reading-the-evidence.md")) {
		switch s.language {
		case "sh":
			for line := range strings.Lines(s.text) {
				g.command(strings.TrimSpace(line))
			}
		case "yaml":
			if err := os.WriteFile(filepath.Join(g.dir, "audited.yaml"), []byte(s.text), 0o600); err != nil {
				t.Fatal(err)
			}
		case "json":
			g.client(s.text)
		case "text":
			shown++
			if !likeShown(g.out, s.text) {
				t.Errorf("%s\nprints\n%s\nand the guide shows\n%s", g.last, g.out, s.text)
			}
			g.exit = 0 // the guide has said so
		}
	}
	g.succeeded()
	if shown < 6 {
		t.Errorf("the guide shows the output of %d commands", shown)
	}
}

// guideRun is how far the guide was carried out.
type guideRun struct {
	t         *testing.T
	dir       string
	first     string // of PATH
	last, out string
	exit      int
	call      string // the id printed last
}

var callID = regexp.MustCompile(`\b[0-9a-hjkmnp-tv-z]{24}\b`)

// succeeded fails if the last command failed and the guide did not say so.
func (g *guideRun) succeeded() {
	g.t.Helper()
	if g.exit != 0 {
		g.t.Fatalf("%s: exit status %d\n%s", g.last, g.exit, g.out)
	}
}

func (g *guideRun) command(line string) {
	g.t.Helper()
	g.succeeded()
	g.run(exec.Command("sh", "-c", strings.ReplaceAll(line, "CALL", g.call)), line)
	if ids := callID.FindAllString(g.out, -1); len(ids) > 0 {
		g.call = ids[len(ids)-1]
	}
}

func (g *guideRun) run(c *exec.Cmd, name string) {
	g.t.Helper()
	c.Dir, c.Env = g.dir, g.env()
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		g.t.Fatalf("%s: %v", name, err)
	}
	g.last, g.out, g.exit = name, string(out), c.ProcessState.ExitCode()
	if g.exit != 0 {
		g.out += c.ProcessState.String() + "\n"
	}
}

// env is what the guide's commands see. The environment of the test itself stays, so
// that guides can run side by side.
func (g *guideRun) env() []string { return append(os.Environ(), "PATH="+g.first+os.Getenv("PATH")) }

// program is a command of the guide that no shell starts.
func (g *guideRun) program(name string, args []string) *exec.Cmd {
	if found := filepath.Join(strings.TrimSuffix(g.first, string(os.PathListSeparator)), name); g.first != "" && filepath.Base(name) == name {
		if _, err := os.Stat(found); err == nil {
			name = found
		}
	}
	c := exec.Command(name, args...)
	c.Env = g.env()
	return c
}

// client starts the door of a client's configuration and makes a call.
func (g *guideRun) client(text string) {
	g.t.Helper()
	g.succeeded()
	var file struct {
		MCPServers map[string]struct {
			Command string
			Args    []string
		}
	}
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		g.t.Fatal(err)
	}
	for name, s := range file.MCPServers {
		c := g.program(s.Command, s.Args)
		c.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"guide","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
`)
		g.run(c, "the door of "+name)
	}
}

// likeShown compares output with what a guide shows, where … stands for anything,
// newlines included.
func likeShown(out, shown string) bool {
	parts := strings.Split(shown, "…")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
		if i > 0 && strings.HasPrefix(p, " ") { // columns have other widths
			parts[i] = ` +` + regexp.QuoteMeta(strings.TrimPrefix(p, " "))
		}
	}
	return regexp.MustCompile(`(?s)\A\s*` + strings.Join(parts, `.*?`) + `\s*\z`).MatchString(out)
}

func TestLikeShown(t *testing.T) {
	for _, c := range []struct {
		out, shown string
		want       bool
	}{
		{"a\n", "a\n", true},
		{"a 1 b\n", "a … b\n", true},
		{"a\nx\nb\n", "a\n…\nb\n", true},
		{"a\nb\nc\n", "a\nb\n", false},
		{"a\nc\n", "a\n…\nb\n", false},
		{"axb", "a.b", false},
	} {
		if got := likeShown(c.out, c.shown); got != c.want {
			t.Errorf("%q like %q: got %v", c.out, c.shown, got)
		}
	}
}
