package freeze_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/freeze"
	"github.com/ostiary/ostiary/store"
)

// printed is a journal that prints; in the house it is the audit log.
type printed struct{}

func (printed) Note(e ostiary.Event) error {
	fmt.Println(e.Name, e.Subject, "by", e.By)
	return nil
}

func Example() {
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

	desk := freeze.NewDesk(freeze.DeskOptions{
		Store: s, Journal: printed{},
		Clock: func() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) },
	})
	who := freeze.Who{Name: "olga", Channel: "cli"}
	if _, err := desk.Freeze(ctx, freeze.Scope{Tool: "files/delete_*"}, true, who, "it deletes what nobody named"); err != nil {
		fmt.Println(err)
		return
	}
	gate := freeze.New(freeze.Options{Store: s})
	defer gate.Close()
	d, err := gate.Check(ctx, &ostiary.Call{Class: ostiary.ClassTool, Upstream: "files", Target: "delete_file"})
	fmt.Println(d.Verdict, d.Code, err)
	fmt.Println(d.Message)
	// Output:
	// freeze_set tool:files/delete_* by olga
	// deny freeze_active <nil>
	// the operator has frozen the tools "files/delete_*" since 2026-03-04T12:00:00Z, because: it deletes what nobody named; this call was not run, and repeating it does not help; no other call that it covers will pass either: tell the person you work for, and call again only after the freeze was lifted
}
