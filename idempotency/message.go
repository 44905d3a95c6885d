package idempotency

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary"
)

// metaKey is where a client puts the key if the tool has no argument for it.
const metaKey = "ostiary/idempotency-key"

func refuse(code ostiary.Code, message string) *ostiary.Error {
	return &ostiary.Error{Code: code, Message: message}
}

func required(argument string) *ostiary.Error {
	where := `_meta["` + metaKey + `"]`
	if argument != "" {
		where = fmt.Sprintf("the argument %q or in %s", argument, where)
	}
	return refuse(ostiary.CodeIdempotencyRequired, "this tool runs only with an idempotency key, so that a repetition has no second effect: "+
		"send a fresh random text such as a UUID in "+where+", and the same one only when you repeat this very call")
}

// conflict is for a key that belongs to another call.
func conflict(s scoped, e *entry) *ostiary.Error {
	return &ostiary.Error{
		Code:    ostiary.CodeIdempotencyConflict,
		Message: "this idempotency key was used for a call with other arguments, or with other members of params beside them, so this one was not run: send a new key for a new call, or exactly the first call to repeat it",
		Reason:  fmt.Sprintf("%s belongs to call %s, whose arguments, or what stands beside them, differ", s.under(), e.Call),
	}
}

// stillRunning is for a repetition that has waited long enough.
func stillRunning(s scoped, e *entry) *ostiary.Error {
	return &ostiary.Error{
		Code:       ostiary.CodeIdempotencyRunning,
		Message:    "the first call with this idempotency key is still under way, so this repetition was not run: repeat it later with the same key to get its result",
		Reason:     fmt.Sprintf("%s: call %s is %s since %s", s.under(), e.Call, e.State, e.Since.UTC().Format(time.RFC3339)),
		RetryAfter: again,
	}
}

// overtaken is for a call whose key went to another before it could run.
func overtaken(s scoped) *ostiary.Error {
	return &ostiary.Error{
		Code:       ostiary.CodeIdempotencyRunning,
		Message:    "another call with this idempotency key came first, so this one was not run: repeat it with the same key to get the other's result",
		Reason:     s.under() + " is not this call's any more",
		RetryAfter: again,
	}
}

// lost is the question after a call whose effect is not known.
func lost(s scoped, e *entry) ostiary.Decision {
	how, message := "it ended without an answer that could be kept", "it ended without an answer"
	if e.State == running {
		how, message = "the process that ran it has died", "the door that ran it was cut off by a crash"
	}
	return ostiary.Decision{
		Verdict: ostiary.Ask, Code: ostiary.CodeIdempotencyUnknown, Under: s.under(),
		Message: "whether the first call with this idempotency key took effect is unknown: " + message +
			"; a person looks and decides whether it runs again; look yourself at what it should have changed, and send a new key only for a new call",
		Reason: fmt.Sprintf("%s: whether call %s of %s took effect is unknown, %s; look at its target before you let it run again",
			s.under(), e.Call, e.Since.UTC().Format(time.RFC3339), how),
	}
}

// notKept is for a call that ran and whose result was too large.
func notKept(s scoped, e *entry) *ostiary.Error {
	return &ostiary.Error{
		Code: ostiary.CodeIdempotencyUnknown,
		Message: "the first call with this idempotency key ran and was answered, but its result was too large to be kept, so this repetition was not run and the result is gone: " +
			"look at what it changed in another way, and send a new key only if it shall run once more",
		Reason: fmt.Sprintf("%s: call %s ended with status %s and a result of %d bytes", s.under(), e.Call, e.Status, e.Lost),
	}
}

// failed tells a wait that was ended from a store that does not work.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return withdrawn(ctx)
	}
	return err
}

// withdrawn is for a wait that the client or the door ended.
func withdrawn(ctx context.Context) error {
	cause := context.Cause(ctx)
	if e := (*ostiary.Error)(nil); errors.As(cause, &e) {
		return cause
	}
	return &ostiary.Error{
		Code: ostiary.CodeGatewayCancelled, Err: cause,
		Message: "the call was withdrawn while it waited for the first one with its idempotency key; it was not run: repeat it with the same key",
	}
}
