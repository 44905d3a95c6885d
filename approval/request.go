package approval

import (
	"time"

	"github.com/ostiary/ostiary"
)

// State is where a request stands.
type State string

// The states. Pending goes to approved, denied, expired or void; approved to
// used, denied, expired or void. No other state is left again, but for a use
// whose call did not run after all: the request is approved as before, or what a
// person made of it meanwhile.
const (
	Pending  State = "pending"
	Approved State = "approved"
	Denied   State = "denied"
	Expired  State = "expired"
	Used     State = "used"
	Void     State = "void"
)

// What a person answers.
const (
	Confirm = "CONFIRM"
	Cancel  = "CANCEL"
)

// The channels.
const (
	ChannelCLI     = "cli"
	ChannelConsole = "console"
	ChannelWebhook = "webhook"
	ChannelClient  = "client"
	channelGateway = "gateway" // the door itself
)

// Request is one question to a person. Its texts come from outside: whoever
// shows them uses [Card] or package internal/visible.
type Request struct {
	ID    string
	State State

	Principal, Client, Session string
	Upstream, Method, Target   string
	// Effect is the word of the call's effect, Why what the gates asked.
	Effect string
	Why    []string
	// Channels are where this request may be answered.
	Channels []string
	// Warnings are for the person: a tool name that looks like another.
	Warnings []string

	// Created, Expires and Decided are in UTC, in microseconds. Nothing runs
	// under this request from Expires on.
	Created, Expires, Decided time.Time
	// By is who decided, Channel where, Reason what they gave, Answer CONFIRM or
	// CANCEL.
	By, Channel, Reason, Answer string
	// Call is the call that asked first, UsedBy the one that passed.
	Call, UsedBy string
	// Policy, Definition and Arguments are the digests of the policy, of the
	// tool's definition, and of the arguments with what stands beside them.
	Policy, Definition, Arguments string

	// Args are the arguments with the secrets masked, Beside what else of params
	// the server gets (but _meta), Preview what the call would do, PreviewError why
	// that cannot be shown. Only Get gives these.
	// ArgsCut is how many bytes of Args are left out, see [Desk.Arguments].
	Args         []byte           `json:",omitempty"`
	ArgsCut      int              `json:",omitempty"`
	Beside       []byte           `json:",omitempty"`
	Preview      *ostiary.Preview `json:",omitempty"`
	PreviewError string           `json:",omitempty"`

	identity digest // of what was asked; see question
	flags    string // see Options
}

// At returns the state at a time: a request whose time is over is expired, even
// if nobody wrote so yet.
func (r *Request) At(now time.Time) State {
	if (r.State == Pending || r.State == Approved) && !now.Before(r.Expires) {
		return Expired
	}
	return r.State
}

// Filter names requests. The zero value names all.
type Filter struct {
	// States, if set, names only requests in one of these.
	States []State
	// Principal, if set, names only requests of this one.
	Principal string
	// Limit, if it is not 0, is how many are named at most, the oldest; it needs
	// States to be Pending alone.
	Limit int
}
