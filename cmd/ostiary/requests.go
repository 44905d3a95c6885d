package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	show "github.com/ostiary/ostiary/internal/visible"
)

// idLeast is how many letters name a request by the beginning of its id.
const idLeast = 4

// Get is that of the desk, with an error for the person who typed the id.
func (r *requests) Get(ctx context.Context, id string) (approval.Request, error) {
	one, err := r.Desk.Get(ctx, id)
	return one, r.told(ctx, id, err)
}

// Approve is that of the desk, with an error for the person who typed the id.
func (r *requests) Approve(ctx context.Context, id string, by approval.Who, answer string) (approval.Request, error) {
	one, err := r.Desk.Approve(ctx, id, by, answer)
	return one, r.told(ctx, id, err)
}

// Deny is that of the desk, with an error for the person who typed the id.
func (r *requests) Deny(ctx context.Context, id string, by approval.Who, reason string) (approval.Request, error) {
	one, err := r.Desk.Deny(ctx, id, by, reason)
	return one, r.told(ctx, id, err)
}

// told makes of an error for the agent one for the person, who decides and does
// not repeat calls.
func (r *requests) told(ctx context.Context, id string, err error) error {
	switch {
	case errors.Is(err, ostiary.CodeApprovalUnknown) && len(id) < idLeast:
		return fmt.Errorf("%w; of an id give at least %d letters; looked in %s", err, idLeast, r.d.State)
	case errors.Is(err, ostiary.CodeApprovalUnknown):
		return fmt.Errorf("%w; looked in %s", err, r.d.State)
	case errors.Is(err, ostiary.CodeApprovalDenied):
		one, failed := r.Desk.Get(ctx, id)
		if failed != nil || one.State != approval.Denied {
			return err
		}
		why := one.Reason
		if why == "" {
			why = "no reason was given"
		}
		return &ostiary.Error{Code: ostiary.CodeApprovalDenied, Message: fmt.Sprintf(
			"request %s is denied already, by %s at %s: %s; to allow such calls all the same: ostiary grant create%s --principal %s --tool %s --for 5m --reason …",
			one.ID, show.Line(one.By, 64), one.Decided.Local().Format(timeLayout), show.Line(why, 200), r.d.again,
			oneWord(one.Principal), oneWord(one.Upstream+"/"+one.Target))}
	}
	return err
}

// oneWord is a text as one word of a shell command.
func oneWord(s string) string {
	s = show.Line(s, 200)
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@-", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
