package policy

import (
	"context"
	"time"

	"github.com/ostiary/ostiary"
)

// Kind says what a pattern's second part names.
type Kind uint8

// The kinds, after the configuration keys tool:, resource: and method:. The zero
// value is none of them, and New refuses it.
const (
	Tool     Kind = iota + 1 // a tool's name
	Resource                 // a resource's URI
	Method                   // a JSON-RPC method
)

// String returns the configuration key.
func (k Kind) String() string {
	switch k {
	case Tool:
		return "tool"
	case Resource:
		return "resource"
	case Method:
		return "method"
	}
	return "unknown"
}

// Row is one entry of rules:.
type Row struct {
	Kind Kind
	// Pattern is upstream/target, split at the first slash; * stands for any run
	// of characters.
	Pattern string
	// Source is the place in the file, "policy.yaml:14:5", for messages.
	Source string
	// Effect is EffectUnknown where none was written.
	Effect ostiary.Effect
	// Closed is world: closed.
	Closed  bool
	Scopes  []string
	When    string
	Limits  []ostiary.RateLimit
	Timeout time.Duration
	// Approve says that a person is always asked.
	Approve bool
	// Unapproved lets destructive, execute and spend pass without a person
	// (dangerously_unapproved).
	Unapproved bool
	// Channels are where a person may approve; empty means the defaults.
	Channels []string
	// Anomaly, Grant, Rewrite and Idempotency are put into the rule as they are.
	Anomaly     ostiary.AnomalyRule
	Grant       ostiary.GrantRule
	Rewrite     ostiary.Rewrite
	Idempotency ostiary.IdempotencyRule
	// Output says how what comes back is treated; it is put there as well.
	Output ostiary.OutputRule
	// Preview makes what shows a call of a tool; nil is none. Its arguments are
	// those that PreviewArgs names.
	Preview     func(tool ostiary.Tool) (func(context.Context, *ostiary.Call) (*ostiary.Preview, error), error)
	PreviewArgs []string
	// ReportOnly is dangerously_report_only.
	ReportOnly bool
	// Checks makes the row's typed validators for a tool; nil is none. For a row
	// of another kind the tool has only its upstream's name.
	Checks func(tool ostiary.Tool) ([]ostiary.Check, error)
}

// DenyRow is one entry of deny:. A row of kind Method covers that method for
// every target, tools/call and resources/read included.
type DenyRow struct {
	Kind    Kind
	Pattern string
	Source  string
	// Reason is the operator's; it goes into the record.
	Reason string
	// When narrows the row; empty is always.
	When string
	// Forbids makes the predicate over the arguments of a tool. A nil function is
	// none; a nil condition means that the tool has no such argument, so that the
	// row does not concern it.
	Forbids func(tool ostiary.Tool) (*ostiary.Condition, error)
}

// Options are what a Policy is made from. The zero value is a valid and careful
// policy: annotated reads pass, the rest is asked about.
type Options struct {
	Rows []Row
	Deny []DenyRow
	// Schema makes the check of a tool's own schema, put before all others of
	// every tool, ruled or not; nil is none.
	Schema func(tool ostiary.Tool) (ostiary.Check, error)
	// PrincipalHint is the operating-system user over stdio where the
	// configuration names no principals, so that a missing scope can show the
	// line to add; else empty.
	PrincipalHint string
	// Named are the principals that the configuration can have a row for; others
	// get their scopes elsewhere. nil is all.
	Named map[string]bool
	// Listed, if set, is told the names of the tools that an upstream lists,
	// whenever they are compiled. It may keep the slice.
	Listed func(upstream string, tools []string)
}
