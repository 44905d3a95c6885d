package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/peers"
)

// inspection is one request of the Inspector and what is expected of it behind a
// door without any configuration.
type inspection struct {
	defaults expectation
	request  []string
}

type expectation int

const (
	skipped expectation = iota // not asked, to save time
	same                       // the same as without a door
	asked                      // refused with approval_pending
)

// inspections are what the Inspector is asked for, a representative set: each
// request starts three programs of Node.js. TestTransparent and
// TestDefaultDifferences speak for themselves and call every tool.
var inspections = map[string][]inspection{
	"filesystem": {
		{same, []string{"tools/list"}},
		{same, []string{"tools/call", "--tool-name", "read_text_file", "--tool-arg", "path=WORKSPACE/notes.txt", "head=2"}},
		{asked, []string{"tools/call", "--tool-name", "write_file", "--tool-arg", "path=WORKSPACE/new.txt", "content=made here"}},
	},
	"memory": {
		{skipped, []string{"tools/list"}},
		{asked, []string{"tools/call", "--tool-name", "create_entities", "--tool-arg", `entities=[{"name":"Ada","entityType":"person","observations":["x"]}]`}},
		{skipped, []string{"resources/read", "--uri", "memory://knowledge-graph"}},
	},
	"everything": {
		{same, []string{"tools/list"}},
		{same, []string{"tools/call", "--tool-name", "get-structured-content", "--tool-arg", "location=Chicago"}},
		{skipped, []string{"resources/list"}},
		{skipped, []string{"resources/read", "--uri", "demo://resource/static/document/features.md"}},
		{skipped, []string{"prompts/list"}},
		{skipped, []string{"prompts/get", "--prompt-name", "args-prompt", "--prompt-args", "city=Ghent"}},
	},
	"sequential-thinking": {
		{skipped, []string{"tools/list"}},
		{same, []string{"tools/call", "--tool-name", "sequentialthinking", "--tool-arg", "thought=first", "nextThoughtNeeded=true", "thoughtNumber=1", "totalThoughts=1"}},
	},
}

// inspect runs the Inspector's command-line client as a person does who has the
// server in a client's configuration, and returns the JSON that it prints, in one
// line. The Inspector keeps what follows a -- for itself, so the command line of
// the door leaves it out.
func inspect(t *testing.T, server, request []string) string {
	t.Helper()
	server = slices.DeleteFunc(slices.Clone(server), func(w string) bool { return w == "--" })
	text, err := json.Marshal(map[string]any{"mcpServers": map[string]any{
		"it": map[string]any{"command": server[0], "args": server[1:]},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "mcp.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	argv := append(peers.Inspector(t), "--config", file, "--server", "it", "--method")
	argv = append(argv, request...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "failed: " + strings.TrimSpace(stderr.String())
	}
	var line bytes.Buffer
	if err := json.Compact(&line, out); err != nil {
		t.Fatalf("the Inspector printed %q: %v", out, err)
	}
	return line.String()
}

// TestInspector lists and calls tools of the four servers with the MCP Inspector:
// behind a door that allows everything it prints what it prints without one, and
// behind the defaults honest reads still do, but for the mark, while writes are
// asked about.
func TestInspector(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(peers.Root(t), "testdata", "transparent.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "workspace")
			server := s.argv(t, dir)
			run := func(argv []string, wanted func(inspection) bool) []string {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				s.prepare(t, dir)
				said := make([]string, len(inspections[s.name]))
				for i, in := range inspections[s.name] {
					if !wanted(in) {
						continue
					}
					r := make([]string, len(in.request))
					for j, w := range in.request {
						r[j] = strings.ReplaceAll(w, "WORKSPACE", dir)
					}
					said[i] = inspect(t, argv, r)
				}
				return said
			}
			all := func(inspection) bool { return true }
			direct := run(server, all)
			transparent := run(door(stateDir(t), s.name, policy(t, string(text)), server), all)
			careful := run(door(stateDir(t), s.name, policy(t, impatient), server), func(in inspection) bool { return in.defaults != skipped })
			for i, in := range inspections[s.name] {
				if strings.HasPrefix(direct[i], "failed: ") {
					t.Errorf("%q without a door: %s", in.request, direct[i])
				}
				if direct[i] != transparent[i] {
					t.Errorf("%q\ndirect  %s\nthrough %s", in.request, direct[i], transparent[i])
				}
				switch {
				case in.defaults == same && direct[i] != unmarked(careful[i]):
					t.Errorf("%q\ndirect   %s\ndefaults %s", in.request, direct[i], careful[i])
				case in.defaults == asked && (!strings.Contains(careful[i], `"code":"approval_pending"`) || !strings.Contains(careful[i], `"isError":true`)):
					t.Errorf("%q under the defaults: %s", in.request, careful[i])
				}
			}
		})
	}
}
