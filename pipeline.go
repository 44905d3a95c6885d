package ostiary

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Options are what a Line is made of.
type Options struct {
	// Gates judge in this order.
	Gates []Gate
	// Settler decides what the gates asked. Without one every question is a
	// refusal with the code of the question.
	Settler Settler
	// Filters treat results in this order.
	Filters []Filter
	// Recorder is required: no evidence, no call.
	Recorder Recorder
	// Timeout bounds a run whose rule names no time. Required.
	Timeout time.Duration
	// Now is the clock, monotonic reading included. Required.
	Now func() time.Time
	// Observer is told how calls go; nil costs nothing.
	Observer Observer
}

// Line is the one way through the door, shared by all doors of the house. It is
// immutable and safe for many goroutines.
type Line struct{ o Options }

// New makes a Line. It refuses a nil Recorder, gate, filter or clock and a
// timeout that is not positive.
func New(o Options) (*Line, error) {
	bad := func(what string) (*Line, error) {
		return nil, &Error{Code: CodeConfigInvalid, Message: "the line needs " + what}
	}
	switch {
	case o.Recorder == nil:
		return bad("a recorder: nothing passes that is not recorded")
	case o.Now == nil:
		return bad("a clock")
	case o.Timeout <= 0:
		return bad("a positive timeout")
	case len(o.Gates) == 0:
		return bad("at least one gate")
	}
	for _, g := range o.Gates {
		if g == nil {
			return bad("gates that are not nil")
		}
	}
	for _, f := range o.Filters {
		if f == nil {
			return bad("filters that are not nil")
		}
	}
	return &Line{o: o}, nil
}

// Do takes one call through the line: gates, intent, run, filters, outcome. The
// result may be released only with the verdict Allow or Answer; with any other
// verdict it is nil and the decision says what to tell the agent.
//
// The cause of a cancelled ctx, if it is an *Error, names why the call ended.
func (l *Line) Do(ctx context.Context, c *Call, run Runner) (*Result, Decision) {
	entry, err := l.begin(c)
	if err != nil {
		return nil, l.unbegun(entry, c, err)
	}
	d, h := l.judge(ctx, c, entry.watch)
	if d.Verdict == Answer {
		return l.answer(entry, c, d, h)
	}
	if d.Verdict != Allow {
		return nil, l.end(entry, c, h.release(d), StatusRefused, nil)
	}
	if c.IsSink() {
		if err := intend(entry, d); err != nil {
			return nil, l.end(entry, c, h.release(unrecorded(err)), StatusRefused, nil)
		}
	}
	if err := h.commit(); err != nil {
		return nil, l.end(entry, c, h.release(Refused("commit", err)), StatusRefused, nil)
	}
	defer h.done()
	return l.run(ctx, entry, c, d, h, run)
}

// Refuse records a refusal that was decided before there was a call to judge:
// malformed bytes, a rejected identity, an answer that came too late.
func (l *Line) Refuse(c *Call, d Decision) Decision {
	entry, err := l.begin(c)
	if err != nil {
		return l.unbegun(entry, c, err)
	}
	return l.end(entry, c, d, StatusRefused, nil)
}

// Heard records what Treat found in messages that have no outcome of their own, as one
// call that was let pass; r needs no body. What cannot be recorded is a refusal:
// nothing more of the kind may be sent.
func (l *Line) Heard(c *Call, reason string, r *Result) Decision {
	entry, err := l.begin(c)
	if err != nil {
		return l.unbegun(entry, c, err)
	}
	return l.end(entry, c, Decision{Verdict: Allow, Reason: reason}, r.Status, r)
}

func (l *Line) begin(c *Call) (e course, err error) {
	e.watch = l.watched(c)
	defer recoverTo(&err)
	e.Entry, err = l.o.Recorder.Begin(c)
	return e, err
}

// unbegun is the refusal of a call that could not be announced to the record.
func (l *Line) unbegun(e course, c *Call, err error) Decision {
	d := unrecorded(err)
	tellEnd(e.watch, &Outcome{Decision: d, Duration: l.o.Now().Sub(c.Received)})
	return d
}

func intend(e Entry, d Decision) (err error) {
	defer recoverTo(&err)
	return e.Intent(d)
}

func (l *Line) answer(e course, c *Call, d Decision, h *holds) (*Result, Decision) {
	d = h.release(d)
	if d.Answer == nil {
		return nil, l.end(e, c, Decision{Code: CodeInternal, Stage: d.Stage, Reason: "answer without a result"}, StatusRefused, nil)
	}
	if d := l.end(e, c, d, d.Answer.Status, d.Answer); d.Verdict != Answer {
		return nil, d
	}
	return d.Answer, d
}

