package config

import (
	"time"

	ostiary "github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/limit"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/validate"
)

// File is one configuration file, checked, with the defaults where it says
// nothing. Paths in it are absolute. It is not changed after it was made.
type File struct {
	// Path is the file as it was named, Dir the absolute directory that relative
	// paths in it are relative to.
	Path, Dir string
	// Digest is the SHA-256 of the bytes: the policy digest of every record.
	Digest [32]byte
	// Secrets are the values that must never be written anywhere: what was
	// interpolated, and the environment values whose name says that they are
	// credentials. Some may be short; who redacts decides what that means.
	Secrets []string
	// Returned are those of Secrets that no server may send back to a client: all
	// but the values of variables that usually hold no secret, such as HOME.
	Returned []string
	likely   []likely // what may be a credential
	raw      []byte   // the bytes themselves; nil if there is no file

	Version    int
	Principals []Principal
	Scopes     []Scope
	implied    map[string][]string // by scope, all of them
	Upstreams  []Upstream
	Deny       []Deny
	Rules      []Rule
	Limits     Limits
	Audit      Audit
	Approvals  Approvals
	Serve      Serve
	Auth       Auth
	Telemetry  Telemetry
	Redact     Redact
	Untrusted  Untrusted
	Pin        Pin
}

// Principal gives scopes to an operating-system user, over stdio.
type Principal struct {
	Pos
	Name, User string
	Scopes     []string
}

// Upstream is one MCP server.
type Upstream struct {
	Pos
	Name string
	// Command is the program and its arguments as written; empty if only the
	// command line gives it.
	Command []string
	// Env is added to the child's allow-list, interpolated; PassEnv names
	// variables that are passed on from our own environment.
	Env     map[string]string
	PassEnv []string
	// Cwd is the child's working directory; empty if none was written. A child
	// whose Command is in the file starts in File.Dir then, so that relative
	// arguments mean what they seem to.
	Cwd string
	// Remote says that the server has another file system than the door, so that
	// paths are judged by their text alone.
	Remote bool
	// URL is the endpoint of a server over HTTP, which gets Credential and may be
	// at AllowPrivate; empty for one that the door starts.
	URL          string
	Credential   *Credential
	AllowPrivate []string
	// Views are the parts in which it is offered; none offers it whole.
	Views []View
	views *policy.Views
}

// Deny is one row of deny:. Kind, Pattern, Source, Reason and When of the row
// are set; Forbids is to be made from Args.
type Deny struct {
	Pos
	policy.DenyRow
	Args []validate.Argument
}

// Rule is one row of rules:. Everything of the row but Checks is set, which is
// to be made from Args.
type Rule struct {
	Pos
	policy.Row
	Args []validate.Argument
	// Preview is how the door shows a call to a person; nil is not at all. The
	// row's own is to be made from it.
	Preview *Preview
	confirm confirm
}

// Limits are the general bounds.
type Limits struct {
	limit.Options
	// Message is the most bytes of one message, Stderr what is kept of a child's
	// standard error.
	Message, Stderr int
	// Anomaly says what is far more than usual.
	Anomaly Anomaly
	// PerAddress bounds the requests over HTTP from one address.
	PerAddress ostiary.RateLimit
	// Timeout bounds a call whose rule says nothing, Shutdown is the grace for
	// calls in flight, Catalog how long calls wait for the upstream's catalog.
	Timeout, Shutdown, Catalog time.Duration
}

// Audit is about the evidence.
type Audit struct {
	// CheckpointTo are where each signed checkpoint is written too: absolute
	// paths, "syslog:" and https URLs.
	CheckpointTo []string
	// Segment is the size in bytes at which a new segment begins.
	Segment int
	// AllowPrivate are the private addresses that the URLs may lead to.
	AllowPrivate []string
	// Reserve is how many bytes of the disk are kept for callers who are known.
	Reserve int
}
