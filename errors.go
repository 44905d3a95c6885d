package ostiary

import (
	"errors"
	"time"
)

// Error is the one error type of the project. It says the same thing twice:
// Message for the agent or the person who typed something, with the next step
// and nothing secret in it, and Reason for the operator.
type Error struct {
	Code Code
	// Message is safe to show to anybody.
	Message string
	// Reason adds what only the operator should see; may be empty.
	Reason string
	// RetryAfter is set where waiting helps.
	RetryAfter time.Duration
	// Err is the cause; may be nil. Its text is for the operator.
	Err error
}

// Error returns the code, the message and what the operator should know.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ostiary.CodeX) work.
func (e *Error) Is(target error) bool { return target == error(e.Code) }

func (e *Error) operatorText() string {
	s := e.Reason
	if s == "" {
		s = e.Message
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// AsError finds the *Error in err, or wraps err as CodeInternal with a message
// that tells the agent nothing of it.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{
		Code: CodeInternal, Err: err,
		Message: "the door could not judge this call and refused it; the operator finds the reason in the audit log",
	}
}
