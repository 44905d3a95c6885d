package grant

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// Whatever is wider than its parent is refused, and named.
func TestAttenuation(t *testing.T) {
	parent := Terms{Pattern: "files/delete_*", Session: "s1", Uses: 3, For: 10 * time.Minute, When: "path=a"}
	for name, c := range map[string]struct {
		child Terms
		wider string // "" is admitted
	}{
		"the same":              {Terms{Pattern: "files/delete_*", Uses: 3}, ""},
		"a part":                {Terms{Pattern: "files/delete_file", Uses: 1, For: time.Minute, When: "force=no"}, ""},
		"its principal":         {Terms{Principal: "alice", Pattern: "files/delete_a*", Uses: 1}, ""},
		"its session":           {Terms{Session: "s1", Pattern: "files/delete_*", Uses: 1}, ""},
		"another principal":     {Terms{Principal: "bob", Pattern: "files/delete_*", Uses: 1}, "for bob"},
		"another session":       {Terms{Session: "s2", Pattern: "files/delete_*", Uses: 1}, "session"},
		"other tools":           {Terms{Pattern: "files/*", Uses: 1}, "names tools"},
		"tools it has by half":  {Terms{Pattern: "files/*e_*", Uses: 1}, "names tools"},
		"another upstream":      {Terms{Pattern: "*/delete_file", Uses: 1}, "names tools"},
		"more uses":             {Terms{Pattern: "files/delete_*", Uses: 4}, "4 uses, and 3 are left"},
		"any number of uses":    {Terms{Pattern: "files/delete_*"}, "no limit of uses, and 3 are left"},
		"a longer life":         {Terms{Pattern: "files/delete_*", Uses: 1, For: 11 * time.Minute}, "lives until"},
		"everything at once":    {Terms{Principal: "bob", Session: "s2", Pattern: "*/*", For: time.Hour}, "for bob"},
		"one second longer":     {Terms{Pattern: "files/delete_*", Uses: 1, For: 10*time.Minute + time.Second - stale}, "lives until"},
		"to the end, not after": {Terms{Pattern: "files/delete_*", Uses: 1, For: 10*time.Minute - stale}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			p := h.give(parent)
			c.child.Parent, c.child.Reason = p.ID, "less"
			g, _, err := h.desk.Create(t.Context(), c.child, dora)
			if c.wider == "" {
				if err != nil {
					t.Fatal(err)
				}
				if g.Parent != p.ID || g.Principal != "alice" || g.Session != "s1" || g.Expires.After(p.Expires) {
					t.Errorf("got %+v", g)
				}
				return
			}
			if !errors.Is(err, ostiary.CodeGrantInvalid) || !strings.Contains(err.Error(), c.wider) {
				t.Errorf("got %v, want %q in it", err, c.wider)
			}
			if got := h.noted(); !slices.Equal(got, []string{"grant_created"}) {
				t.Errorf("what was refused was noted as done: %v", got)
			}
			// Control: by itself it would be a grant.
			c.child.Parent, c.child.Principal = "", "bob"
			if _, _, err := h.desk.Create(t.Context(), c.child, dora); err != nil {
				t.Errorf("control: %v", err)
			}
		})
	}
}

// Children hold what their parents hold: conditions, uses, ends.
func TestChildAndParent(t *testing.T) {
	h := newHouse(t)
	parent := h.give(Terms{Pattern: "files/delete_*", Uses: 3, When: "path=a", Token: true})
	child, token := h.token(Terms{Parent: parent.ID, Uses: 2, When: "force=no", Token: true})
	both := func(path, force string) *ostiary.Call {
		return with(token, func(c *ostiary.Call) { c.Args = map[string]any{"path": path, "force": force} })
	}
	h.expect("the parent's condition", both("b", "no"), "grant_mismatch")
	h.expect("its own condition", both("a", "yes"), "grant_mismatch")
	h.expect("both hold", both("a", "no"), "grant "+child.ID)
	if h.used(parent.ID) != 1 || h.used(child.ID) != 1 {
		t.Errorf("used %d and %d", h.used(parent.ID), h.used(child.ID))
	}
	// Two are left, which several children may share but not double.
	twin, other := h.token(Terms{Parent: parent.ID, Uses: 2, When: "force=no", Token: true})
	h.expect("the second", both("a", "no"), "grant "+child.ID)
	h.expect("the twin", with(other, func(c *ostiary.Call) { c.Args = map[string]any{"path": "a", "force": "no"} }), "grant "+twin.ID)
	h.expect("the parent has none left", with(other, func(c *ostiary.Call) { c.Args = map[string]any{"path": "a", "force": "no"} }), "grant_used")
	if got, err := h.desk.List(t.Context(), Filter{}); err != nil || len(got) != 0 {
		t.Errorf("live: %+v, %v", got, err)
	}
	_, _, err := h.desk.Create(t.Context(), Terms{Parent: parent.ID, Pattern: "files/delete_file", Uses: 1, Reason: "r"}, dora)
	if !errors.Is(err, ostiary.CodeGrantUsed) {
		t.Errorf("a child of one that is used up: %v", err)
	}
}

