package conformance

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// patience is how long one run of the suite may take; it needs about 20 s.
const patience = 5 * time.Minute

// outcome is what one run of the suite said.
type outcome struct {
	status    int
	scenarios map[string]bool // whether each passed
	checks    map[string]int  // how many checks passed in each
	text      string
}

func (o outcome) passes() int {
	n := 0
	for _, passed := range o.scenarios {
		if passed {
			n++
		}
	}
	return n
}

var (
	saysHowMany = regexp.MustCompile(`Running requirements \S+ \((\d+) scenarios\)`)
	saysOne     = regexp.MustCompile(`(?m)^([✓✗]) (\S+): (\d+) passed, \d+ failed`)
)

// run has the suite test the server at url.
func run(t *testing.T, suite []string, url, requirements string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, suite[0], append(suite[1:], "--url", url, "--requirements", requirements)...)
	cmd.Dir = t.TempDir() // it may keep its results there
	text, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) || ctx.Err() != nil {
		t.Fatalf("the suite could not be run: %v\n%s", err, text)
	}
	o := outcome{status: cmd.ProcessState.ExitCode(), scenarios: map[string]bool{}, checks: map[string]int{}, text: string(text)}
	for _, m := range saysOne.FindAllStringSubmatch(o.text, -1) {
		o.scenarios[m[2]] = m[1] == "✓"
		o.checks[m[2]], _ = strconv.Atoi(m[3]) // they are digits
	}
	want := -1
	if m := saysHowMany.FindStringSubmatch(o.text); m != nil {
		want, _ = strconv.Atoi(m[1]) // they are digits
	}
	if len(o.scenarios) != want {
		t.Fatalf("the suite tells the outcome of %d scenarios and wanted to run %d:\n%s", len(o.scenarios), want, text)
	}
	return o
}

// startServer starts a server on a free port and returns its address, by a name
// that the suite can replace to see whether the server minds.
func startServer(t *testing.T, program string, args ...string) (url string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	cmd := exec.Command(program, append([]string{"-http", address}, args...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is killed
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-ended
	})
	url = local(t, address)
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			return url
		}
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("the server ended: %s", said.Bytes())
		case <-deadline:
			t.Fatal("the server does not answer")
		}
	}
}

// local is the URL of an address by the name localhost.
func local(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return "http://localhost:" + port + "/"
}
