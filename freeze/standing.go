package freeze

import (
	"fmt"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

// standing is a freeze in force with what is said of it, made once.
type standing struct {
	Freeze
	pattern pattern
	refusal ostiary.Decision
	cause   *ostiary.Error // for calls in flight
}

// shownReason is how many characters of the reason the agent is told.
const shownReason = 300

func newStanding(f Freeze) *standing {
	s := &standing{Freeze: f}
	if f.Scope.Tool != "" {
		s.pattern = newPattern(f.Scope.Tool)
	}
	since := f.Since.UTC().Format(time.RFC3339)
	stopped := fmt.Sprintf("the operator has frozen %s since %s, because: %s", f.Scope, since, visible.Line(f.Reason, shownReason))
	const next = "no other call that it covers will pass either: tell the person you work for, and call again only after the freeze was lifted"
	reason := fmt.Sprintf("frozen by %s (%s) since %s: %s; lift it with `ostiary unfreeze` and the same scope (%s)",
		visible.Line(f.By, 80), visible.Line(f.Channel, 20), since, visible.Line(f.Reason, maxReason), visible.Line(f.Scope.ID(), maxName+20))
	s.refusal = ostiary.Decision{
		Verdict: ostiary.Deny, Code: ostiary.CodeFreezeActive, Stage: stage, Reason: reason,
		Message: stopped + "; this call was not run, and repeating it does not help; " + next,
	}
	s.cause = &ostiary.Error{
		Code: ostiary.CodeFreezeActive, Reason: "ended while in flight; " + reason,
		Message: stopped + "; this call was ended, and if it was running already, whether it took effect is unknown; " + next,
	}
	return s
}
