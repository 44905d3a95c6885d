package approval

import (
	"context"
	"errors"

	"github.com/ostiary/ostiary"
)

// detail is what only a person needs: the arguments with the secrets masked, and
// what the call would do.
func (g *Gate) detail(ctx context.Context, q *question) (*detail, error) {
	d := &detail{}
	masked := g.o.Mask(q.c)
	d.Args, d.ArgsCut = bounded(masked, maxArgs)
	d.rest = masked[len(d.Args):]
	d.Remarks = remarks("the arguments", q.c.Arguments, masked)
	g.maskBeside(d, q.c)
	var err error
	switch {
	case q.c.DryRun: // it is itself what would be shown
		return d, nil
	case q.c.Rule.Rewrite.DryRun != "":
		err = g.dryRun(ctx, q, d)
	case q.c.Rule.Preview != nil:
		d.Preview, err = q.c.Rule.Preview(ctx, q.c)
		if err != nil && ctx.Err() == nil && !errors.Is(err, ostiary.CodePreviewFailed) {
			d.PreviewError, err = ostiary.AsError(err).Message, nil // the preview is broken, not the call
		}
	}
	if err != nil {
		return nil, err
	}
	d.PreviewError = cut(g.masked(q.c, d.PreviewError), maxShown)
	if d.Preview != nil {
		p := *d.Preview
		p.Text = cut(g.masked(q.c, p.Text), maxPreview)
		d.Preview = &p
	}
	return d, nil
}

// masked is a text for the eye and the store. It is masked whole, before it is cut.
func (g *Gate) masked(c *ostiary.Call, text string) string {
	if text == "" {
		return ""
	}
	if g.o.MaskText == nil {
		return "(not shown, because secrets could not be masked)"
	}
	return g.o.MaskText(c, text)
}

// dryRun runs the tool's own dry run. One that the door refuses refuses the call:
// the operator vouched for it, so something is wrong. One that the tool answers
// with an error is shown.
func (g *Gate) dryRun(ctx context.Context, q *question, d *detail) error {
	if q.c.Caller == nil {
		return refuse(ostiary.CodePreviewFailed, "no caller", "the dry run that the rule names cannot be made here: ask the operator to drop `dry_run:` from the rule")
	}
	r, err := q.c.Caller.DryRun(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		e := ostiary.AsError(err)
		return &ostiary.Error{
			Code: ostiary.CodePreviewFailed, Err: err,
			Message: "the dry run of this call was refused, so nobody was asked: " + e.Message,
		}
	}
	if r == nil {
		return refuse(ostiary.CodePreviewFailed, "a dry run without a result", "the dry run of this call gave nothing to look at, so nobody was asked: try again")
	}
	text := r.Text
	if text == "" {
		text = string(r.Body)
	}
	if r.Status != ostiary.StatusOK {
		d.PreviewError = "the dry run ended with " + r.Status.String() + ": " + text
		return nil
	}
	d.Preview = &ostiary.Preview{Kind: "dry_run", Text: text}
	return nil
}

// same looks again at what a preview was made from. What differs, or cannot be
// looked at any more, voids the request.
func (g *Gate) same(ctx context.Context, q *question, r *Request) error {
	var d *detail
	err := g.store.View(ctx, func(tx ostiary.Tx) (err error) {
		d, err = details(tx, r.ID)
		return err
	})
	if err != nil {
		return err
	}
	if d.Preview == nil || d.Preview.Target == (ostiary.Digest{}) {
		return nil
	}
	why := "what the preview was made from has changed"
	if q.c.Rule.Preview == nil {
		why = "the preview cannot be made again"
	} else {
		p, err := q.c.Rule.Preview(ctx, q.c)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil || p == nil:
			why = "the preview cannot be made again"
		case p.Target == d.Preview.Target:
			return nil
		}
	}
	if err := g.void(ctx, q, r, why); err != nil {
		return err
	}
	return refuse(ostiary.CodeApprovalVoid, why, "request %s does not count any more: %s. Repeat the call, and the person is asked about what would happen now", r.ID, why)
}
