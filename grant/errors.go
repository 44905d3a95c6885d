package grant

import (
	"fmt"
	"time"

	"github.com/ostiary/ostiary"
)

func invalid(format string, args ...any) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeGrantInvalid, Message: fmt.Sprintf(format, args...)}
}

func unreadable(id string, cause error) *ostiary.Error {
	return &ostiary.Error{
		Code:    ostiary.CodeStoreUnavailable,
		Message: "a grant cannot be read from the store, so it lets nothing pass; the operator must look at it",
		Reason:  fmt.Sprintf("grant %q", id), Err: cause,
	}
}

func noSuch(ref string) *ostiary.Error {
	what := "has this id"
	if len(ref) <= maxID { // what is longer may be a part of a token
		what = fmt.Sprintf("has the id %q", ref)
	}
	return &ostiary.Error{Code: ostiary.CodeGrantUnknown,
		Message: "no grant " + what + ": `ostiary grant list --all` shows those that are known"}
}

func noSuchToken() *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeGrantUnknown,
		Message: "no grant has this token: `ostiary grant list --all` shows those that are known"}
}

func ambiguous(ref, a, b string) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeGrantUnknown,
		Message: fmt.Sprintf("several grants begin with %q, %s and %s among them: write more of the id", ref, a, b)}
}

// over is why a grant lets nothing pass any more, or nil. The message is for the
// one who holds it.
func over(g *Grant, now time.Time) *ostiary.Error {
	switch g.State(now) {
	case "revoked":
		return &ostiary.Error{Code: ostiary.CodeGrantRevoked,
			Message: "grant " + g.ID + " was taken back: call without it to have a person asked, or ask the operator for another",
			Reason:  fmt.Sprintf("grant %s was revoked by %s at %s: %s", g.ID, g.RevokedBy, g.Revoked.UTC().Format(time.RFC3339), g.RevokedWhy)}
	case "expired":
		return tooLate(g, g.Expires)
	case "used":
		return &ostiary.Error{Code: ostiary.CodeGrantUsed,
			Message: fmt.Sprintf("grant %s has no uses left (it had %d): call without it to have a person asked, or ask the operator for another", g.ID, g.Uses)}
	}
	if now.Before(g.Created) {
		return &ostiary.Error{Code: ostiary.CodeGrantExpired,
			Message: "grant " + g.ID + " does not count before it was made; the operator must look at the clock",
			Reason:  fmt.Sprintf("grant %s was made at %s, it is %s", g.ID, g.Created.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))}
	}
	return nil
}

func tooLate(g *Grant, end time.Time) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeGrantExpired,
		Message: fmt.Sprintf("the time of grant %s is over for this tool since %s: call without it to have a person asked, or ask the operator for another",
			g.ID, end.UTC().Format("15:04:05 MST"))}
}

// nobodys is the one answer to a token that is unknown, another principal's or
// another session's, so that it tells nothing.
func nobodys() *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeGrantUnknown,
		Message: "the capability token is not known here: call without a token to have a person asked, or ask the operator for a grant"}
}

func mismatch(g *Grant, what string) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeGrantMismatch,
		Message: fmt.Sprintf("the capability token does not cover this call: %s; make a call that it covers, or call without the token to have a person asked", what),
		Reason:  fmt.Sprintf("grant %s: %s", g.ID, what)}
}

func guessing(wait time.Duration) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeGrantGuessing, RetryAfter: wait,
		Message: fmt.Sprintf("too many capability tokens that are none: for another %s no token is looked at; the operator was told. "+
			"Call without a token to have a person asked, or wait", (wait + time.Second - 1).Truncate(time.Second))}
}
