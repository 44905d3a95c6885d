package approval

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
)

// Approve lets exactly one call pass under the request with this id (see Get).
// The answer is what the person gave, CONFIRM. It is noted in the evidence
// before it counts. The error tells what the request is otherwise:
// approval_expired, approval_used, approval_denied, approval_void; or
// approval_required if the rule does not let this channel decide.
func (d *Desk) Approve(ctx context.Context, id string, who Who, answer string) (Request, error) {
	if answer != Confirm {
		return Request{}, refuse(ostiary.CodeApprovalRequired, "", "only the answer %s approves a request, this was %q", Confirm, safe(answer))
	}
	r, err := d.Get(ctx, id)
	if err != nil {
		return Request{}, err
	}
	if !r.answeredAt(who.Channel) {
		return Request{}, refuse(ostiary.CodeApprovalRequired, "", "the rule lets request %s be approved only at: %s", r.ID, safe(strings.Join(r.Channels, ", ")))
	}
	return d.decide(ctx, r, who, approve())
}

// Deny refuses the request, also one that was approved and not used yet. The
// agent is told the reason. Every channel may deny.
func (d *Desk) Deny(ctx context.Context, id string, who Who, reason string) (Request, error) {
	r, err := d.Get(ctx, id)
	if err != nil {
		return Request{}, err
	}
	return d.decide(ctx, r, who, deny(reason))
}

func approve() move {
	return move{to: Approved, from: []State{Pending}, answer: Confirm}
}

func deny(reason string) move {
	return move{to: Denied, from: []State{Pending, Approved}, answer: Cancel, reason: reason}
}

func (d *Desk) decide(ctx context.Context, r Request, who Who, m move) (Request, error) {
	if err := who.check(); err != nil {
		return Request{}, err
	}
	m.by = who
	now, err := d.move(ctx, r.ID, m)
	if err != nil {
		return Request{}, err
	}
	now.Args, now.ArgsCut, now.Beside, now.Preview, now.PreviewError = r.Args, r.ArgsCut, r.Beside, r.Preview, r.PreviewError
	return *now, nil
}

// Void takes back every request that a filter names and that waits or is
// approved and not used, and returns how many. What changes meanwhile by itself
// is no error. One that a call has just used is void if that call does not run.
func (d *Desk) Void(ctx context.Context, f Filter, who Who, reason string) (n int, err error) {
	if err := who.check(); err != nil {
		return 0, err
	}
	if len(f.States) == 0 {
		f.States = []State{Pending, Approved, Used}
	}
	all, err := d.List(ctx, f)
	if err != nil {
		return 0, err
	}
	for _, r := range all {
		_, err := d.move(ctx, r.ID, move{to: Void, from: []State{Pending, Approved}, by: who, reason: reason})
		switch {
		case err == nil:
			n++
		case !isState(err):
			return n, err
		}
	}
	return n, nil
}

// isState reports whether an error only says that a request was decided already.
func isState(err error) bool {
	return slices.ContainsFunc([]ostiary.Code{
		ostiary.CodeApprovalUnknown, ostiary.CodeApprovalPending, ostiary.CodeApprovalDenied,
		ostiary.CodeApprovalExpired, ostiary.CodeApprovalVoid, ostiary.CodeApprovalUsed,
	}, func(c ostiary.Code) bool { return errors.Is(err, c) })
}

func (w Who) check() error {
	if w.Name == "" || w.Channel == "" {
		return refuse(ostiary.CodeAuthNobody, "", "nobody decides who has no name or comes by no channel")
	}
	return nil
}

// answeredAt reports whether a channel may approve this. The link of a webhook
// leads to the console.
func (r *Request) answeredAt(channel string) bool {
	return channel != "" && channel != ChannelWebhook &&
		(slices.Contains(r.Channels, channel) || channel == ChannelConsole && slices.Contains(r.Channels, ChannelWebhook))
}