// A condition cannot break out of its parent's.
func TestConditionsStandApart(t *testing.T) {
	h := newHouse(t)
	parent := h.give(Terms{Uses: 3, When: "path=b", For: time.Minute})
	h.give(Terms{Parent: parent.ID, Uses: 1, When: "path=a", For: time.Second * 30})
	h.expect("the child's alone holds", call("delete_file"), "asks")
}

func TestDepth(t *testing.T) {
	h := newHouse(t)
	g := h.give(Terms{Uses: 100})
	for i := range maxDepth { // the deepest ends first, so it is used first
		g = h.give(Terms{Parent: g.ID, Uses: 100, For: time.Minute - time.Duration(i+1)*time.Second})
	}
	h.expect("the deepest", call("delete_file"), "grant "+g.ID)
	_, _, err := h.desk.Create(t.Context(), Terms{Parent: g.ID, Pattern: "files/delete_file", Uses: 1, Reason: "r"}, dora)
	if !errors.Is(err, ostiary.CodeGrantInvalid) {
		t.Errorf("one more: %v", err)
	}
}

func TestTerms(t *testing.T) {
	good := Terms{Principal: "alice", Pattern: "files/delete_file", Reason: "r"}
	for name, c := range map[string]struct {
		change func(n *Terms)
		who    Who
	}{
		"nobody gives it":       {func(*Terms) {}, Who{Channel: "cli"}},
		"nobody gets it":        {func(n *Terms) { n.Principal = "" }, dora},
		"a control character":   {func(n *Terms) { n.Principal = "alice\n" }, dora},
		"a zero byte":           {func(n *Terms) { n.Session = "a\x00" }, dora},
		"no UTF-8":              {func(n *Terms) { n.Principal = "a\xff" }, dora},
		"a long name":           {func(n *Terms) { n.Principal = strings.Repeat("a", 257) }, dora},
		"no slash":              {func(n *Terms) { n.Pattern = "delete_file" }, dora},
		"no tool":               {func(n *Terms) { n.Pattern = "files/" }, dora},
		"no upstream":           {func(n *Terms) { n.Pattern = "/delete_file" }, dora},
		"no pattern":            {func(n *Terms) { n.Pattern = "" }, dora},
		"a long pattern":        {func(n *Terms) { n.Pattern = "a/" + strings.Repeat("b", maxPattern) }, dora},
		"a pattern in disguise": {func(n *Terms) { n.Pattern = "files/\x1b[2Jdelete" }, dora},
		"less than no use":      {func(n *Terms) { n.Uses = -1 }, dora},
		"a negative life":       {func(n *Terms) { n.For = -1 }, dora},
		"more than a day":       {func(n *Terms) { n.For = MaxLife + 1 }, dora},
		"no reason":             {func(n *Terms) { n.Reason = " " }, dora},
		"a long reason":         {func(n *Terms) { n.Reason = strings.Repeat("a", 1001) }, dora},
		"a long condition":      {func(n *Terms) { n.When = strings.Repeat("a", 4097) }, dora},
	} {
		h := newHouse(t)
		n := good
		c.change(&n)
		if _, token, err := h.desk.Create(t.Context(), n, c.who); !errors.Is(err, ostiary.CodeGrantInvalid) || token != "" {
			t.Errorf("%s: got %v", name, err)
		}
		if len(h.noted()) != 0 || len(h.ids()) != 0 {
			t.Errorf("%s: something was done", name)
		}
	}
	h := newHouse(t)
	if _, _, err := h.desk.Create(t.Context(), Terms{Principal: "alice", Pattern: "files/a", When: "misspelt", Reason: "r"}, dora); err == nil || !strings.Contains(err.Error(), "no such argument") {
		t.Errorf("a condition that does not fit: %v", err)
	}
	bare := NewDesk(DeskOptions{Store: h.st, Journal: h, Clock: h.clock, Rand: neverEnds{}})
	if _, _, err := bare.Create(t.Context(), Terms{Principal: "alice", Pattern: "files/a", When: "path=a", Reason: "r"}, dora); !errors.Is(err, ostiary.CodeGrantInvalid) {
		t.Errorf("a condition that nobody can check: %v", err)
	}
	if _, _, err := bare.Create(t.Context(), Terms{Parent: "g-none", Pattern: "files/a", Reason: "r"}, dora); !errors.Is(err, ostiary.CodeGrantUnknown) {
		t.Errorf("a parent that is none: %v", err)
	}
	if _, _, err := bare.Create(t.Context(), good, dora); err != nil {
		t.Errorf("control: %v", err)
	}
}

