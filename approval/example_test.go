package approval_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/store"
)

// A call asks, a person decides at the desk, and the same call, repeated, runs
// once.
func Example() {
	err := decide()
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// approval_pending
	// delete_file of alice: pending
	// allow true
	// approval_used
}

func decide() error {
	top, err := os.MkdirTemp("", "ostiary-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(top)
	dir := filepath.Join(top, "state")
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer s.Close()
	mask := func(c *ostiary.Call) []byte { return c.Arguments } // the real one hides secrets
	log, err := audit.Open(audit.Options{Dir: dir, Redact: mask, RedactText: func(s string) string { return s }})
	if err != nil {
		return err
	}
	defer log.Close()
	gate, err := approval.New(approval.Options{Store: s, Journal: log, Mask: mask, Wait: time.Millisecond})
	if err != nil {
		return err
	}
	defer gate.Close()
	desk, err := approval.NewDesk(approval.DeskOptions{Store: s, Journal: log})
	if err != nil {
		return err
	}

	ctx, args := context.Background(), []byte(`{"path":"a.txt"}`)
	call := &ostiary.Call{
		ID: "call-1", Principal: ostiary.Principal{ID: "alice"}, Upstream: "files", Method: "tools/call",
		Target: "delete_file", Effect: ostiary.EffectDestructive, Rule: &ostiary.Rule{Pattern: "files/delete_*"},
		Arguments: args, Digest: sha256.Sum256(args),
	}
	asks := []ostiary.Decision{{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired, Reason: "destructive calls ask"}}
	_, err = gate.Settle(ctx, call, asks)
	fmt.Println(ostiary.AsError(err).Code)

	waiting, err := desk.List(ctx, approval.Filter{States: []approval.State{approval.Pending}})
	if err != nil {
		return err
	}
	r := waiting[0]
	fmt.Printf("%s of %s: %s\n", r.Target, r.Principal, r.State)
	if _, err := desk.Approve(ctx, r.ID, approval.Who{Name: "bob", Channel: approval.ChannelCLI}, approval.Confirm); err != nil {
		return err
	}

	d, err := gate.Settle(ctx, call, asks)
	if err != nil {
		return err
	}
	fmt.Println(d.Verdict, d.Under == "approval "+r.ID)
	if err := d.Hold.Commit(); err != nil { // the line does this, and then runs the call
		return err
	}
	fmt.Println(ostiary.AsError(d.Hold.Commit()).Code)
	return nil
}
