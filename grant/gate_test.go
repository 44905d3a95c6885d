package grant

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// The scenario of the issue: a delete asks; the person grants; it runs; after
// five minutes it asks again.
func TestGrantedForFiveMinutes(t *testing.T) {
	h := newHouse(t)
	h.expect("without a grant", call("delete_file"), "asks")
	made := h.clock()
	g := h.give(Terms{})
	if life := g.Expires.Sub(g.Created); life != 300*time.Second || !g.Created.Equal(made) {
		t.Errorf("it lives for %v from %v", life, g.Created)
	}
	h.expect("granted", call("delete_file"), "grant "+g.ID)
	h.pass(made.Add(299 * time.Second).Sub(h.clock()))
	h.expect("after 299 s", call("delete_file"), "grant "+g.ID)
	h.pass(time.Second - 1)
	h.expect("one nanosecond before 300 s", call("delete_file"), "grant "+g.ID)
	h.pass(1)
	h.expect("after 300 s", call("delete_file"), "asks")
	h.pass(time.Second)
	h.expect("after 301 s", call("delete_file"), "asks")
	if n := h.used(g.ID); n != 3 {
		t.Errorf("used %d times, want 3", n)
	}
}

// Time may end between the gate and the intent.
func TestTimeEndsBeforeCommit(t *testing.T) {
	for name, c := range map[string]struct {
		rule time.Duration
		of   ostiary.Effect
		life time.Duration
	}{
		"its own":    {time.Hour, ostiary.EffectDestructive, 300 * time.Second},
		"the rule's": {10 * time.Second, ostiary.EffectDestructive, 10 * time.Second},
		"execute":    {0, ostiary.EffectExecute, 60 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			made := h.clock()
			g := h.give(Terms{})
			one := call("delete_file")
			one.Rule.Grant.Max, one.Effect = c.rule, c.of
			h.pass(made.Add(c.life - 1).Sub(h.clock()))
			d, err := h.gate.Check(t.Context(), one)
			if err != nil || !d.Settles {
				t.Fatal(d, err)
			}
			h.pass(1)
			if err := d.Hold.Commit(); !errors.Is(err, ostiary.CodeGrantExpired) {
				t.Errorf("got %v", err)
			}
			h.expect("later", one, "asks")
			if n := h.used(g.ID); n != 0 {
				t.Errorf("a refused call took %d uses", n)
			}
		})
	}
}

// What a rule and an effect bound counts from the creation of the first of a line.
func TestMost(t *testing.T) {
	for name, c := range map[string]struct {
		rule   time.Duration
		effect ostiary.Effect
		want   time.Duration
	}{
		"nothing said":      {0, ostiary.EffectDestructive, 300 * time.Second},
		"execute":           {0, ostiary.EffectExecute, 60 * time.Second},
		"the rule is wider": {time.Hour, ostiary.EffectExecute, time.Hour},
		"the rule is less":  {5 * time.Second, ostiary.EffectWrite, 5 * time.Second},
		"its own life":      {10 * time.Hour, ostiary.EffectWrite, 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			made := h.clock()
			g := h.give(Terms{For: 2 * time.Hour, Uses: 1000})
			one := call("delete_file")
			one.Rule.Grant.Max, one.Effect = c.rule, c.effect
			h.pass(made.Add(c.want - 1).Sub(h.clock()))
			h.expect("just before", one, "grant "+g.ID)
			if c.want < 2*time.Hour {
				child := h.give(Terms{Parent: g.ID, Uses: 1})
				h.expect("a child does not begin anew", one, "asks")
				wide := call("delete_file")
				wide.Rule.Grant.Max = 100 * time.Hour
				h.expect("control: the child itself lives", wide, "grant "+child.ID)
			}
			h.pass(made.Add(c.want).Sub(h.clock()))
			h.expect("at the end", one, "asks")
		})
	}
}

