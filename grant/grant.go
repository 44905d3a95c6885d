package grant

import (
	"time"
)

// How long grants live.
const (
	// DefaultLife is the life of a grant, and the most that counts for a call
	// whose rule says nothing.
	DefaultLife = 300 * time.Second
	// ExecuteLife is the most that counts for the effect execute.
	ExecuteLife = 60 * time.Second
	// MaxLife is the longest life that a person can give.
	MaxLife = 24 * time.Hour
)

const (
	// kept is how long a grant that is over can still be listed.
	kept = 7 * 24 * time.Hour
	// maxLive is how many grants of one principal are alive at once.
	maxLive = 1000
	// maxDepth is how many ancestors a grant has at most.
	maxDepth = 8
)

// Grant is a capability: what a principal may do without a person being asked.
type Grant struct {
	ID        string `json:"id"`
	Principal string `json:"principal"`
	// Session, if set, is the only one in which it counts.
	Session string `json:"session,omitempty"`
	// Pattern is upstream/tool, split at the first slash; * stands for any run
	// of characters.
	Pattern string `json:"pattern"`
	// When is a condition over the call, in CEL; empty is none. Those of all
	// ancestors hold as well.
	When string `json:"when,omitempty"`
	// Uses is how many calls it lets pass; 0 is any number within its life. Used
	// is how many it has, those of its children included.
	Uses    int       `json:"uses"`
	Used    int       `json:"used"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// By is who gave it, Channel where, Reason why.
	By      string `json:"by"`
	Channel string `json:"channel"`
	Reason  string `json:"reason"`
	// Parent is the grant that this one is a part of; empty is none.
	Parent string `json:"parent,omitempty"`
	// Token says that it counts only for a call that presents its token.
	Token bool `json:"token"`
	// Digest is the beginning of the SHA-256 of the token; it is no secret.
	Digest string `json:"digest,omitempty"`
	// Revoked is when somebody took it back; zero is never.
	Revoked    time.Time `json:"revoked,omitzero"`
	RevokedBy  string    `json:"revoked_by,omitempty"`
	RevokedWhy string    `json:"revoked_why,omitempty"`
}

// State says in one word how a grant stands by itself at a time: live, revoked,
// expired or used. Its ancestors may end it as well.
func (g Grant) State(now time.Time) string {
	switch {
	case !g.Revoked.IsZero():
		return "revoked"
	case !now.Before(g.Expires):
		return "expired"
	case g.Uses > 0 && g.Used >= g.Uses:
		return "used"
	}
	return "live"
}

// Left is how many uses are left of a limited grant.
func (g Grant) Left() int { return max(0, g.Uses-g.Used) }

// Who is a person, as the operating system or a sign-in proves it, and the
// channel: cli, console.
type Who struct{ Name, Channel string }

// most is the longest life of a grant that counts for a call, in the order of
// the contract: what the rule says, else what the effect does.
func most(rule time.Duration, execute bool) time.Duration {
	switch {
	case rule > 0:
		return rule
	case execute:
		return ExecuteLife
	}
	return DefaultLife
}
