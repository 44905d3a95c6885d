package idempotency

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/store"
)

const childVariable = "OSTIARY_IDEMPOTENCY_CHILD"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if part := os.Getenv(childVariable); part != "" {
		if err := child(part); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// door is a process with everything real: store, evidence, line. The effect is
// a line in a file.
type door struct {
	dir   string
	store *store.SQLite
	log   *audit.Log
	gate  *Gate
}

func openDoor(dir string) (*door, error) {
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	l, err := audit.Open(audit.Options{
		Dir: dir, Logger: slog.New(slog.DiscardHandler),
		Redact: func(c *ostiary.Call) []byte { return c.Arguments }, RedactText: func(s string) string { return s },
	})
	if err != nil {
		return nil, err
	}
	g, err := New(Options{Store: s, Owner: l.ID(), Alive: func(owner string) bool { return audit.Alive(dir, owner) }})
	return &door{dir: dir, store: s, log: l, gate: g}, err
}

func (d *door) call(key string, s ostiary.Settler, at func(step string)) (*ostiary.Result, ostiary.Decision) {
	after := gateFunc(func(context.Context, *ostiary.Call) (ostiary.Decision, error) {
		at("reserved")
		return ostiary.Decision{Verdict: ostiary.Allow, Hold: &ostiary.Hold{Keep: func(*ostiary.Result) { at("kept") }}}, nil
	})
	l, err := ostiary.New(ostiary.Options{Gates: []ostiary.Gate{d.gate, after}, Settler: s, Recorder: d.log, Timeout: time.Minute, Now: time.Now})
	if err != nil {
		return nil, ostiary.Refused("test", err)
	}
	return l.Do(context.Background(), pay(key, 1), func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		at("committed")
		f, err := os.OpenFile(filepath.Join(d.dir, "effects"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if _, err := f.WriteString(key + "\n"); err != nil {
			return nil, err
		}
		at("effect")
		return &ostiary.Result{Status: ostiary.StatusOK, Body: answer(7), Text: key}, nil
	})
}

// effects counts how often a key took effect.
func (d *door) effects(t *testing.T, key string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(d.dir, "effects"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(raw)) {
		if strings.TrimSuffix(line, "\n") == key {
			n++
		}
	}
	return n
}

// child is "step|key|dir": it says when it has come to the step and goes on when
// it is told. With the step "random" it calls with one key after the other until
// it is killed.
func child(part string) error {
	f := strings.SplitN(part, "|", 3)
	step, key, dir := f[0], f[1], f[2]
	d, err := openDoor(dir)
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	for i := 0; step == "random"; i++ {
		fmt.Printf("%s-%d\n", key, i)
		if _, got := d.call(fmt.Sprintf("%s-%d", key, i), nil, func(string) {}); got.Verdict != ostiary.Allow {
			return fmt.Errorf("%+v", got)
		}
	}
	var failed error
	r, got := d.call(key, nil, func(now string) {
		if now == step {
			fmt.Println(now)
			_, failed = in.ReadString('\n')
		}
	})
	if failed != nil || r == nil {
		return fmt.Errorf("%w, %+v", failed, got)
	}
	fmt.Printf("%x\n", r.Body)
	return nil
}

type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(t *testing.T, step, key, dir string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), childVariable+"="+step+"|"+key+"|"+dir)
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	return p
}

func (p *process) line(t *testing.T) string {
	t.Helper()
	s, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("a child ended: %v, %v", err, p.cmd.Wait())
	}
	return strings.TrimSuffix(s, "\n")
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, p.out) // what it still said
	_ = p.cmd.Wait()                  // it was killed
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d, err := openDoor(stateDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.log.Close(); err != nil {
			t.Error(err)
		}
		d.store.Close()
	})
	return d
}

func noStep(string) {}