func TestWhatAHeldGrantCovers(t *testing.T) {
	h := newHouse(t)
	g := h.give(Terms{Session: "s1", Pattern: "files/delete_*", When: "path=a", For: time.Hour})
	under := "grant " + g.ID
	for name, c := range map[string]struct {
		change func(c *ostiary.Call)
		want   string
	}{
		"this call":                 {func(*ostiary.Call) {}, under},
		"another tool it names":     {func(c *ostiary.Call) { c.Target = "delete_tree" }, under},
		"a tool it does not name":   {func(c *ostiary.Call) { c.Target = "move_file" }, "asks"},
		"another upstream":          {func(c *ostiary.Call) { c.Upstream = "file" }, "asks"},
		"another principal":         {func(c *ostiary.Call) { c.Principal.ID = "bob" }, "asks"},
		"nobody":                    {func(c *ostiary.Call) { c.Principal.ID = "" }, "asks"},
		"another session":           {func(c *ostiary.Call) { c.Session = "s2" }, "asks"},
		"no session":                {func(c *ostiary.Call) { c.Session = "" }, "asks"},
		"a resource of that name":   {func(c *ostiary.Call) { c.Class = ostiary.ClassResource }, "asks"},
		"other arguments":           {func(c *ostiary.Call) { c.Args = map[string]any{"path": "b"} }, "asks"},
		"a condition that fails":    {func(c *ostiary.Call) { c.Args = map[string]any{} }, "asks"},
		"a rule that asks nothing":  {func(c *ostiary.Call) { c.Rule.Ask = "" }, "asks"},
		"a dry run, that asks none": {func(c *ostiary.Call) { c.DryRun = true }, "asks"},
		"no rule":                   {func(c *ostiary.Call) { c.Rule = nil }, "asks"},
	} {
		one := call("delete_file")
		c.change(one)
		h.expect(name, one, c.want)
	}
	if n := h.used(g.ID); n != 2 {
		t.Errorf("used %d times, want 2", n)
	}
	odd := h.give(Terms{Pattern: "files/odd", When: "compiles to nothing"})
	h.expect("a condition that does not compile", call("odd"), "asks")
	if n := h.used(odd.ID); n != 0 {
		t.Errorf("it was used %d times", n)
	}
}

// Without Compile no condition holds.
func TestNoCompile(t *testing.T) {
	h := newHouse(t)
	h.give(Terms{When: "path=a"})
	g := New(Options{Store: h.st, Clock: h.clock})
	if got := h.try(g, call("delete_file")); got != "asks" {
		t.Errorf("got %s", got)
	}
	h.expect("control", call("delete_file"), "grant "+h.ids()[0])
}

func (h *house) ids() []string {
	h.t.Helper()
	all, err := h.desk.List(h.t.Context(), Filter{All: true})
	if err != nil {
		h.t.Fatal(err)
	}
	var ids []string
	for _, g := range all {
		ids = append(ids, g.ID)
	}
	return ids
}

// The narrowest goes first, then what ends first.
func TestOrder(t *testing.T) {
	h := newHouse(t)
	order := []Terms{
		{Pattern: "files/delete_file", Session: "s1", Uses: 1},
		{Pattern: "files/delete_file", When: "path=a", Uses: 1},
		{Pattern: "files/delete_file", Uses: 1, For: 100 * time.Second},
		{Pattern: "files/delete_file", Uses: 1, For: 200 * time.Second},
		{Pattern: "files/delete_*", Uses: 1},
		{Pattern: "*/delete_*", Uses: 1},
		{Pattern: "*/*", Uses: 1},
	}
	ids := make([]string, len(order))
	for _, i := range []int{3, 6, 0, 5, 2, 4, 1} {
		ids[i] = h.give(order[i]).ID
	}
	for i, id := range ids {
		h.expect(order[i].Pattern, call("delete_file"), "grant "+id)
	}
	h.expect("all used", call("delete_file"), "asks")
}

// Report-only rules enforce nothing, so they use nothing up.
func TestReportOnly(t *testing.T) {
	h := newHouse(t)
	g := h.give(Terms{Uses: 1})
	one := call("delete_file")
	one.Rule.ReportOnly = true
	for range 3 {
		h.expect("report only", one, "grant "+g.ID)
	}
	h.expect("control", call("delete_file"), "grant "+g.ID)
	h.expect("used up", call("delete_file"), "asks")
}

