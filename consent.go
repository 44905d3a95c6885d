package ostiary

import (
	"context"
	"time"
)

// Approve says how a person may answer the questions about a call.
type Approve struct {
	// Channels are where: cli, webhook, client, console. Empty means all but that
	// client counts for EffectWrite only.
	Channels []string
}

// GrantRule bounds the capabilities that may answer in place of a person.
type GrantRule struct {
	// Max is the longest life of a grant that counts here, from its creation; 0
	// means the default of the effect.
	Max time.Duration
	// Only says that a person does not approve single calls here: without a
	// grant the call is refused.
	Only bool
}

// IdempotencyRule says how a repeated call is told from a new one.
type IdempotencyRule struct {
	// Argument is the top-level argument that holds the key; "" where only _meta
	// may.
	Argument string
	// Required refuses a call without a key.
	Required bool
	// Keep is how long a result is kept for repetitions; 0 means the default.
	Keep time.Duration
}

// Rewrite is what the door itself changes in the arguments of a call, before
// the digest is taken and the gates look. All names are top-level arguments.
type Rewrite struct {
	// Token may hold a capability token; it is removed.
	Token string
	// Strip are removed: a model's `confirm: true` is no approval.
	Strip []string
	// DryRun is the tool's own argument for a dry run, for which the operator
	// vouches: exactly true stays and makes the call a preview that asks nobody;
	// whatever else the model wrote becomes false.
	DryRun string
}

// Preview is what a call would do, for a person to look at.
type Preview struct {
	// Kind says what it is: dry_run, diff, delete, plan.
	Kind string
	// Text is shown with everything unusual made visible.
	Text string
	// Target identifies what the preview was made from. If it is not zero, the
	// call runs only while it is the same.
	Target Digest
}

// Caller is the door's end of one call: what a gate may do with it while it
// waits. It is used by one goroutine at a time, but for Cancel.
type Caller interface {
	// Cancel ends the call with this cause.
	Cancel(cause error)
	// Current returns nil while the definition that the call was judged by is
	// still the upstream's.
	Current() error
	// Progress sends a sign of life; it returns false if the client asked for
	// none, so that waiting long would only run into its time-out.
	Progress(message string) bool
	// DryRun runs the tool's own dry run with the call's arguments, as a call of
	// its own that is judged and recorded; only if the rule names the argument.
	DryRun(ctx context.Context) (*Result, error)
	// Dialog is the client's way to ask its person; nil if it declared none.
	Dialog() *Dialog
}

// Patient is a Caller whose door knows when the upstream waits for a person. Its
// Cancel ends the context that the line got with the call.
type Patient interface {
	Caller
	// Patience calls end once the call has run for limit; a bounded time in which
	// the upstream waited for a person does not count. stop ends the watch.
	Patience(limit time.Duration, end func()) (stop func())
}

// Dialog asks the person at the client one question, by form elicitation. One of
// Ask and Put is set.
type Dialog struct {
	// Ask shows the text and waits for the answer (revisions up to 2025-11-25).
	Ask func(ctx context.Context, text string) (Reply, error)
	// Put makes the result with which the client asks and calls again with the
	// state, which comes back as it was (revision 2026-07-28, input_required).
	Put func(text, state string) *Result
	// State and Reply are what such a repeated call brought. Both come from
	// outside; State is empty if the call is the first.
	State string
	Reply Reply
}

// Reply is what a person at the client answered. The zero value is no answer.
type Reply uint8

// The replies. Only a form that was accepted with the word CONFIRM is
// ReplyConfirm; a form that was declined, or accepted with anything else, is
// ReplyCancel; one that was closed is ReplyNone.
const (
	ReplyNone Reply = iota
	ReplyConfirm
	ReplyCancel
)
