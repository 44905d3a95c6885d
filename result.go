package ostiary

import "time"

// Status is how a call ended, for the record. The zero value is StatusRefused.
type Status uint8

// The statuses.
const (
	StatusRefused   Status = iota // it did not run
	StatusOK                      // the upstream answered
	StatusToolError               // the upstream answered with isError: true
	StatusRPCError                // the upstream answered with a JSON-RPC error
	StatusTimeout                 // no answer in time; whether it took effect is unknown
	StatusCancelled               // the client withdrew it; whether it took effect is unknown
	StatusLost                    // the upstream ended first; whether it took effect is unknown
	StatusWithheld                // the upstream answered and the door kept the answer back
	StatusPending                 // the upstream answered with a task or asked for input
)

var statusNames = [...]string{
	"refused", "ok", "tool_error", "rpc_error", "timeout", "cancelled", "lost", "withheld", "pending",
}

// String returns the word used in records.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return statusNames[StatusRefused]
}

// Result is what came back. Filters may replace Body; nobody else does.
type Result struct {
	Status Status
	// Body is the whole JSON value of "result" or "error" as received.
	Body []byte
	// Text is the text content, decoded, at most as much as the record keeps of
	// it; for the record only.
	Text string
	// Findings are what the filters found, Found how many there were; see
	// MaxFindings.
	Findings []Finding
	Found    int
	// Read is what a filter read of this very Body, for the next filter, so that a body
	// is not decoded twice: a *wire.Reading, or nil. Who takes it, or replaces Body, sets it to nil. Body
	// is replaced, never changed in its place.
	Read any

	call string // that the findings belong to
}

// Outcome is what the Recorder is told at the end of a call.
type Outcome struct {
	Decision Decision
	Status   Status
	// Result is nil where nothing came back.
	Result *Result
	// Duration is from Call.Received to now.
	Duration time.Duration
}
