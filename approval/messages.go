package approval

import (
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

func refuse(code ostiary.Code, reason, format string, args ...any) *ostiary.Error {
	return &ostiary.Error{Code: code, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// safe is a text from outside, in a message to the agent.
func safe(s string) string { return visible.Line(s, 400) }

func at(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func unknown(id string) *ostiary.Error {
	return refuse(ostiary.CodeApprovalUnknown, "", "no request for approval has the id %q: look at `ostiary approvals`", safe(id))
}

// closed says why a request in this state cannot be decided, or used, any more.
func closed(r *Request, s State) *ostiary.Error {
	switch s {
	case Pending:
		return pending(r)
	case Denied:
		return denied(r)
	case Used:
		return refuse(ostiary.CodeApprovalUsed, "used by call "+r.UsedBy,
			"approval %s let a call pass already, and counts once: repeat the call only if it is meant to happen again, then a person is asked again", r.ID)
	case Void:
		return voided(r)
	case Approved:
		return refuse(ostiary.CodeApprovalUsed, "approved before",
			"request %s is approved already: nothing is to be done; `ostiary deny%s %s` takes that back until it is used", r.ID, r.flags, r.ID)
	case Expired:
	}
	return expired(r)
}

// pending tells the agent to have a person asked, and how to come back.
func pending(r *Request) *ostiary.Error {
	return refuse(ostiary.CodeApprovalPending, "", "nobody has answered yet: %s, then repeat the same call; request %s expires at %s",
		ask(r), r.ID, at(r.Expires))
}

// ask is what the agent can tell its person.
func ask(r *Request) string {
	if len(r.Channels) == 0 || r.answeredAt(ChannelCLI) {
		return fmt.Sprintf("ask the person to run `ostiary approve%s %s`", r.flags, r.ID)
	}
	return fmt.Sprintf("ask the person to answer request %s at: %s", r.ID, safe(strings.Join(r.Channels, ", ")))
}

func denied(r *Request) *ostiary.Error {
	why := "no reason was given"
	if r.Reason != "" {
		why = "the reason given: " + safe(r.Reason)
	}
	return refuse(ostiary.CodeApprovalDenied, "denied by "+r.By+" at "+r.Channel,
		"a person said no to this call (request %s); %s. Do not repeat it: the same call stays refused until %s; choose another way or ask the person",
		r.ID, why, at(r.Expires))
}

func expired(r *Request) *ostiary.Error {
	return refuse(ostiary.CodeApprovalExpired, "", "request %s ended at %s before it was answered and used: repeat the call to ask again", r.ID, at(r.Expires))
}

func voided(r *Request) *ostiary.Error {
	why := "what was asked about has changed"
	if r.Reason != "" {
		why = safe(r.Reason)
	}
	return refuse(ostiary.CodeApprovalVoid, "voided by "+r.By+" at "+r.Channel,
		"request %s does not count any more (%s): repeat the call, and the person is asked about what would happen now", r.ID, why)
}

func full(n int, principal, upstream, flags string) *ostiary.Error {
	about := ""
	if upstream != "" {
		about = " about the server " + safe(upstream)
	}
	return refuse(ostiary.CodeApprovalFull, fmt.Sprintf("%d requests of %s%s wait", n, principal, about),
		"%d requests of yours%s wait for a person already: wait for their answers before you ask for more; `ostiary approvals%s` lists them", n, about, flags)
}

func grantRequired(c *ostiary.Call, asks []ostiary.Decision, flags string) *ostiary.Error {
	before := ""
	for _, a := range asks {
		if a.Code == ostiary.CodeGrantExpired {
			before = " (" + a.Message + ")"
		}
	}
	return refuse(ostiary.CodeGrantRequired, "",
		"this call passes only under a grant, not by a single approval%s: ask the operator to run %s, then repeat the call", before, grantCommand(c, flags))
}

// grantCommand is how a person lets such calls pass for a while.
func grantCommand(c *ostiary.Call, flags string) string {
	return fmt.Sprintf("`ostiary grant create%s --principal %s --tool %s --for 5m --reason …`", flags, quoted(c.Principal.ID), quoted(c.Upstream+"/"+c.Target))
}

// quoted is a name as one word of a shell command.
func quoted(s string) string {
	s = visible.Line(s, 200)
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// nobody refuses a question that nobody can answer.
func nobody(q *question) *ostiary.Error {
	first := q.asks[0]
	message := first.Message
	if message == "" {
		message = "a person must decide about this call, and nobody can be asked: ask the operator for a rule that allows it or names a channel that is there"
	}
	return refuse(ostiary.CodeApprovalRequired, "no channel of "+strings.Join(q.channels, ", ")+" can be used; "+first.Reason, "%s", message)
}
