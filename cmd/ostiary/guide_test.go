package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/internal/peers"
	"github.com/ostiary/ostiary/wire"
)

// TestGuidePolicy starts the real filesystem server behind the door with the policy
// of the guide, and checks that it does what the guide says.
func TestGuidePolicy(t *testing.T) {
	dir := t.TempDir()
	project := filepath.Join(dir, "project")
	if err := os.Mkdir(project, 0o755); err != nil {
		t.Fatal(err)
	}
	server := peers.Server(t, "server-filesystem", project)
	policy := guidePolicy(t)
	const placeholder = "[node, /opt/mcp/server-filesystem/dist/index.js, ./project]"
	if !strings.Contains(policy, placeholder) {
		t.Fatalf("the guide's policy has another command than %s", placeholder)
	}
	command, err := json.Marshal(server)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(policy, placeholder, string(command), 1)+"approvals: {wait: 0s, notify: none}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"project/a.txt": "inside", "outside.txt": "outside"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	// The arguments are those of the guide's last configuration.
	door := exec.Command("ostiary", "run", "--config", file, "--name", "files", "--state", filepath.Join(dir, "state"))
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: door}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for _, c := range []struct {
		tool, code string
		args       map[string]any
	}{
		{"list_allowed_directories", "", map[string]any{}},
		{"read_text_file", "", map[string]any{"path": filepath.Join(project, "a.txt")}},
		{"read_text_file", "validate_path", map[string]any{"path": filepath.Join(dir, "outside.txt")}},
		{"read_multiple_files", "", map[string]any{"paths": []string{filepath.Join(project, "a.txt")}}},
		{"read_multiple_files", "validate_path", map[string]any{"paths": []string{filepath.Join(project, "a.txt"), filepath.Join(dir, "outside.txt")}}},
		{"list_directory", "", map[string]any{"path": project}},
		{"list_directory_with_sizes", "validate_path", map[string]any{"path": dir}},
		{"write_file", "", map[string]any{"path": filepath.Join(project, "b.txt"), "content": "new"}},
		{"write_file", "validate_path", map[string]any{"path": filepath.Join(dir, "policy.yaml"), "content": "version: 1"}},
		{"write_file", "policy_when", map[string]any{"path": filepath.Join(project, "go.lock"), "content": "new"}},
		{"write_file", "validate_max_bytes", map[string]any{"path": filepath.Join(project, "c.txt"), "content": strings.Repeat("x", 257<<10)}},
		{"move_file", "approval_pending", map[string]any{"source": filepath.Join(project, "a.txt"), "destination": filepath.Join(project, "d.txt")}},
	} {
		res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: c.tool, Arguments: c.args})
		if err != nil {
			t.Fatalf("%s %v: %v", c.tool, c.args, err)
		}
		code := ""
		if d, ok := res.Meta[wire.MetaDecision].(map[string]any); ok {
			code, _ = d["code"].(string)
		}
		if code != c.code || res.IsError != (c.code != "") {
			t.Errorf("%s %v: got code %q, error %v, want %q", c.tool, c.args, code, res.IsError, c.code)
		}
	}
	if b, err := os.ReadFile(filepath.Join(project, "b.txt")); err != nil || string(b) != "new" {
		t.Errorf("the allowed write left %q, %v", b, err)
	}
}

// guidePolicy is the longest policy of the guide.
func guidePolicy(t *testing.T) (policy string) {
	t.Helper()
	for _, s := range snippets(document(t, "../../docs/guides/first-ten-minutes.md")) {
		if s.language == "yaml" && len(s.text) > len(policy) {
			policy = s.text
		}
	}
	return policy
}
