package approval

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/store"
)

// decided is what a kill of the person's process leaves, by step.
var decided = map[string]State{"noted first": Pending, "taking": Pending, "written": Approved}

// TestKilledPerson: a decision that was acknowledged is there, whatever happens
// to the process that took it; one that was not written can be taken again.
func TestKilledPerson(t *testing.T) {
	kills := 24
	if testing.Short() {
		kills = 6
	}
	c := newCrash(t, killable(t), rand.New(rand.NewPCG(seedOf(t), 0)))
	counts := map[State]int{}
	var took time.Duration
	order := []string{"noted first", "taking", "written"}
	for i := range kills {
		args, r := c.asked()
		m := hireFrom(t, c.child, "desk", c.h.dir)
		m.line()
		step := "-"
		switch {
		case i == 0: // it shows how long a decision takes
			began := time.Now()
			m.say(r.ID + " -")
			if got := m.line(); got != "approved" {
				t.Fatal(got)
			}
			took = time.Since(began)
			step = "written"
		case i%2 == 0:
			step = order[i/2%3]
			m.say(r.ID + " " + step)
			if got := m.line(); got != step {
				t.Fatalf("the child said %q instead of %q", got, step)
			}
		default:
			m.say(r.ID + " -")
			timer := time.AfterFunc(time.Duration(c.random.Int64N(int64(took))), func() { _ = m.cmd.Process.Kill() })
			if _, err := m.out.ReadString('\n'); err == nil {
				step = "written"
			}
			timer.Stop()
		}
		m.kill()
		got := c.h.get(r.ID).State
		if want, ok := decided[step]; ok && got != want {
			t.Fatalf("killed at %q: it is %s", step, got)
		}
		switch got {
		case Approved:
		case Pending:
			c.h.approve(r.ID)
		default:
			t.Fatalf("a lost decision: it is %s", got)
		}
		counts[got]++
		if l := c.look(args, r.ID, true, true); l.wrong() != "" {
			t.Fatalf("%s: %+v", l.wrong(), l)
		}
	}
	t.Logf("%d kills left %v", kills, counts)
}

// behindDesk is the process of a person who decides. A line is the id of a request
// and a step, as above.
func behindDesk(dir string) error {
	stop := ""
	in := bufio.NewReader(os.Stdin)
	at := func(step string) {
		if step == stop {
			fmt.Println(step)
			_, _ = in.ReadString('\n') // until it is killed
		}
	}
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer s.Close()
	log, err := evidence(dir)
	if err != nil {
		return err
	}
	defer log.Close()
	d, err := NewDesk(DeskOptions{Store: slowStore{s, at}, Journal: slowJournal{log, at}})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil
		}
		var id string
		id, stop, _ = strings.Cut(strings.TrimSpace(line), " ")
		r, err := d.Approve(context.Background(), id, bob, Confirm)
		if err != nil {
			return err
		}
		fmt.Println(r.State)
	}
}