type neverEnds struct{}

func (neverEnds) Read(b []byte) (int, error) { return len(b), nil }

// Two that got the same id are not one.
func TestSameID(t *testing.T) {
	h := newHouse(t)
	d := NewDesk(DeskOptions{Store: h.st, Journal: h, Clock: h.clock, Rand: neverEnds{}})
	n := Terms{Principal: "alice", Pattern: "files/a", Reason: "r"}
	if _, _, err := d.Create(t.Context(), n, dora); err != nil {
		t.Fatal(err)
	}
	n.Principal, n.Pattern = "bob", "*/*"
	if _, _, err := d.Create(t.Context(), n, dora); !errors.Is(err, ostiary.CodeInternal) {
		t.Errorf("got %v", err)
	}
	if all, _ := h.desk.List(t.Context(), Filter{}); len(all) != 1 || all[0].Principal != "alice" {
		t.Errorf("got %+v", all)
	}
}

// What cannot be recorded is not done.
func TestUnrecorded(t *testing.T) {
	h := newHouse(t)
	g := h.give(Terms{})
	h.fails = &ostiary.Error{Code: ostiary.CodeAuditUnavailable, Message: "full"}
	for name, d := range map[string]*Desk{"full": h.desk, "none": NewDesk(DeskOptions{Store: h.st, Clock: h.clock, Rand: neverEnds{}})} {
		_, _, err1 := d.Create(t.Context(), Terms{Principal: "alice", Pattern: "*/*", Reason: "r"}, dora)
		_, err2 := d.Revoke(t.Context(), g.ID, dora, "r")
		_, err3 := d.RevokeAll(t.Context(), "alice", dora, "r")
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, ostiary.CodeAuditUnavailable) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	if ids := h.ids(); !slices.Equal(ids, []string{g.ID}) || h.mustGet(g.ID).State(h.clock()) != "live" {
		t.Errorf("something was done: %v", ids)
	}
}

