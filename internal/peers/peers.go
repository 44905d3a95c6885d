// Package peers gives tests the real programs that stand on either side of the
// door: MCP servers, a client, an authorization server and the conformance suite
// from npm, pinned in package-lock.json, nginx, and the small programs of this
// repository under cmd. Nothing here is shipped.
//
// The npm programs, and on Debian nginx, are installed by the test command itself
// (OSTIARY_PEERS=install, which make test sets), into this folder. Without that variable a test whose peer is missing is
// skipped and says so; with it, a failing installation fails the test.
package peers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// Env is the environment variable that permits installing; its value must be
// "install".
const Env = "OSTIARY_PEERS"

// Servers are the names that [Server] knows.
func Servers() []string {
	return []string{"server-everything", "server-filesystem", "server-memory", "server-sequential-thinking"}
}

// Dir returns the folder that holds node_modules, installing it if the
// environment permits. Otherwise it skips the test.
func Dir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(Root(t), "internal", "peers")
	if _, err := exec.LookPath("node"); err != nil {
		giveUp(t, "Node.js is not installed")
	}
	ready, err := installed(dir)
	if err != nil {
		t.Fatalf("peers: %v", err)
	}
	if ready {
		return dir
	}
	if os.Getenv(Env) != "install" {
		t.Skip(loudly("the npm peers are not installed; run `make peers`, or set " + Env + "=install"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if err := install(ctx, dir); err != nil {
		t.Fatalf("peers: %v", err)
	}
	return dir
}

// Server returns the command line of an npm server, such as "server-filesystem",
// with args behind it.
func Server(t testing.TB, name string, args ...string) []string {
	t.Helper()
	return append(script(t, name, "dist", "index.js"), args...)
}

// Inspector returns the command line of the MCP Inspector's command-line client.
// What follows is the command to inspect and then --method and its arguments.
func Inspector(t testing.TB) []string {
	t.Helper()
	return append(script(t, "inspector", "cli", "build", "cli.js"), "--cli")
}

// Conformance returns the command line of the official conformance suite, run by
// the Node.js that it needs, which is pinned with it; args follow.
func Conformance(t testing.TB, args ...string) []string {
	t.Helper()
	node := pinnedNode(t)
	return append([]string{node, filepath.Join(Dir(t), "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js")}, args...)
}

// Issuer returns the command line of an authorization server, oidc-provider, with
// the configuration that issuer.mjs describes.
func Issuer(t testing.TB, configuration string) []string {
	t.Helper()
	node := pinnedNode(t)
	return []string{node, filepath.Join(Dir(t), "issuer.mjs"), configuration}
}

// pinnedNode is the Node.js that is installed with the peers.
func pinnedNode(t testing.TB) string {
	t.Helper()
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	node := filepath.Join(Dir(t), "node_modules", "node-"+runtime.GOOS+"-"+arch, "bin", "node")
	if _, err := os.Stat(node); err != nil {
		giveUp(t, "no Node.js 22 is pinned for "+runtime.GOOS+" on "+runtime.GOARCH)
	}
	return node
}

// Build compiles a main package of this module, such as "./internal/peers/cmd/echo",
// or of one that it depends on, into a temporary folder and returns the path of the
// program.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", out, pkg)
	cmd.Dir = Root(t)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("peers: go build %s: %v\n%s", pkg, err, text)
	}
	return out
}

// Root returns the top folder of the module that the test runs in.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("peers: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("peers: no go.mod above the folder of the test")
		}
		dir = up
	}
}

func script(t testing.TB, name string, path ...string) []string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		giveUp(t, "Node.js is not installed")
	}
	file := filepath.Join(append([]string{Dir(t), "node_modules", "@modelcontextprotocol", name}, path...)...)
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("peers: no such peer %q: %v", name, err)
	}
	return []string{node, file}
}

// giveUp fails the test where peers must be there, and skips it elsewhere.
func giveUp(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(Env) == "install" {
		t.Fatalf("peers: %s", why)
	}
	t.Skip(loudly(why))
}

// loudly also says on stderr what a skipped test says only with -v.
func loudly(why string) string {
	why = "peers: SKIPPED, nothing was tested: " + why
	fmt.Fprintln(os.Stderr, why)
	return why
}
