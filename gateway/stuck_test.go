//go:build unix

package gateway

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/policy"
)

// stuckGate hears nothing: not the end of its context, only release.
type stuckGate struct{ entered, release chan struct{} }

func (stuckGate) Name() string { return "stuck" }

func (g stuckGate) Check(_ context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	if c.Class == ostiary.ClassTool {
		close(g.entered)
		<-g.release
	}
	return ostiary.Allowed(), nil
}

// TestAGateThatNeverReturnsDoesNotKeepTheDoorOpen: neither when the client
// leaves nor when the door is told to end (SIGTERM ends the context of Run).
func TestAGateThatNeverReturnsDoesNotKeepTheDoorOpen(t *testing.T) {
	for name, leave := range map[string]func(*bench){
		"the client leaves": func(b *bench) { b.in.Close() },
		"told to end":       func(b *bench) { b.stop() },
	} {
		t.Run(name, func(t *testing.T) {

			dir := t.TempDir()
			pidFile := filepath.Join(dir, "pid")
			gate := stuckGate{entered: make(chan struct{}), release: make(chan struct{})}
			recorder, err := audit.Open(audit.Options{
				Dir: filepath.Join(dir, "state"), Version: "test",
				Redact:     func(c *ostiary.Call) []byte { return c.Arguments },
				RedactText: func(s string) string { return s },
			})
			if err != nil {
				t.Fatal(err)
			}
			line, err := ostiary.New(ostiary.Options{
				Gates: []ostiary.Gate{gate}, Recorder: recorder, Timeout: patience, Now: time.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			b := openDoor(t, policy.Options{}, func(o *Options) {
				shell(`echo $$ >` + pidFile + `; exec "$1" be echo`)(o)
				o.Line, o.Grace = line, 100*time.Millisecond
			})
			b.shaken()
			b.send(call("1", "echo"), cancelled("1"))
			b.await(closedAs(gate.entered), "the gate was not asked")
			start := time.Now()
			leave(b)
			b.lines()
			if err := b.ended(); err != nil {
				t.Error(err)
			}
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("the door took %v to close", d)
			}
			pid, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			goneProcess(t, string(pid))
			if !strings.Contains(b.err.String(), "still being judged") {
				t.Errorf("nothing was said to the operator: %s", b.err.String())
			}
			close(gate.release)
			if err := recorder.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func closedAs(c <-chan struct{}) <-chan string {
	s := make(chan string, 1)
	go func() {
		<-c
		s <- ""
	}()
	return s
}
