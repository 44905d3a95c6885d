package grant_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/grant"
	"github.com/ostiary/ostiary/store"
)

// printed is a journal for people.
type printed struct{}

func (printed) Note(e ostiary.Event) error {
	fmt.Println("noted:", e.Name, "by", e.By, "for", e.Principal, "because", e.Reason)
	return nil
}

// One deletion without a question.
func ExampleNew() {
	ctx := context.Background()
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

	desk := grant.NewDesk(grant.DeskOptions{Store: s, Journal: printed{}, Clock: time.Now, Rand: rand.Reader})
	_, _, err = desk.Create(ctx, grant.Terms{
		Principal: "alice", Pattern: "files/delete_*", Uses: 1, Reason: "last year's reports may go",
	}, grant.Who{Name: "dora", Channel: "cli"})
	if err != nil {
		fmt.Println(err)
	}

	gate := grant.New(grant.Options{Store: s, Journal: printed{}, Clock: time.Now})
	c := &ostiary.Call{
		Principal: ostiary.Principal{ID: "alice"}, Upstream: "files", Class: ostiary.ClassTool, Target: "delete_file",
		Rule: &ostiary.Rule{Ask: "it deletes"},
	}
	for range 2 {
		d, err := gate.Check(ctx, c)
		if err == nil && d.Settles {
			err = d.Hold.Commit() // the line does so with the intent
		}
		fmt.Println(d.Verdict, "settles what was asked:", d.Settles, err)
	}
	// Output:
	// noted: grant_created by dora for alice because last year's reports may go
	// allow settles what was asked: true <nil>
	// allow settles what was asked: false <nil>
}
