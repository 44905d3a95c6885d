package approval

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

// childVariable tells a child its part and the state directory: "part=dir".
const childVariable = "OSTIARY_APPROVALTEST"

func TestMain(m *testing.M) {
	role, dir, ok := strings.Cut(os.Getenv(childVariable), "=")
	if !ok {
		os.Exit(m.Run())
	}
	if err := child(role, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is the part of another process: it opens the store and a journal, says
// "ready", and works for each line that it reads.
func child(role, dir string) error {
	if _, ok := doors[role]; ok {
		return behindDoor(role, dir)
	}
	if role == "desk" {
		return behindDesk(dir)
	}
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer s.Close()
	journal := &notes{}
	g, err := New(Options{
		Store: s, Journal: journal, Policy: "sha256:p1", Wait: time.Millisecond, Expire: time.Hour,
		Mask: func(c *ostiary.Call) []byte { return c.Arguments },
	})
	if err != nil {
		return err
	}
	defer g.Close()
	d, err := NewDesk(DeskOptions{Store: s, Journal: journal})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil
		}
		word := strings.TrimSpace(line)
		ctx := context.Background()
		switch role {
		case "take":
			won, err := effect(ctx, g, dir, word)
			if err != nil && !strings.HasPrefix(string(ostiary.AsError(err).Code), "approval_") {
				return err
			}
			fmt.Println(won)
		case "person":
			_, err := d.Approve(ctx, word, bob, Confirm)
			if err != nil {
				return err
			}
			// When it was durable, so that the parent measures from there.
			fmt.Println(time.Now().UnixNano())
		}
	}
}

// effect makes one call: settle, commit, and one byte in a file.
func effect(ctx context.Context, g *Gate, dir, args string) (bool, error) {
	d, err := g.Settle(ctx, call(args), asks())
	if err != nil {
		return false, err
	}
	if err := d.Hold.Commit(); err != nil {
		return false, err
	}
	f, err := os.OpenFile(effectFile(dir, args), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return false, err
	}
	defer f.Close()
	_, err = f.Write([]byte{'x'})
	return true, err
}

func effectFile(dir, args string) string {
	return filepath.Join(filepath.Dir(dir), "effect-"+strings.Trim(args, `"`))
}

// effects counts what calls with these arguments did.
func effects(t *testing.T, dir, args string) int {
	t.Helper()
	b, err := os.ReadFile(effectFile(dir, args))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return len(b)
}

// member is a child of a test.
type member struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err strings.Builder
}

func hire(t testing.TB, role, dir string) *member {
	t.Helper()
	return hireFrom(t, os.Args[0], role, dir)
}

// hireFrom hires from another build of this test.
func hireFrom(t testing.TB, program, role, dir string) *member {
	t.Helper()
	m := &member{t: t, cmd: exec.Command(program)}
	m.cmd.Env = append(os.Environ(), childVariable+"="+role+"="+dir)
	m.cmd.Stderr = &m.err
	in, err := m.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.in, m.out = in, bufio.NewReader(out)
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.kill)
	return m
}

func (m *member) kill() { _ = m.cmd.Process.Kill(); _ = m.cmd.Wait() } // it may have ended

func (m *member) say(s string) { _, _ = io.WriteString(m.in, s+"\n") } // an end shows when it is read

func (m *member) line() string {
	m.t.Helper()
	s, err := m.out.ReadString('\n')
	if err != nil {
		_ = m.cmd.Wait()
		m.t.Fatalf("a child ended: %v\n%s", err, m.err.String())
	}
	return strings.TrimSpace(s)
}

// approvedFor asks about a call, approves it, and returns the request.
func (h *house) approvedFor(args string) Request {
	h.t.Helper()
	h.refused(call(args), ostiary.CodeApprovalPending)
	r := h.only()
	h.approve(r.ID)
	return r
}

// TestManyProcessesOneApproval: of many processes that use one approval at once,
// exactly one does.
func TestManyProcessesOneApproval(t *testing.T) {
	n := 100
	if testing.Short() {
		n = 30
	}
	h := newHouse(t, func(o *Options) { o.Expire = time.Hour })
	r := h.approvedFor(`"shared"`)
	var crew []*member
	for range n {
		crew = append(crew, hire(t, "take", h.dir))
	}
	for _, m := range crew {
		if got := m.line(); got != "ready" {
			t.Fatal(got)
		}
	}
	for _, m := range crew {
		m.say(`"shared"`)
	}
	won := 0
	for _, m := range crew {
		if m.line() == "true" {
			won++
		}
	}
	if got := effects(t, h.dir, `"shared"`); won != 1 || got != 1 {
		t.Errorf("%d of %d processes won, %d effects", won, n, got)
	}
	if h.get(r.ID).State != Used {
		t.Error("it is not used")
	}
}

// TestReleaseAcrossProcesses: a decision in another process lets a waiting call
// go soon. The numbers are measured in the benchmark; this only says that it is
// a matter of milliseconds.
func TestReleaseAcrossProcesses(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Wait = time.Hour })
	took := releases(h, 20)
	if median := took[len(took)/2]; median > time.Second {
		t.Errorf("released after %v", took)
	}
}

// releases measures from the moment when a decision is durable in another
// process to the moment when the call goes on here.
func releases(h *house, n int) []time.Duration {
	h.t.Helper()
	m := hire(h.t, "person", h.dir)
	m.line()
	var took []time.Duration
	for i := range n {
		c := call(fmt.Sprint("release", i))
		done := make(chan time.Time, 1)
		go func() {
			if _, err := h.settle(c); err != nil {
				h.t.Error(err)
			}
			done <- time.Now()
		}()
		h.until(func() bool { return h.waiters() == 1 })
		var id string
		h.until(func() bool { // the requests of a benchmark wait too
			h.notes.mu.Lock()
			defer h.notes.mu.Unlock()
			last := h.notes.all[len(h.notes.all)-1]
			id = last.Subject
			return last.Name == "approval_requested"
		})
		m.say(id)
		var at int64
		if _, err := fmt.Sscan(m.line(), &at); err != nil {
			h.t.Fatal(err)
		}
		took = append(took, (<-done).Sub(time.Unix(0, at)))
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	return took
}
