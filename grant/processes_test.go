package grant

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

// doorVariable makes of the test binary a door over the store that it names.
const doorVariable = "OSTIARY_GRANTTEST"

func TestMain(m *testing.M) {
	if dir := os.Getenv(doorVariable); dir != "" {
		if err := door(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// door takes one call through the gate, says "ready" when all gates have let it
// pass, and commits when it is told. With the guard away it believes the gate.
func door(dir string) error {
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		return err
	}
	g := New(Options{Store: s, Clock: time.Now, Compile: compile})
	d, err := g.Check(context.Background(), with(os.Getenv("TOKEN")))
	if err != nil || !d.Settles {
		return fmt.Errorf("the gate: %+v, %w", d, err)
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	if os.Getenv("UNGUARDED") != "" {
		fmt.Println("ran")
	} else if err := d.Hold.Commit(); err == nil {
		fmt.Println("ran")
	} else {
		fmt.Println(ostiary.AsError(err).Code)
	}
	return s.Close()
}

// race starts doors that all saw the same grant and lets them go at once.
func race(t *testing.T, dir string, n int, env ...string) map[string]int {
	t.Helper()
	type member struct {
		cmd *exec.Cmd
		in  io.Writer
		out *bufio.Reader
		err *strings.Builder
	}
	var doors []member
	for range n {
		m := member{cmd: exec.Command(os.Args[0]), err: &strings.Builder{}}
		m.cmd.Env = append(append(os.Environ(), doorVariable+"="+dir), env...)
		m.cmd.Stderr = m.err
		in, err1 := m.cmd.StdinPipe()
		out, err2 := m.cmd.StdoutPipe()
		if err := errors.Join(err1, err2, m.cmd.Start()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = m.cmd.Process.Kill() // it may have ended
			_ = m.cmd.Wait()
		})
		m.in, m.out = in, bufio.NewReader(out)
		doors = append(doors, m)
	}
	line := func(m member) string {
		s, err := m.out.ReadString('\n')
		if err != nil {
			_ = m.cmd.Wait() // its words tell more
			t.Fatalf("a door ended: %v\n%s", err, m.err)
		}
		return strings.TrimSuffix(s, "\n")
	}
	for _, m := range doors {
		if s := line(m); s != "ready" {
			t.Fatal(s)
		}
	}
	for _, m := range doors {
		if _, err := io.WriteString(m.in, "go\n"); err != nil {
			t.Fatal(err)
		}
	}
	ended := map[string]int{}
	for _, m := range doors {
		ended[line(m)]++
	}
	return ended
}

// Of a hundred processes that use one single-use grant at once, one wins.
func TestHundredProcesses(t *testing.T) {
	for name, token := range map[string]bool{"held": false, "token": true} {
		n := 100
		if token || testing.Short() {
			n = 30
		}
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			s, err := store.Open(store.Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			h := &house{t: t}
			desk := NewDesk(DeskOptions{Store: s, Journal: h, Clock: time.Now, Rand: rand.Reader})
			// A child of a grant with one use: the limit is the parent's.
			parent, _, err := desk.Create(t.Context(), Terms{Principal: "alice", Pattern: "files/*", Uses: 1, For: time.Hour, Reason: "r", Token: token}, dora)
			if err != nil {
				t.Fatal(err)
			}
			g, secret, err := desk.Create(t.Context(), Terms{Parent: parent.ID, Pattern: "files/delete_file", Uses: 1, Reason: "r", Token: token}, dora)
			if err != nil {
				t.Fatal(err)
			}
			ended := race(t, dir, n, "TOKEN="+secret)
			if ended["ran"] != 1 || ended[string(ostiary.CodeGrantUsed)] != n-1 {
				t.Errorf("they ended with %v", ended)
			}
			for _, id := range []string{g.ID, parent.ID} {
				if after, err := desk.Get(t.Context(), id); err != nil || after.Used > 1 {
					t.Errorf("%s was used %d times, %v", id, after.Used, err)
				}
			}
		})
	}
}

// Control: doors that trust what the gate saw all run.
func TestHundredProcessesUnguarded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	desk := NewDesk(DeskOptions{Store: s, Journal: &house{t: t}, Clock: time.Now, Rand: rand.Reader})
	if _, _, err := desk.Create(t.Context(), Terms{Principal: "alice", Pattern: "files/*", Uses: 1, Reason: "r"}, dora); err != nil {
		t.Fatal(err)
	}
	if ended := race(t, dir, 5, "UNGUARDED=1"); ended["ran"] != 5 {
		t.Errorf("they ended with %v: the test above proves nothing", ended)
	}
}
