package peers_test

import (
	"context"
	"os/exec"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/internal/peers"
)

// TestServersAnswer starts each npm server and lists its tools.
func TestServersAnswer(t *testing.T) {
	args := map[string][]string{"server-filesystem": {t.TempDir()}}
	for _, name := range peers.Servers() {
		t.Run(name, func(t *testing.T) {
			argv := peers.Server(t, name, args[name]...)
			client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
			session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: command(t.Context(), argv)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = session.Close() }()
			list, err := session.ListTools(t.Context(), nil)
			if err != nil || len(list.Tools) == 0 {
				t.Fatalf("tools/list gave %v, %v; want at least one tool", list, err)
			}
		})
	}
}

// TestInspector lists the tools of a server with the client from npm.
func TestInspector(t *testing.T) {
	argv := append(peers.Inspector(t), peers.Server(t, "server-sequential-thinking")...)
	out, err := command(t.Context(), append(argv, "--method", "tools/list")).CombinedOutput()
	if err != nil {
		t.Fatalf("inspector: %v\n%s", err, out)
	}
}

// TestNginx runs the proxy, whoever installed it.
func TestNginx(t *testing.T) {
	if out, err := command(t.Context(), []string{peers.Nginx(t), "-v"}).CombinedOutput(); err != nil {
		t.Fatalf("nginx: %v\n%s", err, out)
	}
}

// TestDirAtOnce asks for the folder from several goroutines, as test packages do.
func TestDirAtOnce(t *testing.T) {
	want := peers.Dir(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got := peers.Dir(t); got != want {
				t.Errorf("Dir gave %q and %q", want, got)
			}
		})
	}
	wg.Wait()
}

func command(ctx context.Context, argv []string) *exec.Cmd {
	return exec.CommandContext(ctx, argv[0], argv[1:]...)
}
