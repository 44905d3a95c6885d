package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bin is the folder with the programs under test; TestMain sets it once.
var bin string

// roles are what this test binary can be besides a test: a peer that has to be a
// process of its own. The door starts it with the role as its first argument.
var roles = map[string]func(args []string) error{
	"sdk-server": serveSDK,
	"sdk-bank":   serveBank,
	"sdk-files":  serveFiles,
	"abandon":    abandon,
	"witness":    witness,
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := roles[os.Args[1]]; ok {
			if err := role(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ostiary-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	args := []string{"build"}
	if raced {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "-o", dir+"/", "./cmd/ostiary", "./internal/peers/cmd/echo")...)
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	bin = dir
	return m.Run()
}

// door is the command line of `ostiary run` in front of a server. Flags come
// between.
func door(state, name string, flags, server []string) []string {
	argv := []string{filepath.Join(bin, "ostiary"), "run", "--state", state, "--name", name}
	argv = append(argv, flags...)
	return append(append(argv, "--"), server...)
}

// echoServer is the command line of the raw echo server.
func echoServer() []string { return []string{filepath.Join(bin, "echo")} }

// self is the command line of this test binary in a role.
func self(t testing.TB, role string, args ...string) []string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{path, role}, args...)
}

// policy writes a policy file that only its owner can write.
func policy(t testing.TB, text string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--config", path}
}

// stateDir is a new state directory, not made yet.
func stateDir(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "state")
}
