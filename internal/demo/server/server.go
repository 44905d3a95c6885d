// Package server is the small MCP server that `ostiary demo` and the tests put behind
// the door. It is naive on purpose: it does whatever a call says, so that an attack
// visibly succeeds without the door. It is harmless all the same:
//
//   - files: only inside a playground that [Make] made, held by an [os.Root], so
//     that neither ".." nor a symbolic link reaches a real file of the machine;
//   - order adds a line to a file of the playground;
//   - query, run and fetch only say what they would have done.
package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Serve answers on out what comes from in, until in ends or ctx is cancelled. The
// workspace ws must be one that [Make] returned.
func Serve(ctx context.Context, ws string, in io.Reader, out io.Writer) error {
	ground, err := enter(ws)
	if err != nil {
		return err
	}
	defer func() { _ = ground.root.Close() }()

	s := mcp.NewServer(&mcp.Implementation{Name: "ostiary-demo", Version: "1"},
		&mcp.ServerOptions{Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}})
	addFiles(s, ground)
	addOrders(s, ground)
	addPretenders(s)
	err = s.Run(ctx, &mcp.IOTransport{Reader: io.NopCloser(in), Writer: nopCloser{out}})
	if ctx.Err() != nil {
		return nil // ending when told to is no failure
	}
	return err
}

// Make makes a playground in the empty folder base and returns its workspace:
//
//	base/ws/        notes.txt, plan.md, old.txt, older.txt, deploy.env, mail.txt, .git/config,
//	                link -> ../outside
//	base/ws-evil/   secret.txt   (the sibling whose name begins like the workspace's)
//	base/outside/   secret.txt
func Make(base string) (ws string, err error) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("server: %s is not empty; a playground is made in an empty folder", base)
	}
	for name, text := range map[string]string{
		marker:               "The demo server of Ostiary may read, change and delete anything in this folder.\n",
		"ws/notes.txt":       "Remember to water the plants.\nThe report is due on Friday.\n",
		"ws/plan.md":         "# Plan\n\n1. Read the notes.\n2. Write the report.\n",
		"ws/old.txt":         "old\n",
		"ws/older.txt":       "older\n",
		"ws/deploy.env":      "GITHUB_TOKEN=" + Key() + "\n",
		"ws/mail.txt":        Injection,
		"ws/.git/config":     "[core]\n\tbare = false\n",
		"ws-evil/secret.txt": "sibling secret: " + Secret + "\n",
		"outside/secret.txt": "outside secret: " + Secret + "\n",
	} {
		file := filepath.Join(base, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	ws = filepath.Join(base, "ws")
	return ws, os.Symlink(filepath.Join("..", "outside"), filepath.Join(ws, "link"))
}

// Secret is what stands in the files outside the workspace: a test that finds it
// in an answer has seen an attack succeed.
const Secret = "the-door-was-open"

// add registers a tool whose arguments decode into In and whose answer is text.
func add[In any](s *mcp.Server, t *mcp.Tool, do func(context.Context, In) (string, error)) {
	s.AddTool(t, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		var in In
		if err := json.Unmarshal(r.Params.Arguments, &in); err != nil {
			return failed(err), nil
		}
		text, err := do(ctx, in)
		if err != nil {
			return failed(err), nil
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil
	})
}

func failed(err error) *mcp.CallToolResult {
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: err.Error()}}}
}

// object is a schema of required properties; each is a pair of name and schema.
func object(pairs ...string) json.RawMessage {
	props := map[string]json.RawMessage{}
	var names []string
	for i := 0; i+1 < len(pairs); i += 2 {
		props[pairs[i]] = json.RawMessage(pairs[i+1])
		names = append(names, pairs[i])
	}
	b, err := json.Marshal(map[string]any{
		"type": "object", "properties": props, "required": names, "additionalProperties": false,
	})
	if err != nil {
		panic(err) // the schemas are constants of this package
	}
	return b
}

func reads(open bool) *mcp.ToolAnnotations {
	return &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: &open}
}

func changes(destructive bool) *mcp.ToolAnnotations {
	closed := false
	return &mcp.ToolAnnotations{DestructiveHint: &destructive, OpenWorldHint: &closed}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
