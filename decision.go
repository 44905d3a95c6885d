package ostiary

import "time"

// Verdict is the outcome of a gate. The zero value denies.
type Verdict uint8

// The verdicts. Among the gates deny beats ask beats allow.
const (
	Deny Verdict = iota
	Ask
	Allow
	// Answer replies with a stored result instead of running the call.
	Answer
)

var verdictNames = [...]string{"deny", "ask", "allow", "answer"}

// String returns the word used in records.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return verdictNames[Deny]
}

// Decision is what a gate, or the whole line, decided about a call.
type Decision struct {
	Verdict Verdict
	// Code is from the closed list in codes.go; empty only with Allow and Answer.
	Code Code
	// Stage is the gate that decided.
	Stage string
	// Reason is for the operator and goes into the record.
	Reason string
	// Message is safe to show to the agent and tells the next step.
	Message string
	// RetryAfter is set where waiting helps; exact.
	RetryAfter time.Duration
	// Answer is the stored result that goes with the verdict Answer.
	Answer *Result
	// Hold is what the gate took for this call and must give back or commit.
	Hold *Hold
	// Settles says that a capability which a person gave answers what the gates
	// before this one asked.
	Settles bool
	// Waited says that the gate waited for something, so that what the gates saw
	// before it may be old: they are asked again, see Rechecker.
	Waited bool
	// Under names what let the call pass, for the record: "approval ID", "grant
	// ID", "key DIGEST".
	Under string
	// Would is the code that a rule in report-only mode did not enforce.
	Would Code
	// WouldReason is the reason that goes with Would.
	WouldReason string
}

// Allowed is the decision that lets a call pass.
func Allowed() Decision { return Decision{Verdict: Allow} }

// Refused makes a denial. An error that is not an *Error becomes CodeInternal,
// and its text stays with the operator.
func Refused(stage string, err error) Decision {
	e := AsError(err)
	return Decision{
		Verdict: Deny, Code: e.Code, Stage: stage, Reason: e.operatorText(),
		Message: e.Message, RetryAfter: e.RetryAfter,
	}
}