// Killed at each step: never two effects without a person, and what is known is
// not asked.
func TestKilledAtEachStep(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for _, test := range []struct {
		step    string
		before  int // effects when it was killed
		code    ostiary.Code
		verdict ostiary.Verdict
		after   int // effects after the repetition without a person
	}{
		{"reserved", 0, "", ostiary.Allow, 1},
		{"committed", 0, ostiary.CodeIdempotencyUnknown, ostiary.Deny, 0},
		{"effect", 1, ostiary.CodeIdempotencyUnknown, ostiary.Deny, 1},
		{"kept", 1, "", ostiary.Answer, 1},
	} {
		for i := range 10 {
			key := fmt.Sprintf("%s-%d", test.step, i)
			p := start(t, test.step, key, d.dir)
			if got := p.line(t); got != test.step {
				t.Fatalf("the child said %q", got)
			}
			p.kill(t)
			if n := d.effects(t, key); n != test.before {
				t.Fatalf("%s: %d effects before the repetition", key, n)
			}
			r, got := d.call(key, nil, noStep)
			want(t, key, got, test.code, test.verdict)
			if n := d.effects(t, key); n != test.after {
				t.Errorf("%s: %d effects after the repetition", key, n)
			}
			if test.verdict != ostiary.Deny {
				if r == nil || !bytes.Equal(r.Body, answer(7)) || r.Text != key {
					t.Errorf("%s: result %+v", key, r)
				}
				continue
			}
			_, got = d.call(key, person(ostiary.Allow), noStep)
			want(t, key+", a person allows", got, "", ostiary.Allow)
			r, got = d.call(key, nil, noStep)
			want(t, key+", afterwards", got, "", ostiary.Answer)
			if n := d.effects(t, key); n != test.after+1 || r == nil || !bytes.Equal(r.Body, answer(7)) {
				t.Errorf("%s: %d effects after a person, result %+v", key, n, r)
			}
		}
	}
}

// Killed anywhere: the last call is repeated by another process.
func TestKilledAtRandomPoints(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("OSTIARY_CRASH_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("repeat with OSTIARY_CRASH_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ended := map[string]int{}
	for run := range 12 {
		p := start(t, "random", fmt.Sprintf("r%d", run), d.dir)
		key := ""
		for range 1 + random.IntN(5) {
			key = p.line(t)
		}
		pause := time.NewTimer(time.Duration(random.IntN(8000)) * time.Microsecond)
		<-pause.C
		p.cmd.Process.Kill()
		for {
			s, err := p.out.ReadString('\n')
			if err != nil {
				break
			}
			key = strings.TrimSuffix(s, "\n")
		}
		p.cmd.Wait()
		before := d.effects(t, key)
		_, got := d.call(key, nil, noStep)
		after := d.effects(t, key)
		switch {
		case got.Verdict == ostiary.Allow && before == 0 && after == 1:
		case got.Verdict == ostiary.Answer && before == 1 && after == 1:
		case got.Code == ostiary.CodeIdempotencyUnknown && after == before && after <= 1:
		default:
			t.Errorf("%s: %d effects, then %d, %+v", key, before, after, got)
		}
		ended[got.Verdict.String()]++
	}
	t.Logf("the repetitions ended %v", ended)
}

// Two processes: the second waits for the first and gets its bytes.
func TestARepetitionInAnotherProcess(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	p := start(t, "committed", "k", d.dir)
	if got := p.line(t); got != "committed" {
		t.Fatal(got)
	}
	polls := &polled{Store: d.store, seen: make(chan struct{})}
	d.gate.store = polls
	done := make(chan outcome, 1)
	go func() {
		r, got := d.call("k", nil, noStep)
		done <- outcome{r, got}
	}()
	for range 3 {
		<-polls.seen
	}
	if _, err := io.WriteString(p.in, "go\n"); err != nil {
		t.Fatal(err)
	}
	first := p.line(t)
	second := <-done
	want(t, "repetition", second.d, "", ostiary.Answer)
	if second.r == nil || fmt.Sprintf("%x", second.r.Body) != first || d.effects(t, "k") != 1 {
		t.Errorf("first %s, second %+v, %d effects", first, second.r, d.effects(t, "k"))
	}
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}
