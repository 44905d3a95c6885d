package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// childVariable tells a child its part and the store: "part=place".
const childVariable = "OSTIARY_STORETEST"

// crew is some children of one test. Each opens the store, says "ready", and
// works when its standard input says so.
type crew []*member

type member struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err strings.Builder
}

func hire(t *testing.T, n int, role, place string) crew {
	t.Helper()
	var c crew
	for range n {
		m := &member{cmd: exec.Command(os.Args[0])}
		m.cmd.Env = append(os.Environ(), childVariable+"="+role+"="+place)
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
		t.Cleanup(m.end)
		c = append(c, m)
	}
	for _, m := range c {
		m.expect(t, "ready")
	}
	return c
}

func (m *member) expect(t *testing.T, want string) {
	t.Helper()
	if got := m.line(t); got != want {
		t.Fatalf("a child said %q instead of %q", got, want)
	}
}

func (m *member) line(t *testing.T) string {
	t.Helper()
	s, err := m.out.ReadString('\n')
	if err != nil {
		m.wait()
		t.Fatalf("a child ended: %v\n%s", err, m.err.String())
	}
	return strings.TrimSuffix(s, "\n")
}

// end kills a child that did not end by itself.
func (m *member) end() {
	m.kill()
	m.wait()
}

func (m *member) kill() { _ = m.cmd.Process.Kill() } // fails if it has ended

func (m *member) wait() { _ = m.cmd.Wait() } // a child that was killed has no good status

// start lets a child go on; one that has ended shows when its line is read.
func (m *member) start() { _, _ = io.WriteString(m.in, "go\n") }

func (c crew) start() {
	for _, m := range c {
		m.start()
	}
}

// child is a member's part. It says "ready" when the store is open.
func child(e Engine, role, place string) (err error) {
	s, err := e.Open(place, time.Now)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	ctx := context.Background()
	switch role {
	case "increment":
		var slowest time.Duration
		for range increments {
			begun := time.Now()
			if err := s.Update(ctx, func(tx ostiary.Tx) error { return increment(tx, "sum") }); err != nil {
				return err
			}
			slowest = max(slowest, time.Since(begun))
		}
		fmt.Println(slowest)
	case "take":
		won := false
		if err := s.Update(ctx, func(tx ostiary.Tx) error {
			r, err := tx.Get(bucket, "token")
			if err != nil || r == nil {
				return err
			}
			won = true
			return errors.Join(tx.Delete(bucket, "token"), increment(tx, "taken"))
		}); err != nil {
			return err
		}
		fmt.Println(won)
	case "touch":
		in := bufio.NewReader(os.Stdin)
		for {
			if err := put(ctx, s, ostiary.Row{Key: "touched"}); err != nil {
				return err
			}
			fmt.Println(time.Now().UnixNano())
			if _, err := in.ReadString('\n'); err != nil {
				return s.Close()
			}
		}
	case "write":
		return write(ctx, s)
	default:
		return fmt.Errorf("no such part: %s", role)
	}
	return s.Close()
}

const increments = 25

func processes(t *testing.T, e Engine) {
	const n = 20
	place := e.Place(t)
	c := hire(t, n, "increment", place)
	begun := time.Now()
	c.start()
	var slowest time.Duration
	for _, m := range c {
		d, err := time.ParseDuration(m.line(t))
		if err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, d)
	}
	t.Logf("%d processes, %d updates each: %v in all, the slowest waited %v", n, increments, time.Since(begun), slowest)
	if r := get(t, e.open(t, place, time.Now), "sum"); r == nil || string(r.Value) != fmt.Sprint(n*increments) {
		t.Errorf("got %+v, want %d", r, n*increments)
	}
}

func race(t *testing.T, e Engine) {
	n := 100
	if testing.Short() {
		n = 40
	}
	place := e.Place(t)
	s := e.open(t, place, time.Now)
	c := hire(t, n, "take", place)
	mustPut(t, s, ostiary.Row{Key: "token"})
	begun := time.Now()
	c.start()
	winners := 0
	for _, m := range c {
		if m.line(t) == "true" {
			winners++
		}
	}
	t.Logf("%d processes, one token: %v", n, time.Since(begun))
	if r := get(t, s, "taken"); winners != 1 || r == nil || string(r.Value) != "1" {
		t.Errorf("%d winners, and the row says %+v", winners, r)
	}
	if get(t, s, "token") != nil {
		t.Error("the token is still there")
	}
}

