package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type named struct {
	Path string `json:"path"`
}

// arrived is what the server of the seed scenario writes down of a call.
type arrived struct {
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
	Meta      mcp.Meta        `json:"meta"`
}

// serveFiles is a server made with the official SDK that deletes files below
// args[0]. It writes each call that reaches it into args[1]; args[2] is how it
// describes its tools.
func serveFiles(args []string) error {
	root, err := os.OpenRoot(args[0])
	if err != nil {
		return err
	}
	seen, err := os.OpenFile(args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	s := mcp.NewServer(&mcp.Implementation{Name: "files", Version: "1"}, nil)
	for _, tool := range []string{"delete", "purge"} {
		mcp.AddTool(s, &mcp.Tool{Name: tool, Description: args[2]},
			func(_ context.Context, r *mcp.CallToolRequest, in named) (*mcp.CallToolResult, any, error) {
				line, err := json.Marshal(arrived{tool, r.Params.Arguments, r.Params.Meta})
				if err != nil {
					return nil, nil, err
				}
				if _, err := seen.Write(append(line, '\n')); err != nil {
					return nil, nil, err
				}
				if err := root.Remove(in.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return nil, nil, err
				}
				return said("deleted " + in.Path), nil, nil
			})
	}
	if err := s.Run(context.Background(), &mcp.StdioTransport{}); err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "EOF") {
		return err
	}
	return nil
}

// shelf is the directory of that server, and what reached it.
type shelf struct {
	t           testing.TB
	dir, seen   string
	description string
}

func newShelf(t testing.TB, files ...string) *shelf {
	t.Helper()
	dir := t.TempDir()
	s := &shelf{t: t, dir: filepath.Join(dir, "files"), seen: filepath.Join(dir, "seen"), description: "Deletes a file."}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte("kept\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *shelf) server() []string {
	return self(s.t, "sdk-files", s.dir, s.seen, s.description)
}

// calls are those that reached the server, in order.
func (s *shelf) calls() (all []arrived) {
	s.t.Helper()
	b, err := os.ReadFile(s.seen)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var one arrived
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// ran checks which calls of the tool delete reached the server so far, by their
// paths, and nothing else did.
func (s *shelf) ran(paths ...string) {
	s.t.Helper()
	var got []string
	for _, one := range s.calls() {
		var in named
		if err := json.Unmarshal(one.Arguments, &in); err != nil || one.Tool != "delete" {
			s.t.Fatalf("the server got %+v: %v", one, err)
		}
		got = append(got, in.Path)
	}
	if fmt.Sprint(got) != fmt.Sprint(paths) {
		s.t.Fatalf("the server ran %q, want %q", got, paths)
	}
}

func (s *shelf) has(name string) bool {
	_, err := os.Stat(filepath.Join(s.dir, name))
	return err == nil
}
