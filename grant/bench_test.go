package grant

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

// The gate over a real store, with as many live grants of the one principal. The
// clock is the machine's, so the store is asked four times a second.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{0, 1, 1000} {
		s, err := store.Open(store.Options{Dir: filepath.Join(b.TempDir(), "state")})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		now := time.Now()
		if err := s.Update(b.Context(), func(tx ostiary.Tx) error {
			for i := range n {
				g := &Grant{
					ID: fmt.Sprintf("g-%04d", i), Principal: "alice", Pattern: fmt.Sprintf("files/delete_%d_*", i), Uses: 1,
					By: "dora", Channel: "cli", Reason: "r", Created: now, Expires: now.Add(time.Hour),
				}
				if i == 0 {
					g.Pattern = "files/*"
				}
				if err := put(tx, g); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		gate := New(Options{Store: s, Clock: time.Now})
		run := func(name string, settles bool, c *ostiary.Call) {
			c.Rule.Grant.Max = time.Hour
			b.Run(fmt.Sprintf("%d_grants/%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if d, err := gate.Check(context.Background(), c); err != nil || d.Settles != settles {
						b.Fatal(d, err)
					}
				}
			})
		}
		plain := call("read_file")
		plain.Rule.Ask = ""
		run("asks_nobody", false, plain)
		run("asks", n > 0, call("delete_file"))
		if n == 0 {
			continue
		}
		b.Run(fmt.Sprintf("%d_grants/read", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := gate.read(context.Background(), "alice", nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		g := &Grant{
			ID: "g-0000", Principal: "alice", Pattern: "files/*", Created: now, Expires: now.Add(time.Hour),
		}
		b.Run(fmt.Sprintf("%d_grants/change", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				g.Uses++
				if err := s.Update(b.Context(), func(tx ostiary.Tx) error { return put(tx, g) }); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if _, err := gate.latest(context.Background(), "alice"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a call costs that a grant lets pass: the token's look, and the use.
func BenchmarkUse(b *testing.B) {
	s, err := store.Open(store.Options{Dir: filepath.Join(b.TempDir(), "state")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	desk := NewDesk(DeskOptions{Store: s, Journal: &house{}, Clock: time.Now, Rand: neverEnds{}})
	g, token, err := desk.Create(b.Context(), Terms{Principal: "alice", Pattern: "files/*", For: time.Hour, Reason: "r", Token: true}, dora)
	if err != nil {
		b.Fatal(err)
	}
	gate := New(Options{Store: s, Clock: time.Now})
	b.Run("token", func(b *testing.B) {
		for b.Loop() {
			if d, err := gate.Check(context.Background(), with(token)); err != nil || !d.Settles {
				b.Fatal(d, err)
			}
		}
	})
	b.Run("commit", func(b *testing.B) {
		for b.Loop() {
			one := hold{gate: gate, id: g.ID, end: g.Expires}
			if err := one.take(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
