package ostiary

import "context"

// Filter changes a result on its way out, error results included. An error
// withholds the result. A Filter is used by many goroutines at once.
type Filter interface {
	// Name is the stage in decisions and records.
	Name() string
	Apply(ctx context.Context, c *Call, r *Result) error
}

// Runner carries a call out, once: it forwards to the upstream or runs a
// built-in tool. It returns when ctx ends at the latest.
type Runner func(ctx context.Context, c *Call) (*Result, error)
