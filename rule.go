package ostiary

import (
	"context"
	"time"
)

// Rule is the one row that speaks for a (upstream, target) pair, compiled once
// against the upstream's catalog. Each room reads its own field. A Rule is
// immutable after it was made and may be shared by goroutines.
type Rule struct {
	// Pattern is the row as written, Source where ("policy.yaml:14"); both are
	// empty where no row was written and the safe defaults speak.
	Pattern string
	Source  string

	Effect Effect
	// EffectWhy says how the effect came about, for people.
	EffectWhy string
	// Closed states that the call does not leave for the open world.
	Closed bool

	// Forbid, if set, is why every call to this target is denied.
	Forbid *Error
	// Deny are the deny rows for this target; they are looked at first.
	Deny []Condition
	// Scopes must all be held by the principal.
	Scopes []string
	// When must hold, if set.
	When *Condition
	// Checks are the typed validators, the tool's own schema among them.
	Checks []Check
	// Limits are the row's own rates, beside the general ones.
	Limits []RateLimit
	// Anomaly says when calls are far more than usual; what is 0 is the general
	// rule's.
	Anomaly AnomalyRule
	// Ask, if not empty, is why a person must decide; AskNext tells the agent
	// the next step (the rule to write, whom to ask).
	Ask, AskNext string
	// Approve and Grant say who or what may answer the questions about a call.
	Approve Approve
	Grant   GrantRule
	// Rewrite is what the door changes in the arguments first.
	Rewrite Rewrite
	// Idempotency tells repeated calls from new ones.
	Idempotency IdempotencyRule
	// Preview shows what a call would do without doing it; nil if the door
	// cannot.
	Preview func(ctx context.Context, c *Call) (*Preview, error)
	// Output says how what comes back is treated.
	Output OutputRule
	// Timeout bounds the run; 0 means the general timeout.
	Timeout time.Duration
	// ReportOnly records what would have been denied and lets it pass
	// (dangerously_report_only).
	ReportOnly bool
}

// Written reports whether a person wrote a row for this target.
func (r *Rule) Written() bool { return r.Pattern != "" }

// OutputRule says how what comes back for a target is treated. The zero value is
// the careful one.
type OutputRule struct {
	// Trusted says that the operator vouches for the source: its text is not
	// marked. It is redacted all the same.
	Trusted bool
	// Mark is the style in which text from outside is marked; "" is the general one.
	Mark string
	// Secrets says what is done with a secret instead of what its own rule says:
	// redact, block or report; "" leaves it to the rule.
	Secrets string
	// BlockAt withholds what a detector scores at least so high; 0 never does.
	BlockAt float64
	// MaxBytes bounds what comes back, in bytes; 0 is the general bound.
	MaxBytes int
}

// Condition is a compiled predicate over a call. An error counts as the answer
// that denies.
type Condition struct {
	// Source is the text and place, for people.
	Source string
	// Reason is what the operator gave for a deny row.
	Reason string
	// Always says that it holds for every call, so that nobody need be shown what
	// it denies.
	Always bool
	Holds  func(ctx context.Context, c *Call) (bool, error)
}

// Check is one typed validator attached to one place in the arguments.
type Check struct {
	// Pointer is the JSON pointer it is attached to; "" is the whole value.
	Pointer string
	// Kind is the configuration key: schema, path, command, sql, url, enum, …
	Kind string
	// Run denies by returning an *Error with the code of its kind.
	Run func(ctx context.Context, c *Call) error
}

// RateLimit is at most Count calls in every Period, as a rate with a burst of
// Count.
type RateLimit struct {
	Count  int
	Period time.Duration
	// PerPrincipal and PerTool say what the rate is counted for; with neither it
	// is counted for everybody together.
	PerPrincipal, PerTool bool
}

// AnomalyRule says when the calls of a principal to a tool are far more than usual:
// when in one interval there are more than Times what is usual, and more than Least.
type AnomalyRule struct {
	Times, Least int
	// Freeze freezes the principal then; else there is only an alert.
	Freeze bool
}
