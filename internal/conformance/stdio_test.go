package conformance

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/ostiary/ostiary/internal/peers"
)

// overStdio starts `ostiary serve` with everything allowed before a server that it
// starts itself and speaks with over stdio, and returns the endpoint's address.
func overStdio(t *testing.T, program string) string {
	t.Helper()
	policy, err := os.ReadFile(filepath.Join(peers.Root(t), "testdata", "transparent.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "policy.yaml")
	text := fmt.Sprintf("%s\nauth: {dangerously_allow_anonymous: true}\nupstreams:\n  everything: {command: [%q], cwd: %q}\n", policy, program, t.TempDir())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(peers.Build(t, "./cmd/ostiary"), "serve", "--config", file, "--state", filepath.Join(dir, "state"), "--listen", "127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, said := bufio.NewScanner(stderr), ""
	for lines.Scan() {
		said += lines.Text() + "\n"
		m := regexp.MustCompile(`^serving everything at http://127.0.0.1(:\S+)$`).FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		rest := make(chan string, 1)
		go func() {
			b, _ := io.ReadAll(stderr) // until it ends
			rest <- string(b)
		}()
		t.Cleanup(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM) // if it has ended, Wait says how
			said := <-rest
			if err := cmd.Wait(); err != nil {
				t.Errorf("serve ended with %v\n%s", err, said)
			}
		})
		return "http://localhost" + m[1]
	}
	t.Fatalf("serve did not start: %v\n%s", cmd.Wait(), said)
	return ""
}

// overHTTPAlone are the scenarios in which a server over stdio, behind the door,
// makes other checks than the same server over HTTP, with the number of those that
// pass. No scenario passes only in one of them.
var overHTTPAlone = map[string]struct{ direct, stdio int }{
	// The server answers a list by an event stream, the door by JSON, as it may: there
	// is no stream whose working could be checked.
	"server-sse-multiple-streams": {2, 1},
	// A stream that is left and taken up again needs the ids of the server's events,
	// and over stdio there are none. The scenario is not scored.
	"server-sse-polling": {1, 0},
}

// sameOverStdio compares what the suite said of one server over HTTP and over stdio.
func sameOverStdio(t *testing.T, direct, stdio outcome) {
	t.Helper()
	if stdio.status != 0 {
		t.Errorf("the suite ended with status %d before a server over stdio:\n%s", stdio.status, stdio.text)
	}
	if len(stdio.scenarios) != len(direct.scenarios) {
		t.Errorf("%d scenarios over stdio, %d over HTTP", len(stdio.scenarios), len(direct.scenarios))
	}
	for name, passed := range direct.scenarios {
		if got, ran := stdio.scenarios[name]; !ran || got != passed {
			t.Errorf("%s: passed over HTTP %v, over stdio %v (ran: %v)\n%s", name, passed, got, ran, stdio.text)
		}
		want, differs := overHTTPAlone[name]
		if !differs {
			want.direct, want.stdio = direct.checks[name], direct.checks[name]
		}
		if direct.checks[name] != want.direct || stdio.checks[name] != want.stdio {
			t.Errorf("%s: %d checks pass over HTTP and %d over stdio, want %d and %d", name, direct.checks[name], stdio.checks[name], want.direct, want.stdio)
		}
	}
}