// A grant that was there when the gate looked is not there at the intent.
func TestRevokedBeforeCommit(t *testing.T) {
	h := newHouse(t)
	parent := h.give(Terms{Uses: 5})
	child := h.give(Terms{Parent: parent.ID, Uses: 2, For: time.Minute}) // ends first, so it is used first
	for _, id := range []string{child.ID, parent.ID} {
		d, err := h.gate.Check(t.Context(), call("delete_file"))
		if err != nil || !d.Settles {
			t.Fatal(d, err)
		}
		if _, err := h.desk.Revoke(t.Context(), id, dora, "a mistake"); err != nil {
			t.Fatal(err)
		}
		if err := d.Hold.Commit(); !errors.Is(err, ostiary.CodeGrantRevoked) {
			t.Errorf("got %v", err)
		}
	}
	h.expect("after both", call("delete_file"), "asks")
	if h.used(parent.ID) != 0 || h.used(child.ID) != 0 {
		t.Error("a refused call took a use")
	}
}

// The last use of a parent goes to one of its children.
func TestParentUsedBeforeCommit(t *testing.T) {
	h := newHouse(t)
	parent := h.give(Terms{Pattern: "files/*", Uses: 1})
	var waits []*ostiary.Hold
	for _, tool := range []string{"delete_file", "delete_tree"} {
		h.give(Terms{Parent: parent.ID, Pattern: "files/" + tool, Uses: 1})
		d, err := h.gate.Check(t.Context(), call(tool))
		if err != nil || !d.Settles {
			t.Fatal(d, err)
		}
		waits = append(waits, d.Hold)
	}
	if err := waits[0].Commit(); err != nil {
		t.Fatal(err)
	}
	if err := waits[1].Commit(); !errors.Is(err, ostiary.CodeGrantUsed) {
		t.Errorf("got %v", err)
	}
	if n := h.used(parent.ID); n != 1 {
		t.Errorf("used %d times", n)
	}
}

// One process changes, another one looks: a grant counts at once, since nobody
// shall be asked who has just given one; that it was taken back is known within a
// quarter of a second, and by Commit at once.
func TestSnapshotAge(t *testing.T) {
	h := newHouse(t)
	h.expect("nothing yet", call("delete_file"), "asks")
	g, _, err := h.desk.Create(t.Context(), Terms{Principal: "alice", Pattern: "files/delete_file", Reason: "r"}, dora)
	if err != nil {
		t.Fatal(err)
	}
	h.expect("just given", call("delete_file"), "grant "+g.ID)
	h.pass(-time.Second)
	if _, err := h.desk.Revoke(t.Context(), g.ID, dora, "r"); err != nil {
		t.Fatal(err)
	}
	h.expect("a clock that was set back", call("delete_file"), "asks")
}

// A clock that stands before the creation of a grant does not let it pass.
func TestClockBeforeCreation(t *testing.T) {
	h := newHouse(t)
	g := h.give(Terms{})
	h.expect("control", call("delete_file"), "grant "+g.ID)
	h.pass(-time.Hour)
	h.expect("before it was made", call("delete_file"), "asks")
}

// The use that one process took last is seen by another one's gate.
func TestUsedUpElsewhere(t *testing.T) {
	h := newHouse(t)
	g := h.give(Terms{Uses: 2})
	other := h.newGate()
	h.expect("the first", call("delete_file"), "grant "+g.ID)
	stalled, err := other.Check(t.Context(), call("delete_file"))
	if err != nil || !stalled.Settles {
		t.Fatal(stalled, err)
	}
	h.expect("the second", call("delete_file"), "grant "+g.ID)
	h.expect("none left", call("delete_file"), "asks")
	if err := stalled.Hold.Commit(); !errors.Is(err, ostiary.CodeGrantUsed) {
		t.Errorf("got %v", err)
	}
	if got := h.try(other, call("delete_file")); got != "asks" {
		t.Errorf("the other process learned nothing: %s", got)
	}
	if n := h.used(g.ID); n != 2 {
		t.Errorf("used %d times", n)
	}
}

type broken struct{ ostiary.Store }

var errDown = &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Message: "down"}

func (broken) Version(context.Context, string) (int64, error)       { return 0, errDown }
func (broken) View(context.Context, func(ostiary.Tx) error) error   { return errDown }
func (broken) Update(context.Context, func(ostiary.Tx) error) error { return errDown }

