package approval

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestApprovedOnce(t *testing.T) {
	h := newHouse(t)
	c := call(`{"path":"a"}`)
	e := h.refused(c, ostiary.CodeApprovalPending)
	r := h.only()
	if !strings.Contains(e.Message, "ostiary approve "+r.ID) || !strings.Contains(e.Message, at(r.Expires)) {
		t.Errorf("the message does not help: %s", e.Message)
	}
	h.approve(r.ID[:6])
	if d := h.runs(c); d.Under != "approval "+r.ID {
		t.Errorf("under %q", d.Under)
	}
	if got := h.get(r.ID); got.State != Used || got.By != "bob" || got.Channel != "cli" || got.Answer != Confirm || got.UsedBy != c.ID {
		t.Errorf("got %+v", got)
	}
	h.refused(c, ostiary.CodeApprovalPending)
	if h.only().ID == r.ID {
		t.Error("a used request asks again")
	}
}