func TestRevoke(t *testing.T) {
	h := newHouse(t)
	top := h.give(Terms{Pattern: "files/*"})
	left := h.give(Terms{Pattern: "files/delete_*", Parent: top.ID})
	leaf := h.give(Terms{Parent: left.ID})
	right := h.give(Terms{Pattern: "files/read_*", Parent: top.ID})
	other := h.give(Terms{Pattern: "files/delete_*", Principal: "bob"})
	taken, err := h.desk.Revoke(t.Context(), left.ID[:len(left.ID)-1], dora, "too wide")
	if err != nil || len(taken) != 2 || taken[0].ID != left.ID || taken[1].ID != leaf.ID || taken[0].RevokedBy != "dora" || taken[1].RevokedWhy != "too wide" {
		t.Fatalf("took %+v, %v", taken, err)
	}
	if e := h.events[len(h.events)-1]; e.Name != "grant_revoked" || e.Subject != left.ID || e.By != "dora" || e.Channel != "cli" || e.Reason != "too wide" || e.Principal != "alice" {
		t.Errorf("noted %+v", e)
	}
	live := func() (ids []string) {
		all, err := h.desk.List(t.Context(), Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range all {
			ids = append(ids, g.ID)
		}
		return ids
	}
	if got := live(); !slices.Equal(got, []string{top.ID, right.ID, other.ID}) {
		t.Errorf("live: %v", got)
	}
	if _, err := h.desk.Revoke(t.Context(), left.ID, dora, "again"); !errors.Is(err, ostiary.CodeGrantRevoked) {
		t.Errorf("again: %v", err)
	}
	n, err := h.desk.RevokeAll(t.Context(), "alice", dora, "incident 7")
	if err != nil || n != 2 {
		t.Errorf("revoked %d, %v", n, err)
	}
	if e := h.events[len(h.events)-1]; e.Name != "grant_revoked_all" || e.Principal != "alice" || !strings.Contains(e.Detail, top.ID) {
		t.Errorf("noted %+v", e)
	}
	if got := live(); !slices.Equal(got, []string{other.ID}) {
		t.Errorf("live: %v", got)
	}
	if n, err := h.desk.RevokeAll(t.Context(), "alice", dora, "to be sure"); err != nil || n != 0 {
		t.Errorf("revoked %d, %v", n, err)
	}
	h.pass(time.Hour)
	if _, err := h.desk.Revoke(t.Context(), other.ID, dora, "late"); !errors.Is(err, ostiary.CodeGrantExpired) {
		t.Errorf("one that is over: %v", err)
	}
	for _, err := range []error{
		second(h.desk.Revoke(t.Context(), top.ID, Who{}, "r")), second(h.desk.Revoke(t.Context(), top.ID, dora, "")),
		second(h.desk.RevokeAll(t.Context(), "", dora, "r")), second(h.desk.RevokeAll(t.Context(), "a\x00", dora, "r")),
	} {
		if !errors.Is(err, ostiary.CodeGrantInvalid) {
			t.Errorf("got %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestListAndGet(t *testing.T) {
	h := newHouse(t)
	a := h.give(Terms{For: time.Minute})
	b := h.give(Terms{Principal: "bob", For: time.Hour})
	h.pass(time.Minute)
	for what, c := range map[string]struct {
		f    Filter
		want []string
	}{
		"live":        {Filter{}, []string{b.ID}},
		"all":         {Filter{All: true}, []string{a.ID, b.ID}},
		"bob's":       {Filter{Principal: "bob"}, []string{b.ID}},
		"alice's":     {Filter{Principal: "alice"}, nil},
		"all alice's": {Filter{Principal: "alice", All: true}, []string{a.ID}},
	} {
		got, err := h.desk.List(t.Context(), c.f)
		var ids []string
		for _, g := range got {
			ids = append(ids, g.ID)
		}
		if err != nil || !slices.Equal(ids, c.want) {
			t.Errorf("%s: %v, %v", what, ids, err)
		}
	}
	for _, ref := range []string{"", "g-", "g-zzz", "x", "\x00", strings.Repeat("g", 5000), "g-\xff"} {
		if _, err := h.desk.Get(t.Context(), ref); !errors.Is(err, ostiary.CodeGrantUnknown) {
			t.Errorf("%.20q: %v", ref, err)
		}
	}
	if g, err := h.desk.Get(t.Context(), a.ID); err != nil || g.ID != a.ID || g.State(h.clock()) != "expired" {
		t.Errorf("got %+v, %v", g, err)
	}
}

func TestManyGrants(t *testing.T) {
	h := newHouse(t)
	if err := h.st.Update(t.Context(), func(tx ostiary.Tx) error {
		for i := range maxLive {
			if err := put(tx, &Grant{ID: fmt.Sprintf("g-%04d", i), Principal: "alice", Pattern: "a/b", Created: h.clock(), Expires: h.clock().Add(time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	n := Terms{Principal: "alice", Pattern: "a/b", Reason: "r"}
	if _, _, err := h.desk.Create(t.Context(), n, dora); !errors.Is(err, ostiary.CodeGrantInvalid) {
		t.Errorf("one too many: %v", err)
	}
	n.Principal = "bob"
	if _, _, err := h.desk.Create(t.Context(), n, dora); err != nil {
		t.Errorf("another principal: %v", err)
	}
}

// Check says what Create would say, and makes nothing.
func TestCheckMakesNothing(t *testing.T) {
	h := newHouse(t)
	good := Terms{Principal: "alice", Pattern: "files/delete_file", Reason: "r"}
	long := good
	long.For = MaxLife + time.Second
	if err := h.desk.Check(t.Context(), long, dora); !errors.Is(err, ostiary.CodeGrantInvalid) || !strings.Contains(err.Error(), "24h0m0s at most") {
		t.Error(err)
	}
	if err := h.desk.Check(t.Context(), good, dora); err != nil {
		t.Error(err)
	}
	if all, err := h.desk.List(t.Context(), Filter{All: true}); len(all) != 0 || err != nil || len(h.noted()) != 0 {
		t.Errorf("made %v, %v, noted %v", all, err, h.noted())
	}
}
