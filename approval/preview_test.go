package approval

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// TestPreviewIsBound: the call runs only while what the preview was made from is
// the same.
func TestPreviewIsBound(t *testing.T) {
	target := ostiary.Digest{1}
	var fails error
	withPreview := rule(func(r *ostiary.Rule) {
		r.Preview = func(context.Context, *ostiary.Call) (*ostiary.Preview, error) {
			if fails != nil {
				return nil, fails
			}
			return &ostiary.Preview{Kind: "delete", Text: "3 files, 12 bytes", Target: target}, nil
		}
	})
	h := newHouse(t)
	c := call(`{}`, withPreview)
	h.refused(c, ostiary.CodeApprovalPending)
	r := h.get(h.only().ID)
	if r.Preview == nil || r.Preview.Text != "3 files, 12 bytes" || !strings.Contains(Card(r), "3 files, 12 bytes") {
		t.Errorf("the preview is not shown: %+v", r)
	}
	h.approve(r.ID)
	h.runs(c)

	h.refused(c, ostiary.CodeApprovalPending)
	r = h.only()
	h.approve(r.ID)
	target[0]++
	h.refused(c, ostiary.CodeApprovalVoid)
	if h.get(r.ID).State != Void || h.notes.last("approval_voided").Subject != r.ID {
		t.Error("the request still counts")
	}

	h.refused(c, ostiary.CodeApprovalPending)
	h.approve(h.only().ID)
	fails = errors.New("gone")
	h.refused(c, ostiary.CodeApprovalVoid)

	// One that fails is shown as failed, and the secret of its error is not.
	h.refused(c, ostiary.CodeApprovalPending)
	r = h.get(h.only().ID)
	if r.Preview != nil || !strings.Contains(Card(r), "Preview FAILED") || strings.Contains(Card(r), "gone") {
		t.Errorf("got %s", Card(r))
	}
	h.approve(r.ID)
	h.runs(c)
}

func TestDryRun(t *testing.T) {
	withDryRun := rule(func(r *ostiary.Rule) { r.Rewrite.DryRun = "dry_run" })
	for name, c := range map[string]struct {
		result *ostiary.Result
		err    error
		code   ostiary.Code
		card   string
	}{
		"shown":             {&ostiary.Result{Status: ostiary.StatusOK, Text: "would delete a"}, nil, ostiary.CodeApprovalPending, "would delete a"},
		"the tool fails":    {&ostiary.Result{Status: ostiary.StatusToolError, Text: "no such file"}, nil, ostiary.CodeApprovalPending, "Preview FAILED"},
		"the door refuses":  {nil, &ostiary.Error{Code: ostiary.CodePolicyDeny, Message: "no dry runs here"}, ostiary.CodePreviewFailed, ""},
		"nothing came back": {nil, nil, ostiary.CodePreviewFailed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			one := &client{dryRun: func() (*ostiary.Result, error) { return c.result, c.err }}
			e := h.refused(call(`{}`, withDryRun, one.with()), c.code)
			if c.card == "" {
				if c.err != nil && (!strings.Contains(e.Message, "no dry runs here") || !errors.Is(e, ostiary.CodePolicyDeny)) {
					t.Errorf("got %v", e)
				}
				if all, _ := h.desk.List(t.Context(), Filter{}); len(all) > 0 {
					t.Error("a person was asked")
				}
				return
			}
			if card := Card(h.get(h.only().ID)); !strings.Contains(card, c.card) {
				t.Errorf("got %s", card)
			}
		})
	}
	h := newHouse(t)
	h.refused(call(`{}`, withDryRun), ostiary.CodePreviewFailed) // nobody to make it
	// A dry run that is asked about is not run to show itself.
	h.refused(call(`{}`, withDryRun, func(c *ostiary.Call) { c.DryRun = true }), ostiary.CodeApprovalPending)
}