// watched: who asks for the version every few milliseconds learns of a change of
// another process soon.
func watched(t *testing.T, e Engine) {
	place := e.Place(t)
	s := e.open(t, place, time.Now)
	m := hire(t, 1, "touch", place)[0]
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	var took []time.Duration
	for range 20 {
		before := version(t, s, bucket)
		m.start()
		for version(t, s, bucket) == before {
			<-ticker.C
		}
		seen := time.Now()
		var at int64
		if _, err := fmt.Sscan(m.line(t), &at); err != nil {
			t.Fatal(err)
		}
		took = append(took, seen.Sub(time.Unix(0, at)))
	}
	// The machine may be busy: most of them must be quick, not each.
	late := 0
	for _, d := range took {
		if d > 50*time.Millisecond {
			late++
		}
	}
	if late > len(took)/2 {
		t.Errorf("changes were seen after %v", took)
	}
}

// write puts pairs of rows until it is killed and tells each when it is durable.
func write(ctx context.Context, s ostiary.Store) error {
	var wg sync.WaitGroup
	failed := make(chan error, 4)
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				value := strings.Repeat(id, 1+i%300) // some fill several pages
				if err := put(ctx, s, ostiary.Row{Key: "l/" + id, Group: "left", Value: []byte(value)}, ostiary.Row{Key: "r/" + id, Group: "right", Value: []byte(value)}); err != nil {
					failed <- err
					return
				}
				if _, err := os.Stdout.WriteString(id + "\n"); err != nil { // one write, no buffer
					failed <- err
					return
				}
			}
		})
	}
	return <-failed
}

// killed: whatever was acknowledged is there, and nothing is there by half.
func killed(t *testing.T, e Engine) {
	place := e.Place(t)
	runs := 30
	if testing.Short() {
		runs = 8
	}
	acked := map[string]bool{}
	random := rand.New(rand.NewPCG(1, 2))
	for range runs {
		// Two at once, so that one dies while the other writes.
		c := hire(t, 2, "write", place)
		c.start()
		var wg sync.WaitGroup
		var mu sync.Mutex
		for _, m := range c {
			timer := time.AfterFunc(time.Duration(random.IntN(60_000))*time.Microsecond, m.kill)
			wg.Go(func() {
				defer timer.Stop()
				for {
					line, err := m.out.ReadString('\n')
					if err != nil {
						return // a partial line was not acknowledged
					}
					mu.Lock()
					acked[strings.TrimSuffix(line, "\n")] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for _, m := range c {
			m.wait()
			if m.err.Len() > 0 {
				t.Fatalf("a writer failed before it was killed: %s", m.err.String())
			}
		}
	}
	s := e.open(t, place, time.Now)
	there := map[string]int{}
	values := map[string]string{}
	if err := s.View(t.Context(), func(tx ostiary.Tx) error {
		for r, err := range tx.List(bucket, ostiary.Query{}) {
			if err != nil {
				return err
			}
			id := r.Key[2:]
			there[id]++
			if v, ok := values[id]; ok && v != string(r.Value) || !strings.HasPrefix(string(r.Value), id) {
				t.Errorf("%s has a value of another", r.Key)
			}
			values[id] = string(r.Value)
		}
		left, err := keys(tx, ostiary.Query{Group: "left"})
		if len(left) != len(there) {
			t.Errorf("the group lists %d rows of %d", len(left), len(there))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for id, n := range there {
		if n != 2 {
			t.Errorf("half of transaction %s is there", id)
		}
	}
	for id := range acked {
		if there[id] == 0 {
			t.Errorf("transaction %s was acknowledged and is lost", id)
		}
	}
	if len(acked) < runs {
		t.Errorf("only %d transactions in %d runs; this proves little", len(acked), runs)
	}
	t.Logf("%d kills: %d transactions acknowledged, %d there", 2*runs, len(acked), len(there))
}
