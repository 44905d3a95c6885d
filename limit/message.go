package limit

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ostiary/ostiary"
)

func tooFast(c *ostiary.Call, l *limit, wait time.Duration) ostiary.Decision {
	kind := "calls"
	if l.effects {
		kind = "calls with an effect"
	}
	scope := kind + " of everybody together"
	switch {
	case l.rate.PerPrincipal && l.rate.PerTool:
		scope = kind + " of one principal to this tool"
	case l.rate.PerPrincipal:
		scope = kind + " of one principal"
	case l.rate.PerTool:
		scope = kind + " to this tool"
	}
	where := l.name
	if c.Rule != nil && l.name == "rule" {
		where = fmt.Sprintf("the limit of rule %q (%s)", c.Rule.Pattern, c.Rule.Source)
	}
	return ostiary.Decision{
		Verdict: ostiary.Deny, Code: ostiary.CodeLimitRate, Stage: "limit", RetryAfter: wait,
		Message: fmt.Sprintf("too many calls: the limit is %s (%s); this one was not run: retry in %s", show(l.rate), scope, soon(wait)),
		Reason:  fmt.Sprintf("%s: principal %q used up %s (%s), free again in %v", where, c.Principal.ID, show(l.rate), scope, wait),
	}
}

func (l *Limiter) tooMany(c *ostiary.Call) ostiary.Decision {
	return ostiary.Decision{
		Verdict: ostiary.Deny, Code: ostiary.CodeLimitConcurrency, Stage: "limit",
		Message: fmt.Sprintf("too many calls at once: %d are running and no more may; this one was not run: wait until one of them has ended, then call again", l.slots.max),
		Reason:  fmt.Sprintf("limits.concurrency: principal %q has %d calls in flight", c.Principal.ID, l.slots.max),
	}
}

// soon says a time to wait, never one that is too short.
func soon(d time.Duration) string {
	if d > 100*time.Second {
		return (d + time.Second - 1).Truncate(time.Second).String()
	}
	tenths := (d + 100*time.Millisecond - 1) / (100 * time.Millisecond)
	return strconv.FormatInt(int64(tenths/10), 10) + "." + strconv.FormatInt(int64(tenths%10), 10) + " s"
}

func invalid(message string) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: message}
}