func (l *Line) run(ctx context.Context, e course, c *Call, d Decision, h *holds, run Runner) (*Result, Decision) {
	limit := l.o.Timeout
	if c.Rule != nil && c.Rule.Timeout > 0 {
		limit = c.Rule.Timeout
	}
	tellRun(e.watch) // before the clock of the run starts
	running, stop := timed(ctx, c, limit)
	r, err := safely(func() (*Result, error) { return run(running, c) })
	cause := error(nil)
	if running.Err() != nil {
		cause = context.Cause(running)
	}
	stop()
	tellRan(e.watch)
	if err == nil && r == nil {
		err = &Error{Code: CodeInternal, Message: "the call ended without a result", Reason: "runner returned nothing"}
	}
	if err != nil {
		if ended := running.Err(); cause != nil && errors.Is(err, ended) {
			err = cause
		}
		return nil, l.end(e, c, ended("run", err), statusOf(err, r), r)
	}
	if d, ok := l.treat(ctx, c, r); !ok {
		return nil, l.end(e, c, d, StatusWithheld, &Result{Status: StatusWithheld, Findings: r.Findings, Found: r.Found})
	}
	h.keep(r)
	if d := l.end(e, c, d, r.Status, r); d.Verdict != Allow {
		return nil, d
	}
	return r, d
}

// Treats reports whether there are filters at all.
func (l *Line) Treats() bool { return len(l.o.Filters) > 0 }

// Treat applies the filters to what is no answer and goes towards a client all the
// same: the params of a server's notification or question, as Body of r. With an
// error nothing of it may be sent. What was found is in r, and in no record: whoever
// calls Treat has it recorded, as a part of another Result or with [Line.Heard].
func (l *Line) Treat(ctx context.Context, c *Call, r *Result) error {
	if d, ok := l.treat(ctx, c, r); !ok {
		return &Error{Code: d.Code, Message: d.Message, Reason: d.Reason}
	}
	return nil
}

func (l *Line) treat(ctx context.Context, c *Call, r *Result) (Decision, bool) {
	r.call = c.ID
	for _, f := range l.o.Filters {
		if _, err := safely(func() (*Result, error) { return r, f.Apply(ctx, c, r) }); err != nil {
			return Refused(f.Name(), err), false
		}
	}
	return Decision{}, true
}

// timed bounds a run; the door keeps its time if it can.
func timed(ctx context.Context, c *Call, limit time.Duration) (running context.Context, stop func()) {
	p, ok := c.Caller.(Patient)
	if !ok {
		return context.WithTimeoutCause(ctx, limit, timeoutError(limit))
	}
	return ctx, p.Patience(limit, func() { p.Cancel(timeoutError(limit)) })
}

// end writes the outcome. What cannot be recorded becomes a refusal.
func (l *Line) end(e course, c *Call, d Decision, s Status, r *Result) Decision {
	if d.Verdict == Deny && d.Code == "" {
		d.Code = CodeInternal
	}
	if d.Verdict == Deny && d.Message == "" {
		d.Message = AsError(d.Code).Message
	}
	o := Outcome{Decision: d, Status: s, Result: r, Duration: l.o.Now().Sub(c.Received)}
	var err error
	func() {
		defer recoverTo(&err)
		err = e.End(o)
	}()
	if err != nil {
		o.Decision = unrecorded(err)
	}
	tellEnd(e.watch, &o)
	return o.Decision
}

func unrecorded(err error) Decision {
	if errors.Is(err, CodeAuditUnavailable) {
		return Refused("audit", err)
	}
	return Refused("audit", &Error{
		Code: CodeAuditUnavailable, Err: err,
		Message: "this call was refused because it cannot be recorded: the operator must make the audit log writable again",
	})
}

// ended turns the error of a run, or the cause of a cancellation, into a refusal.
func ended(stage string, err error) Decision {
	var e *Error
	if !errors.As(err, &e) {
		switch {
		case errors.Is(err, context.Canceled):
			err = &Error{Code: CodeGatewayCancelled, Message: "the call was withdrawn"}
		case errors.Is(err, context.DeadlineExceeded):
			err = &Error{Code: CodeLimitTimeout, Message: "the call took too long and was ended"}
		}
	}
	return Refused(stage, err)
}

func statusOf(err error, r *Result) Status {
	switch {
	case r != nil:
		return StatusWithheld
	case errors.Is(err, CodeLimitTimeout), errors.Is(err, context.DeadlineExceeded):
		return StatusTimeout
	case errors.Is(err, CodeGatewayCancelled), errors.Is(err, context.Canceled):
		return StatusCancelled
	default:
		return StatusLost
	}
}

func timeoutError(limit time.Duration) *Error {
	return &Error{
		Code: CodeLimitTimeout,
		Message: fmt.Sprintf("no answer within %s, so the call was ended; whether it took effect is unknown: "+
			"look before you repeat it, or ask the operator for a longer `timeout:`", limit),
	}
}

func safely(f func() (*Result, error)) (r *Result, err error) {
	defer recoverTo(&err)
	return f()
}

// recoverTo turns a panic into an error, so that it denies and is recorded.
func recoverTo(err *error) {
	if p := recover(); p != nil {
		*err = &Error{
			Code:    CodePanic,
			Message: "the door failed while judging this call and refused it; the operator finds the reason in the audit log",
			Reason:  fmt.Sprintf("panic: %v\n%s", p, firstLines(debug.Stack())),
		}
	}
}

func firstLines(stack []byte) []byte {
	const most = 2000
	if len(stack) > most {
		return stack[:most]
	}
	return stack
}