func TestStoreDown(t *testing.T) {
	h := newHouse(t)
	_, token := h.token(Terms{Token: true})
	for name, g := range map[string]*Gate{
		"down": New(Options{Store: broken{}, Journal: h, Clock: h.clock}),
		"none": New(Options{Clock: h.clock}),
		"zero": {},
	} {
		if _, err := g.Check(t.Context(), call("delete_file")); !errors.Is(err, ostiary.CodeStoreUnavailable) {
			t.Errorf("%s: a call that asks got %v", name, err)
		}
		one := call("delete_file")
		one.Token = token
		if d, err := g.Check(t.Context(), one); err == nil {
			t.Errorf("%s: a token got %+v", name, d)
		}
		plain := call("delete_file")
		plain.Rule.Ask = ""
		if d, err := g.Check(t.Context(), plain); err != nil || d.Verdict != ostiary.Allow || d.Settles {
			t.Errorf("%s: a call that asks nobody got %+v, %v", name, d, err)
		}
	}
}

// A row that is not understood lets nothing pass, and nothing else suffers.
func TestUnreadableRow(t *testing.T) {
	h := newHouse(t)
	const unknownField = `{"id":"g-b","principal":"alice","pattern":"files/*","uses":0,"used":0,"created":"2026-11-21T11:59:00Z","expires":"2026-11-21T13:00:00Z","by":"x","channel":"cli","reason":"r","token":false,"only_on":"mondays"}`
	good := h.give(Terms{Pattern: "files/read_secret"})
	for key, value := range map[string]string{
		"g-a": `{`,
		"g-b": unknownField,
		"g-c": `{"id":"g-x","principal":"alice","pattern":"files/*","uses":0,"used":0,"created":"2026-11-21T11:59:00Z","expires":"2026-11-21T13:00:00Z","by":"x","channel":"cli","reason":"r","token":false}`,
		"g-d": `{"id":"g-d","principal":"alice","pattern":"files/*","uses":0,"used":0,"created":"2026-11-21T11:59:00Z","expires":"2026-11-21T13:00:00Z","by":"x","channel":"cli","reason":"r","token":false,"parent":"g-gone"}`,
	} {
		if err := h.st.Update(t.Context(), func(tx ostiary.Tx) error {
			return tx.Put(bucketGrant, ostiary.Row{Key: key, Group: "alice", Expires: h.clock().Add(kept + time.Hour), Value: []byte(value)})
		}); err != nil {
			t.Fatal(err)
		}
	}
	whole := strings.Replace(unknownField, `,"only_on":"mondays"`, "", 1)
	if g, err := decode(&ostiary.Row{Key: "g-b", Group: "alice", Value: []byte(whole)}); err != nil || g.State(h.clock()) != "live" {
		t.Errorf("control: %+v, %v", g, err)
	}
	h.pass(stale)
	h.expect("unreadable rows", call("delete_file"), "asks")
	h.expect("another grant", call("read_secret"), "grant "+good.ID)
	if got := h.noted(); !slices.Equal(got, []string{"grant_created"}) {
		t.Errorf("noted %v", got)
	}
}

// TestCutShort: who is asked learns that a grant would have covered the call had
// its rule let it.
func TestCutShort(t *testing.T) {
	h := newHouse(t)
	g := h.give(Terms{For: time.Hour})
	c := call("delete_file")
	c.Rule.Grant.Max = 10 * time.Minute
	check := func() ostiary.Decision {
		t.Helper()
		d, err := h.gate.Check(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := check(); !d.Settles {
		t.Fatalf("control: %+v", d)
	}
	h.pass(11 * time.Minute)
	d := check()
	if d.Verdict != ostiary.Ask || d.Code != ostiary.CodeGrantExpired || !strings.Contains(d.Message, g.ID) || !strings.Contains(d.Message, "until 12:10:00 UTC only") {
		t.Errorf("%+v", d)
	}
	h.pass(50 * time.Minute) // over by itself
	if d := check(); d.Verdict != ostiary.Allow || d.Settles {
		t.Errorf("%+v", d)
	}
}
