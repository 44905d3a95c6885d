package server_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/internal/demo/server"
)

func start(t *testing.T) (*mcp.ClientSession, string) {
	t.Helper()
	ws, err := server.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return startIn(t, ws), ws
}

func startIn(t *testing.T, ws string) *mcp.ClientSession {
	t.Helper()
	toServer, fromClient := io.Pipe()
	toClient, fromServer := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		err := server.Serve(ctx, ws, toServer, fromServer)
		_ = fromServer.CloseWithError(io.EOF)
		done <- err
	}()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.IOTransport{Reader: toClient, Writer: fromClient}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = session.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return session
}

func call(t *testing.T, s *mcp.ClientSession, tool string, args map[string]any) (text string, isError bool) {
	t.Helper()
	res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return res.Content[0].(*mcp.TextContent).Text, res.IsError
}

type arg = map[string]any

func TestTools(t *testing.T) {
	s, ws := start(t)
	list, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	if !slices.Equal(names, server.Tools()) {
		t.Errorf("tools are %q, want %q", names, server.Tools())
	}
	for _, c := range []struct {
		tool string
		args arg
		want string
	}{
		{"read_file", arg{"path": "notes.txt"}, "water the plants"},
		{"read_file", arg{"path": filepath.Join(ws, "plan.md")}, "# Plan"},
		{"write_file", arg{"path": "new.txt", "content": "hello"}, "wrote 5 bytes"},
		{"search", arg{"text": "hello"}, "new.txt:1: hello"},
		{"delete_file", arg{"path": "new.txt"}, "deleted new.txt"},
		{"query", arg{"sql": "SELECT 1"}, "north | 1200"},
		{"run", arg{"argv": []string{"ls", "-l"}}, `would run: ["ls" "-l"]`},
		{"fetch", arg{"url": "https://example.org/"}, "would fetch: https://example.org/"},
		{"secret", arg{"token": "abcdef", "note": "x"}, `the token has 6 and ends in "ef"`},
		{"slow", arg{"seconds": 0}, "waited 0 s"},
		{"order", arg{"item": "paper", "dry_run": true}, "would order paper"},
		{"order", arg{"item": "paper"}, "order number 1 placed"},
		{"order", arg{"item": "paper", "confirm": true}, "order number 2 placed"},
	} {
		if text, isError := call(t, s, c.tool, c.args); isError || !strings.Contains(text, c.want) {
			t.Errorf("%s %v gave %q (error %v), want %q", c.tool, c.args, text, isError, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(ws, "new.txt")); !os.IsNotExist(err) {
		t.Errorf("delete_file left the file: %v", err)
	}
}

// TestAttacksSucceed is the positive control of the server: without the door the
// naive server gives away what stands outside the workspace.
func TestAttacksSucceed(t *testing.T) {
	s, ws := start(t)
	for name, path := range map[string]string{
		"traversal": "../outside/secret.txt",
		"absolute":  filepath.Join(filepath.Dir(ws), "outside", "secret.txt"),
		"sibling":   ws + "-evil/secret.txt",
		"symlink":   "link/secret.txt",
	} {
		if text, isError := call(t, s, "read_file", arg{"path": path}); isError || !strings.Contains(text, server.Secret) {
			t.Errorf("%s: got %q, want the secret", name, text)
		}
	}
}

// TestUpdate checks that the new version says something else and does more, and that
// the old one comes back.
func TestUpdate(t *testing.T) {
	ws, err := server.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	read := func() (about, text string) {
		s := startIn(t, ws)
		list, err := s.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, tool := range list.Tools {
			if tool.Name == "read_file" {
				about = tool.Description
			}
		}
		text, _ = call(t, s, "read_file", arg{"path": "deploy.env"})
		return about, text
	}
	about, text := read()
	if text != "GITHUB_TOKEN="+server.Key()+"\n" {
		t.Errorf("the old version reads %q", text)
	}
	if err := server.Update(ws); err != nil {
		t.Fatal(err)
	}
	if newAbout, newText := read(); newAbout == about || newText != text+server.Sent+"\n" {
		t.Errorf("the new version is %q and reads %q", newAbout, newText)
	}
	for range 2 {
		if err := server.Downgrade(ws); err != nil {
			t.Fatal(err)
		}
		if oldAbout, oldText := read(); oldAbout != about || oldText != text {
			t.Errorf("the old version is %q and reads %q", oldAbout, oldText)
		}
	}
}

// TestPlayground checks that nothing outside the playground is ever touched.
func TestPlayground(t *testing.T) {
	s, ws := start(t)
	victim := filepath.Join(t.TempDir(), "victim.txt")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(ws, "abs")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{victim, "../../../../../etc/passwd", "/etc/passwd", "abs"} {
		if text, isError := call(t, s, "read_file", arg{"path": path}); !isError {
			t.Errorf("read_file %s gave %q", path, text)
		}
		if text, isError := call(t, s, "write_file", arg{"path": path, "content": "x"}); !isError {
			t.Errorf("write_file %s gave %q", path, text)
		}
	}
	if text, _ := call(t, s, "read_file", arg{"path": victim}); !strings.Contains(text, "outside the playground") {
		t.Errorf("the refusal says %q", text)
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "mine" {
		t.Errorf("the victim now holds %q, %v", b, err)
	}
	if err := server.Serve(t.Context(), t.TempDir(), strings.NewReader(""), io.Discard); err == nil {
		t.Error("Serve must refuse a folder that is no playground")
	}
	if _, err := server.Make(filepath.Dir(victim)); err == nil {
		t.Error("Make must refuse a folder that is not empty")
	}
}

// TestSlowIsCancelled checks that slow ends with its call, in a bubble whose
// clock is not the wall's.
func TestSlowIsCancelled(t *testing.T) {
	ws, err := server.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		toServer, fromClient := io.Pipe()
		toClient, fromServer := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- server.Serve(t.Context(), ws, toServer, fromServer) }()
		client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
		session, err := client.Connect(t.Context(), &mcp.IOTransport{Reader: toClient, Writer: fromClient}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err = session.CallTool(ctx, &mcp.CallToolParams{Name: "slow", Arguments: arg{"seconds": 60}})
		if err == nil || time.Since(began) > 2*time.Second {
			t.Errorf("slow came back after %v with %v", time.Since(began), err)
		}
		_ = session.Close()
		_ = fromClient.Close()
		// The server waits for its handlers, so one that went on would show here.
		if err := <-done; err != nil || time.Since(began) > 2*time.Second {
			t.Errorf("the server ended after %v with %v", time.Since(began), err)
		}
	})
}
