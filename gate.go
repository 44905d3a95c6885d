package ostiary

import "context"

// Gate judges a call before it runs. Check MUST NOT change the call. An error
// denies with the error's code; so does a panic. A Gate is used by many
// goroutines at once.
type Gate interface {
	// Name is the stage in decisions and records.
	Name() string
	Check(ctx context.Context, c *Call) (Decision, error)
}

// Rechecker is a gate that is asked again after a call waited, for a person or
// for anything else, since what the gate looks at may have changed meanwhile. Its
// holds are those of Check, and what it asks then is a refusal.
type Rechecker interface {
	Gate
	Recheck(ctx context.Context, c *Call) (Decision, error)
}

// Settler is the last gate. It alone sees what the others asked, so that a
// person decides once and only about calls that would otherwise pass.
type Settler interface {
	Name() string
	// Settle gets the questions of all gates, never an empty list.
	Settle(ctx context.Context, c *Call, asks []Decision) (Decision, error)
}
