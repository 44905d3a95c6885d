package grant

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func idsOf(all []*held) []string {
	var ids []string
	for _, h := range all {
		ids = append(ids, h.ID)
	}
	return ids
}

// TestChangesAloneAreRead: a gate that reads only what changed knows the same as
// one that reads everything.
func TestChangesAloneAreRead(t *testing.T) {
	for _, family := range []bool{false, true} {
		t.Run(fmt.Sprintf("family %t", family), func(t *testing.T) {
			h := newHouse(t)
			random := rand.New(rand.NewPCG(4, 2))
			tools := []string{"delete_file", "write_file", "delete_all"}
			patterns := []string{"files/delete_*", "files/delete_file", "files/*", "mail/*", "files/write_file"}
			put := func(g *Grant) {
				if err := h.st.Update(t.Context(), func(tx ostiary.Tx) error { return put(tx, g) }); err != nil {
					t.Fatal(err)
				}
			}
			var all []*Grant
			for step := range 150 {
				switch g := (&Grant{}); {
				case step < 5 || random.IntN(3) == 0:
					g = &Grant{
						ID: fmt.Sprintf("g-%03d", random.IntN(900)), Principal: "alice", Pattern: patterns[random.IntN(len(patterns))],
						Uses: random.IntN(3), Created: h.clock(), Expires: h.clock().Add(time.Duration(1+random.IntN(60)) * time.Minute), Token: random.IntN(8) == 0,
					}
					if family && len(all) > 0 && random.IntN(2) == 0 {
						g.Parent = all[random.IntN(len(all))].ID
					}
					if random.IntN(5) == 0 {
						g.Session = "s1"
					}
					all = append(all, g)
					put(g)
				case random.IntN(5) == 0:
					put(&Grant{ID: "b-1", Principal: "bob", Pattern: "files/*", Created: h.clock(), Expires: h.clock().Add(time.Hour)})
				case random.IntN(4) == 0:
					h.pass(time.Duration(random.IntN(300)) * time.Second)
				case random.IntN(4) == 0:
					g = all[random.IntN(len(all))]
					g.Revoked = h.clock()
					put(g)
				default:
					g = all[random.IntN(len(all))]
					g.Used = min(random.IntN(2), g.Uses)
					put(g)
				}
				if random.IntN(3) == 0 {
					continue // several changes at once
				}
				got, err := h.gate.latest(t.Context(), "alice")
				if err != nil {
					t.Fatal(err)
				}
				want, err := h.newGate().latest(t.Context(), "alice")
				if err != nil {
					t.Fatal(err)
				}
				inTime := func(all []*held) []string {
					return idsOf(slices.DeleteFunc(slices.Clone(all), func(one *held) bool { return !one.inTime(call("x"), h.clock()) }))
				}
				if a, b := inTime(got.held), inTime(want.held); !slices.Equal(a, b) {
					t.Fatalf("step %d: of the changes %v, of all %v", step, a, b)
				}
				for _, tool := range tools {
					if a, b := inTime(got.candidates(call(tool))), inTime(want.candidates(call(tool))); !slices.Equal(a, b) {
						t.Fatalf("step %d: for %s, of the changes %v, of all %v", step, tool, a, b)
					}
				}
			}
		})
	}
}

// TestForgottenGrants: what is over does not fill the memory, and counts again
// once it is put into the store again.
func TestForgottenGrants(t *testing.T) {
	h := newHouse(t)
	first := &Grant{ID: "g-first", Principal: "alice", Pattern: "files/*", Uses: 1, Used: 1, Created: h.clock(), Expires: h.clock().Add(time.Hour)}
	one := func(gs ...*Grant) int {
		t.Helper()
		if err := h.st.Update(t.Context(), func(tx ostiary.Tx) error {
			for _, g := range gs {
				if err := put(tx, g); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		o, err := h.gate.latest(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		if len(o.rows) > maxRows+carried {
			t.Fatalf("%d rows are kept", len(o.rows))
		}
		return len(o.held)
	}
	one(first)
	for i := range 60 { // a minute each
		var gs []*Grant
		for n := range carried {
			gs = append(gs, &Grant{ID: fmt.Sprintf("g-%d-%d", i, n), Principal: "alice", Pattern: "files/*", Created: h.clock(), Expires: h.clock().Add(time.Second)})
		}
		if held := one(gs...); held > maxRows {
			t.Fatalf("%d grants are held", held)
		}
		h.pass(time.Minute / 2)
	}
	first.Used = 0
	before := one()
	if after := one(first); after != before+1 {
		t.Errorf("%d held, then %d", before, after)
	}
}

// TestManyOwners: the gate remembers only so many, and the others are read again.
func TestManyOwners(t *testing.T) {
	h := newHouse(t)
	h.give(Terms{})
	for i := range maxOwners + 10 {
		c := call("delete_file")
		c.Principal.ID = fmt.Sprintf("p-%d", i)
		if d, err := h.gate.Check(t.Context(), c); err != nil || d.Settles {
			t.Fatal(d, err)
		}
	}
	if n := len(h.gate.owners); n > maxOwners {
		t.Errorf("%d are remembered", n)
	}
	if d, err := h.gate.Check(t.Context(), call("delete_file")); err != nil || !d.Settles {
		t.Error(d, err)
	}
}
