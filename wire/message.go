package wire

import (
	"reflect"
)

// Kind is what a message is to JSON-RPC. The zero value is KindInvalid.
type Kind uint8

// The kinds.
const (
	KindInvalid Kind = iota
	KindRequest
	KindNotification
	KindResult
	KindError
)

var kindNames = [...]string{"invalid", "request", "notification", "result", "error"}

// String returns the word used in records.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindInvalid]
}

// ResultKind is what a result says about itself in resultType (revision
// 2026-07-28). A result without one is complete.
type ResultKind uint8

// The result kinds. ResultOther is a resultType that this package does not know.
const (
	ResultNone ResultKind = iota // not a result
	ResultComplete
	ResultInputRequired
	ResultTask
	ResultOther
)

var resultKindNames = [...]string{"none", "complete", "input_required", "task", "other"}

// String returns the word used in records.
func (k ResultKind) String() string {
	if int(k) < len(resultKindNames) {
		return resultKindNames[k]
	}
	return resultKindNames[ResultOther]
}

// Limits bound what Parse accepts. Zero values mean the defaults.
type Limits struct {
	// MaxBytes is the longest message in bytes; 0 means 16 MiB.
	MaxBytes int
	// MaxDepth is how many objects and arrays may be open at once, the message
	// itself included; 0 means 128, and more than 9,000 means 9,000.
	MaxDepth int
	// AllowNewlines accepts line breaks between tokens. It MUST stay false for a
	// message that comes from or goes to a transport that separates messages by
	// line breaks: a peer that ends lines at CR too would read several messages.
	AllowNewlines bool
}

// The defaults of Limits, and the depth at which the decoder itself gives up.
const (
	defaultMaxBytes = 16 << 20
	defaultMaxDepth = 128
	highestMaxDepth = 9000
)

func (l Limits) maxBytes() int {
	if l.MaxBytes <= 0 {
		return defaultMaxBytes
	}
	return l.MaxBytes
}

func (l Limits) maxDepth() int {
	if l.MaxDepth <= 0 {
		return defaultMaxDepth
	}
	return min(l.MaxDepth, highestMaxDepth)
}

// Message is the view of one message. Fields of type []byte are subslices of Raw
// and MUST NOT be changed; strings are decoded copies. A Message may be read by
// many goroutines at once.
type Message struct {
	// Raw is the message as received, without white space around it.
	Raw  []byte
	Kind Kind
	// ID is the id as written; nil for notifications, "null" only in errors.
	ID []byte
	// Key is the canonical id for matching: "s:" and the decoded string, or "n:"
	// and the exact number, so that 1, 1.0 and 1e0 are equal and 9007199254740993
	// and 9007199254740992 are not. Empty if there is no id or it is null.
	Key    string
	Method string
	// Params is nil if absent, else an object.
	Params []byte
	// Name is params.name (tools/call, prompts/get), params.uri (resources/read,
	// resources/subscribe, resources/unsubscribe), params.taskId (tasks/*), or
	// what params.ref names (completion/complete).
	Name string
	// Arguments is params.arguments of tools/call and prompts/get; nil if absent,
	// else an object.
	Arguments []byte
	// Meta is params._meta or result._meta; nil if absent, else an object.
	Meta []byte
	// Era is EraModern if _meta names a protocol version.
	Era Era
	// Version is that version, or params.protocolVersion of initialize.
	Version string
	// ProgressToken is _meta.progressToken as written, or params.progressToken of
	// notifications/progress.
	ProgressToken []byte
	// ProgressKey is its canonical form, made like Key.
	ProgressKey string
	// ElicitationMode is "form" or "url" in elicitation/create, or whatever else
	// the message says there.
	ElicitationMode string
	// CancelID is params.requestId of notifications/cancelled, CancelKey its
	// canonical form.
	CancelID  []byte
	CancelKey string
	// HasOwnMeta is true if _meta holds MetaGrant or MetaKey.
	HasOwnMeta bool
	// HasInputResponses is true if a request repeats an earlier one with
	// params.inputResponses or params.requestState.
	HasInputResponses bool
	// HasBeside is true if params of tools/call or prompts/get has members beside
	// name, arguments and _meta.
	HasBeside bool
	// Result and Error are the values of a response as written.
	Result, Error []byte
	ResultKind    ResultKind
	// ResultTwin is true if the result has a key that is resultType or inputRequests
	// but for case, or the error one that is data or data.elicitations. Some clients
	// take it for the real one, so such an error, and a result of revision
	// 2026-07-28 with it, MUST be withheld.
	ResultTwin bool
	// IsError is true if result.isError is true.
	IsError bool
	// TaskID is the decoded id of the task that a result announces: result.taskId
	// with resultType "task", or result.task.taskId (revision 2025-11-25).
	TaskID string
	// InputRequests are what a result of any kind asks for in inputRequests or
	// task.inputRequests, a notification in params.inputRequests (tasks extension),
	// and an error in data.elicitations (URLElicitationRequired, revision
	// 2025-11-25), each of whose entries is the params of an elicitation/create; in
	// the order of the message.
	InputRequests []InputRequest
}

// InputRequest is one entry of inputRequests (revision 2026-07-28) or of
// error.data.elicitations: a request of the server that travels inside another
// message. It was read as strictly as a request.
type InputRequest struct {
	// Key is the decoded key under which the client answers; "" in an error.
	Key    string
	Method string
	// Params is nil if absent, else an object; a subslice of the message.
	Params []byte
	// ElicitationMode is as in Message; in an error it is "url" if absent.
	ElicitationMode string
}

// Offset returns where sub, one of the message's subslices, lies in Raw. It is
// false for an empty slice and for a slice of something else.
func (m *Message) Offset(sub []byte) (start, end int, ok bool) {
	if len(sub) == 0 || len(m.Raw) == 0 {
		return 0, 0, false
	}
	base, at := reflect.ValueOf(&m.Raw[0]).Pointer(), reflect.ValueOf(&sub[0]).Pointer()
	if at < base || at-base > uintptr(len(m.Raw)-len(sub)) || len(sub) > len(m.Raw) {
		return 0, 0, false
	}
	start = int(at - base)
	return start, start + len(sub), true
}

// WithID returns Raw with the id replaced by id, which MUST be a JSON string or
// number. It returns a copy of Raw if the message has no id.
func (m *Message) WithID(id []byte) []byte {
	start, end, ok := m.Offset(m.ID)
	if !ok {
		return append([]byte(nil), m.Raw...)
	}
	out := make([]byte, 0, len(m.Raw)-(end-start)+len(id))
	out = append(out, m.Raw[:start]...)
	out = append(out, id...)
	return append(out, m.Raw[end:]...)
}
