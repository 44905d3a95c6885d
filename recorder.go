package ostiary

// Recorder is the append-only evidence; a line has exactly one. It is used by
// many goroutines at once.
type Recorder interface {
	// Begin announces a call. An error denies the call.
	Begin(c *Call) (Entry, error)
}

// Entry is the evidence of one call, written by one goroutine: Intent at most
// once, then End exactly once.
type Entry interface {
	// Intent MUST NOT return nil before the intent is durable.
	Intent(d Decision) error
	// End MUST NOT return nil before the outcome is durable. If it returns an
	// error, the result must not reach the agent.
	End(o Outcome) error
}
