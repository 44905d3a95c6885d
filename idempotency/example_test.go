package idempotency_test

import (
	"context"
	"fmt"
	"os"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/idempotency"
	"github.com/ostiary/ostiary/store"
)

func Example() {
	dir, err := os.MkdirTemp("", "state")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	gate, err := idempotency.New(idempotency.Options{
		Store: s, Owner: "this process's log",
		Alive: func(owner string) bool { return false }, // of the others
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	c := &ostiary.Call{
		ID: "1", Principal: ostiary.Principal{ID: "alice"}, Upstream: "bank", Class: ostiary.ClassTool,
		Method: "tools/call", Target: "pay", Effect: ostiary.EffectSpend, Rule: &ostiary.Rule{},
		Key: "5f0c1d9e-6a0f-4c5b-9d7e-2f6f3c1b8a40",
	}
	d, err := gate.Check(context.Background(), c)
	fmt.Println("first:", d.Verdict, err)
	if err := d.Hold.Commit(); err != nil {
		fmt.Println(err)
	}
	d.Hold.Keep(&ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{"paid": 5}`)})
	d.Hold.Done()

	c.ID = "2"
	d, err = gate.Check(context.Background(), c)
	fmt.Println("repetition:", d.Verdict, string(d.Answer.Body), err)

	c.ID, c.Digest = "3", ostiary.Digest{1}
	_, err = gate.Check(context.Background(), c)
	fmt.Println("another call:", ostiary.AsError(err).Code)
	// Output:
	// first: allow <nil>
	// repetition: answer {"paid": 5} <nil>
	// another call: idempotency_conflict
}
