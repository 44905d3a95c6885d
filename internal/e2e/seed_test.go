package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/grant"
)

// TestSeedADeleteNeedsACapability is the scenario that this house began with. An
// agent may not delete without a capability, and is told what to ask for; a
// person grants it; the call runs; five minutes later it is refused again. It
// holds where a single approval would do as well and where only a grant does.
func TestSeedADeleteNeedsACapability(t *testing.T) {
	for _, tt := range []struct {
		name, rules string
		code        ostiary.Code
		says        []string
	}{
		{
			"or an approval", "  - {tool: files/delete, effect: destructive}\n",
			ostiary.CodeApprovalPending, []string{`a person must approve "files/delete"`, "`ostiary approve "},
		},
		{
			"and nothing else", "  - {tool: files/delete, effect: destructive, grant: {only: true}}\n",
			ostiary.CodeGrantRequired, []string{"only under a grant"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, tt.rules, "a.txt", "b.txt", "c.txt")
			says := append(tt.says, "`ostiary grant create --principal alice --tool files/delete --for 5m --reason …`")

			h.refused(h.remove("a.txt"), tt.code, says...)
			h.ran()

			h.person(func(ctx context.Context, _ *approval.Desk, grants *grant.Desk) error {
				_, _, err := grants.Create(ctx, grant.Terms{
					Principal: "alice", Pattern: "files/delete", For: 5 * time.Minute, Reason: "the shelf is being tidied",
				}, grant.Who{Name: "ada", Channel: "cli"})
				return err
			})
			h.passed(h.remove("a.txt"))
			h.ran("a.txt")

			h.clock.move(5*time.Minute - time.Second) // the control: it is the time that ends it
			h.passed(h.remove("b.txt"))
			h.ran("a.txt", "b.txt")

			h.clock.move(time.Second)
			h.refused(h.remove("c.txt"), tt.code, says...)
			h.ran("a.txt", "b.txt")
			if h.has("a.txt") || h.has("b.txt") || !h.has("c.txt") {
				t.Error("other files are gone than those that were deleted")
			}
		})
	}
}
