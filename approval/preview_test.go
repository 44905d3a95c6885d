package approval

import (
	"context"
	"errors"
	"fmt"
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

	// What cannot be shown, because there is no such file or it may not be looked
	// at, is refused, and nobody is asked.
	before := h.notes.last("approval_requested").Subject
	fails = &ostiary.Error{Code: ostiary.CodePreviewFailed, Message: "there is nothing at this path: send the path of what is there"}
	if e := h.refused(c, ostiary.CodePreviewFailed); !strings.Contains(e.Message, "nothing at this path") {
		t.Error(e)
	}
	if h.notes.last("approval_requested").Subject != before {
		t.Error("somebody was asked about what cannot be shown")
	}
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

// TestTextsAreMaskedBeforeTheyAreKept: what a preview or a dry run shows of a secret
// is neither shown nor stored, also where it would be cut.
func TestTextsAreMaskedBeforeTheyAreKept(t *testing.T) {
	secret := "AKIA" + strings.Repeat("Q2", 8)
	long := strings.Repeat("x ", maxPreview/2-10) + secret
	for name, c := range map[string]struct {
		change func(*ostiary.Call)
		result *ostiary.Result
	}{
		"preview": {rule(func(r *ostiary.Rule) {
			r.Preview = func(context.Context, *ostiary.Call) (*ostiary.Preview, error) {
				return &ostiary.Preview{Kind: "diff", Text: "+key " + secret}, nil
			}
		}), nil},
		"preview that is cut": {rule(func(r *ostiary.Rule) {
			r.Preview = func(context.Context, *ostiary.Call) (*ostiary.Preview, error) {
				return &ostiary.Preview{Kind: "diff", Text: long}, nil
			}
		}), nil},
		"preview that fails": {rule(func(r *ostiary.Rule) {
			r.Preview = func(context.Context, *ostiary.Call) (*ostiary.Preview, error) {
				return nil, &ostiary.Error{Code: ostiary.CodeInternal, Message: "no file " + secret}
			}
		}), nil},
		"dry run":            {rule(func(r *ostiary.Rule) { r.Rewrite.DryRun = "dry_run" }), &ostiary.Result{Status: ostiary.StatusOK, Text: "sets " + secret}},
		"dry run without":    {rule(func(r *ostiary.Rule) { r.Rewrite.DryRun = "dry_run" }), &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`"` + secret + `"`)}},
		"dry run that fails": {rule(func(r *ostiary.Rule) { r.Rewrite.DryRun = "dry_run" }), &ostiary.Result{Status: ostiary.StatusToolError, Text: "bad " + secret}},
	} {
		kept := func(mask func(*ostiary.Call, string) string) string {
			var told string
			h := newHouse(t, func(o *Options) {
				o.MaskText = mask
				o.Notifiers = []Notifier{tells(func(r Request) { told = fmt.Sprintf("%+v %+v", r, r.Preview) })}
			})
			one := &client{dryRun: func() (*ostiary.Result, error) { return c.result, nil }}
			h.refused(call(`{}`, c.change, one.with()), ostiary.CodeApprovalPending)
			r := h.get(h.only().ID)
			h.gate.tell.close()
			return Card(r) + fmt.Sprintf("%+v %+v", r, r.Preview) + told
		}
		const part = 8 // what a cut may leave
		if all := kept(func(_ *ostiary.Call, s string) string { return s }); !strings.Contains(all, secret[:part]) {
			t.Errorf("%s: control: nothing leaks: %.300s", name, all)
		}
		masked := kept(func(_ *ostiary.Call, s string) string { return strings.ReplaceAll(s, secret, "[REDACTED]") })
		if strings.Contains(masked, secret[:part]) {
			t.Errorf("%s: %.300s", name, masked)
		}
		if none := kept(nil); strings.Contains(none, secret[:part]) || !strings.Contains(none, "could not be masked") {
			t.Errorf("%s: without a mask: %.300s", name, none)
		}
	}
}

// tells is a notifier that tells a function.
type tells func(Request)

func (tells) Name() string                                { return "test" }
func (f tells) Notify(_ context.Context, r Request) error { f(r); return nil }
