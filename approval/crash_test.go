package approval

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// killable is the program of the children that are killed: this test, built without
// the race detector, with which hundreds of starts take minutes.
func killable(t *testing.T) string {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok || !slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return os.Args[0]
	}
	program := filepath.Join(t.TempDir(), "approval.test")
	if out, err := exec.Command("go", "test", "-c", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// crash is a state directory in which doors are killed.
type crash struct {
	t      *testing.T
	child  string // the program that is killed
	h      *house
	next   *door // who repeats the calls of those that died
	random *rand.Rand
	calls  int
	took   time.Duration // a call that nobody kills
}

func newCrash(t *testing.T, child string, random *rand.Rand) *crash {
	t.Helper()
	c := &crash{t: t, child: child, h: newHouse(t, func(o *Options) { o.Expire, o.Pending = time.Hour, 1000 }), random: random}
	var err error
	if c.next, err = openDoor("door", c.h.dir, func(string) {}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.next.close)
	return c
}

// asked asks about a new call and returns the request.
func (c *crash) asked() (args string, r Request) {
	c.t.Helper()
	c.calls++
	args = fmt.Sprintf("%q", fmt.Sprint("k", c.calls))
	c.h.refused(call(args), ostiary.CodeApprovalPending)
	return args, c.h.only()
}

// measure lets some calls end, so that the kills fall within a call.
func (c *crash) measure() {
	c.t.Helper()
	m := hireFrom(c.t, c.child, "door", c.h.dir)
	m.line()
	var took []time.Duration
	for range 5 {
		args, r := c.asked()
		c.h.approve(r.ID)
		began := time.Now()
		m.say(args + " -")
		if got := m.line(); got != "ran" {
			c.t.Fatal(got)
		}
		took = append(took, time.Since(began))
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	c.took = took[len(took)/2]
}

// kill lets a child make the call and kills it at the step, or at a random moment
// if that is "-". It reports whether the child died before it answered.
func (c *crash) kill(role, args, step string) (died bool) {
	c.t.Helper()
	m := hireFrom(c.t, c.child, role, c.h.dir)
	m.line()
	m.say(args + " " + step)
	if step != "-" {
		if got := m.line(); got != step {
			c.t.Fatalf("the child said %q instead of %q", got, step)
		}
		m.kill()
		return true
	}
	timer := time.AfterFunc(time.Duration(c.random.Int64N(int64(c.took))), func() { _ = m.cmd.Process.Kill() })
	_, err := m.out.ReadString('\n')
	timer.Stop()
	m.kill()
	if m.err.Len() > 0 {
		c.t.Fatalf("a child failed: %s", m.err.String())
	}
	return err != nil
}

// left is what a kill left, and what became of the call when it was repeated twice
// by another process.
type left struct {
	approved      bool // by a person
	died          bool
	state         State
	before, after int // effects
	first, second ostiary.Decision
}

func (c *crash) look(args, id string, approved, died bool) left {
	c.t.Helper()
	l := left{approved: approved, died: died, state: c.h.get(id).State, before: effects(c.t, c.h.dir, args)}
	l.first, l.second = c.next.call(args), c.next.call(args)
	l.after = effects(c.t, c.h.dir, args)
	if _, err := c.h.desk.Void(c.t.Context(), Filter{}, bob, "next"); err != nil { // what the repetitions asked
		c.t.Fatal(err)
	}
	return l
}

// wrong says which promise was broken, "" if none was.
func (l left) wrong() string {
	pending := func(d ostiary.Decision) bool {
		return d.Verdict == ostiary.Deny && d.Code == ostiary.CodeApprovalPending
	}
	switch {
	case !l.approved && l.after > 0:
		return "an effect without an approval"
	case l.after > 1:
		return "two effects"
	case !l.died && l.before != 1 && l.approved:
		return "an answer without an effect"
	case !l.approved && (l.state != Pending || !pending(l.first)):
		return "a decision that nobody took"
	case l.state == Approved && (l.before != 0 || l.first.Verdict != ostiary.Allow || l.after != 1):
		return "a lost decision: approved, and the call does not run"
	case l.state == Used && (!pending(l.first) || l.after != l.before):
		return "an approval that was used counts again"
	case l.approved && l.state != Approved && l.state != Used:
		return "a lost decision: " + string(l.state)
	case !pending(l.second):
		return "the second repetition was not asked about"
	}
	return ""
}

func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("OSTIARY_CRASH_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with OSTIARY_CRASH_SEED=%d", seed)
		}
	})
	t.Logf("seed %d", seed)
	return seed
}

// TestKilledBetweenApprovalAndEffect kills doors 200 times while a call that a
// person approved is on its way: half of them at each step in turn, half at random
// moments, some of those without the approval. There are never two effects and
// never one without an approval; an approval that was not taken still lets the call
// pass once, in another process, and one that was taken never again.
func TestKilledBetweenApprovalAndEffect(t *testing.T) {
	kills, teams := 200, 4
	if testing.Short() {
		kills = 40
	}
	seed, child := seedOf(t), killable(t)
	var unused, taken, done, unapproved atomic.Int64
	t.Run("teams", func(t *testing.T) {
		for team := range teams {
			t.Run(strconv.Itoa(team), func(t *testing.T) {
				t.Parallel()
				c := newCrash(t, child, rand.New(rand.NewPCG(seed, uint64(team))))
				c.measure()
				for died := 0; died < kills/teams; {
					if c.calls > 2*kills {
						t.Fatalf("only %d of %d doors died before they answered", died, c.calls)
					}
					args, r := c.asked()
					approved, step := died%2 == 0 || c.random.IntN(5) > 0, "-"
					if died%2 == 0 {
						step = steps[(died/2)%len(steps)].name
					}
					if approved {
						c.h.approve(r.ID)
					}
					l := c.look(args, r.ID, approved, c.kill("door", args, step))
					if what := l.wrong(); what != "" {
						t.Fatalf("%s; killed at %q: %+v", what, step, l)
					}
					for _, s := range steps {
						if s.name == step && (l.state != s.left || l.before != s.there) {
							t.Fatalf("killed at %q: %+v", step, l)
						}
					}
					if !l.died {
						continue
					}
					died++
					switch {
					case !approved:
						unapproved.Add(1)
					case l.state == Approved:
						unused.Add(1)
					case l.before == 0:
						taken.Add(1)
					default:
						done.Add(1)
					}
				}
				rep, err := audit.Verify(t.Context(), c.h.dir, audit.VerifyOptions{})
				if err != nil || len(rep.Broken) > 0 {
					t.Errorf("the evidence: %v, %v", rep, err)
				}
			})
		}
	})
	t.Logf("%d kills: %d before the approval was taken, %d between that and the effect, %d between the effect and the answer, %d without an approval",
		kills, unused.Load(), taken.Load(), done.Load(), unapproved.Load())
}

// The control: doors that take the approval too late, or need none, are found by
// the same means.
func TestKilledDoorsThatAreWrong(t *testing.T) {
	c := newCrash(t, os.Args[0], rand.New(rand.NewPCG(1, 2)))
	for _, test := range []struct {
		role     string
		approved bool
		want     string
	}{
		{"late", true, "two effects"},
		{"open", false, "an effect without an approval"},
		{"door", true, ""},
	} {
		args, r := c.asked()
		if test.approved {
			c.h.approve(r.ID)
		}
		if got := c.look(args, r.ID, test.approved, c.kill(test.role, args, "effect")).wrong(); got != test.want {
			t.Errorf("%s: found %q, want %q", test.role, got, test.want)
		}
	}
}
