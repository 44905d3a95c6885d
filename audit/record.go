package audit

import "time"

// Version is the format of a record, its field "v".
const Version = 1

// The kinds of records.
const (
	KindOpen    = "open"    // first record of a log
	KindIntent  = "intent"  // a sink is about to be forwarded
	KindOutcome = "outcome" // how a call that was let in ended
	KindRefusal = "refusal" // a call that was not let in
	KindEvent   = "event"   // something beside the calls: a person's decision, a grant, a freeze, the log itself
	KindClose   = "close"   // last record of a log that was closed cleanly
)

// What a record says of custody: whether the caller could have written a false
// log.
const (
	CustodySameUser = "same-user" // nothing shows that it could not
	CustodySeparate = "separate"  // its program runs as another user than the door
)

// Record is one line of the log and one leaf of its hash tree. Empty fields are
// left out of the line. Text from outside is cut to a bounded length, with a
// mark that says how much is missing. docs/reference/audit-record.md explains
// each field.
type Record struct {
	V    int       `json:"v"`
	N    int64     `json:"n"` // position in the log, from 0 across segments
	Time time.Time `json:"time"`
	Log  string    `json:"log"`
	Kind string    `json:"kind"`

	Call      string `json:"call,omitempty"`
	Principal string `json:"principal,omitempty"`
	Client    string `json:"client,omitempty"`
	Session   string `json:"session,omitempty"`
	Address   string `json:"address,omitempty"`
	Upstream  string `json:"upstream,omitempty"`
	View      string `json:"view,omitempty"`
	Method    string `json:"method,omitempty"`
	Class     string `json:"class,omitempty"`
	Target    string `json:"target,omitempty"`
	Effect    string `json:"effect,omitempty"`
	Closed    bool   `json:"closed,omitempty"`
	// ArgsDigest is base64 of SHA-256(salt || digest of the call's arguments);
	// the salt lies in the body.
	ArgsDigest string `json:"args_digest,omitempty"`

	Decision    string `json:"decision,omitempty"`
	Code        string `json:"code,omitempty"`
	Stage       string `json:"stage,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Message     string `json:"message,omitempty"`
	Would       string `json:"would,omitempty"`
	WouldReason string `json:"would_reason,omitempty"`
	// Under is what let the call pass where somebody was asked: "approval ID",
	// "grant ID", "key DIGEST".
	Under  string `json:"under,omitempty"`
	Rule   string `json:"rule,omitempty"`
	RuleAt string `json:"rule_at,omitempty"`
	Policy string `json:"policy,omitempty"`

	// Subject, By, Channel and Detail are those of an event: the approval, grant or
	// freeze that it is about, who did it and where.
	Subject string `json:"subject,omitempty"`
	By      string `json:"by,omitempty"`
	Channel string `json:"channel,omitempty"`
	Detail  string `json:"detail,omitempty"`

	Status     string `json:"status,omitempty"`
	DurationUS int64  `json:"duration_us,omitempty"`
	// Found is how many things the filters found in what came back, Findings the
	// first of them.
	Found    int       `json:"found,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	Custody  string    `json:"custody,omitempty"`
	Sandbox  string    `json:"sandbox,omitempty"`

	Product  string     `json:"product,omitempty"` // open: the version that writes
	PID      int        `json:"pid,omitempty"`     // open
	Heads    []Head     `json:"heads,omitempty"`   // open, event: other logs, as they were then
	Repaired []Repaired `json:"repaired,omitempty"`

	// Body is base64 of the SHA-256 of the body's line, which begins with a salt.
	Body string `json:"body,omitempty"`
}

// Head is a log's size and root hash at one moment. Size 0 is a log without
// any durable record.
type Head struct {
	Log  string `json:"log"`
	Size int64  `json:"size"`
	Root string `json:"root"` // base64
}

// Repaired tells what opening found at the end of a log whose process had died.
type Repaired struct {
	Log string `json:"log"`
	// Cut is how many bytes behind the last checkpoint were moved aside, zeros
	// not counted.
	Cut int64 `json:"cut"`
	// Size is the number of records that stayed.
	Size int64 `json:"size"`
	// Damaged is set where the end is not what a crash leaves behind. Nothing
	// was cut; verification tells more.
	Damaged bool `json:"damaged,omitempty"`
}

// Body is what retention may drop: the redacted arguments and the beginning of
// the redacted result. Its line follows the line of its record.
type Body struct {
	Call string `json:"body"`
	Salt []byte `json:"salt"`
	// Args are the redacted arguments; where Cut is not 0, a string with their
	// beginning.
	Args any `json:"args,omitempty"`
	// Cut is how many bytes of the redacted arguments were left out.
	Cut int `json:"cut,omitempty"`
	// Beside is what else of params the server gets, redacted and cut likewise.
	Beside    any    `json:"beside,omitempty"`
	BesideCut int    `json:"beside_cut,omitempty"`
	Text      string `json:"text,omitempty"`
	// Withheld names what was left out because it could not be redacted.
	Withheld string `json:"withheld,omitempty"`
}
