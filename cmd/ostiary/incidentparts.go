package main

import (
	"context"
	"errors"
	"iter"

	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/freeze"
	"github.com/ostiary/ostiary/grant"
	"github.com/ostiary/ostiary/incident"
	"github.com/ostiary/ostiary/pin"
	"github.com/ostiary/ostiary/redact"
)

// parts are the approvals, grants, API keys, freezes, exceptions and pins of the store, without a byte that is
// secret: masked arguments without their digest, no previews (they show files), no tokens
// and keys nor hashes of them. A store is not made for it. close ends what was opened.
func (c *incidentExportCommand) parts(ctx context.Context, p program, dir string) (all []incident.Part, end func() error, err error) {
	nothing := func() error { return nil }
	there, err := hasStore(dir)
	if err != nil {
		return nil, nil, err
	}
	if !there {
		for _, name := range []string{"approvals", "grants", "keys", "freezes", "exceptions", "pins"} {
			all = append(all, incident.Part{Name: name, Absent: noStore})
		}
		return all, nothing, nil
	}
	d, err := openDesk(ctx, p, c.stateFlag, "")
	if err != nil {
		return nil, nil, err
	}
	clean, err := redact.New(redact.Options{})
	if err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	approvals, err := approval.NewDesk(approval.DeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock})
	if err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	grants := grant.NewDesk(grant.DeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock})
	freezes := freeze.NewDesk(freeze.DeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock})
	exceptions := redact.NewExceptionDesk(redact.ExceptionDeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock})
	pins := pin.NewDesk(pin.DeskOptions{Store: d.Store, Journal: d.Journal, Clock: d.Clock})
	return []incident.Part{
		{Name: "approvals", Rows: approvalRows(ctx, approvals, c.Principal, clean)},
		{Name: "grants", Rows: grantRows(ctx, grants, c.Principal, clean.Text)},
		{Name: "keys", Rows: keyRows(ctx, openKeys(d), c.Principal, clean.Text)},
		{Name: "freezes", Rows: freezeRows(ctx, freezes, clean.Text)},
		{Name: "exceptions", Rows: exceptionRows(ctx, exceptions, clean.Text)},
		{Name: "pins", Rows: pinRows(ctx, pins, c.Upstream, c.Principal, clean.Text)},
	}, d.Close, nil
}

// approvalRows are requests in all states.
func approvalRows(ctx context.Context, d *approval.Desk, principal string, clean *redact.Redactor) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		all, err := d.List(ctx, approval.Filter{Principal: principal})
		if err != nil {
			yield(nil, err)
			return
		}
		for i := range all {
			r, err := d.Get(ctx, all[i].ID) // which has the masked arguments
			row := requestJSON(&r)
			row.Preview, row.Reason, row.PreviewError = nil, clean.Text(row.Reason), clean.Text(row.PreviewError)
			row.Digest = "" // it has no salt, so who guesses masked arguments could try
			row.Arguments = clean.Arguments(row.Arguments, nil)
			if row.Beside != nil {
				row.Beside = clean.Arguments(row.Beside, nil)
			}
			for i, w := range row.Why {
				row.Why[i] = clean.Text(w)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func grantRows(ctx context.Context, d *grant.Desk, principal string, clean func(string) string) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		all, err := d.List(ctx, grant.Filter{Principal: principal, All: true})
		if err != nil {
			yield(nil, err)
			return
		}
		for _, g := range all {
			g.Digest, g.Reason, g.RevokedWhy = "", clean(g.Reason), clean(g.RevokedWhy)
			if !yield(g, nil) {
				return
			}
		}
	}
}

// keyRows are API keys in all states, named by their prefix, which opens nothing.
func keyRows(ctx context.Context, k *keys, principal string, clean func(string) string) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		all, err := k.List(ctx, auth.KeyFilter{Principal: principal, All: true})
		if err != nil {
			yield(nil, err)
			return
		}
		for _, one := range all {
			one.Reason, one.RevokedWhy = clean(one.Reason), clean(one.RevokedWhy)
			if !yield(k.report(one), nil) {
				return
			}
		}
	}
}

func freezeRows(ctx context.Context, d *freeze.Desk, clean func(string) string) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		all, err := d.List(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, f := range all {
			f.Reason = clean(f.Reason)
			if !yield(f, nil) {
				return
			}
		}
	}
}

// exceptionRows are the exceptions from redaction that hold.
func exceptionRows(ctx context.Context, d *redact.ExceptionDesk, clean func(string) string) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		all, err := d.List(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, x := range all {
			x.Reason = clean(x.Reason)
			if !yield(x, nil) {
				return
			}
		}
	}
}
