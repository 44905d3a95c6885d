package main

import (
	"strings"
	"time"

	"github.com/ostiary/ostiary/audit"
)

// The words that explain a field of a record to a person. docs/reference/audit-record.md
// has all fields.

func world(r *audit.Record) string {
	if r.Closed {
		return ", stays in the closed world"
	}
	return ", may leave for the open world"
}

func ruleOf(r *audit.Record) string {
	switch {
	case r.Rule == "":
		return "none speaks for it"
	case r.RuleAt == "":
		return r.Rule
	}
	return r.Rule + " (" + r.RuleAt + ")"
}

// policyOf explains a digest; the defaults without a file have none but zeros.
func policyOf(digest string) string {
	if digest != "" && strings.Trim(digest, "0") == "" {
		return "no file, the careful defaults"
	}
	return digest
}

func custodyOf(custody string) string {
	switch custody {
	case audit.CustodySameUser:
		return "same-user: anybody with a shell as this user could have written a false log"
	case audit.CustodySeparate:
		return "separate: the caller ran as another user than the door, who alone writes the log"
	}
	return custody
}

func sandboxOf(level string) string {
	if level == "none" {
		return "none: the server was not confined"
	}
	return level
}

// endOf says what a status means for the effect of a call.
func endOf(r *audit.Record) string {
	switch r.Status {
	case "":
		if r.Kind == audit.KindIntent {
			return "not recorded: the call is under way, or the door died; whether it took effect is unknown"
		}
		return ""
	case "refused":
		return "refused: it did not run"
	case "ok":
		return "ok: the server answered"
	case "tool_error":
		return "tool_error: the server answered that the tool failed"
	case "rpc_error":
		return "rpc_error: the server answered with an error"
	case "timeout":
		return "timeout: no answer in time; whether it took effect is unknown"
	case "cancelled":
		return "cancelled: the client withdrew it; whether it took effect is unknown"
	case "lost":
		return "lost: the server ended first; whether it took effect is unknown"
	case "withheld":
		return "withheld: the server answered, and the door kept the answer back"
	case "pending":
		return "pending: the server answered with a task, or asked for input"
	}
	return r.Status
}

// took is the time from the reading of the message to the record, where it is known.
func took(r *audit.Record) time.Duration { return time.Duration(r.DurationUS) * time.Microsecond }
