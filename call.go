package ostiary

import "time"

// Digest is a SHA-256 over a lossless canonical form.
type Digest [32]byte

// Call is one message on its way through the door. It is made once, before the
// first gate; gates and filters read it and none rewrites it. A Call belongs to
// one goroutine at a time.
type Call struct {
	// ID is unique among all calls of a state directory and sorts by time.
	ID string
	// Received is when the door had read the whole message.
	Received  time.Time
	Principal Principal
	// Session is the client process or the verified session, never a name that
	// a client chose.
	Session string
	// Address is where the call comes from over a network, as the door verified
	// it; "" where there is no address.
	Address  string
	Upstream string
	// View is the part of the upstream through which the call came; "" is all of it.
	View string
	// Method is the JSON-RPC method, Class what kind of method it is.
	Method string
	Class  Class
	// Target is the tool's name, the resource's URI or the prompt's name.
	Target string
	// Template is the URI template by which the server offers the resource of a call;
	// "" if it lists none that the URI matches.
	Template string
	// Rule is the one row that speaks for this target; nil denies.
	Rule *Rule
	// Effect is the rule's effect, made stricter by the tool's own annotations.
	Effect Effect
	// Closed is true only where a rule states that the call stays inside.
	Closed bool
	// Arguments are the bytes of the arguments exactly as they will be sent,
	// a subslice of the message; nil if there are none.
	Arguments []byte
	// Args are the decoded arguments: map[string]any, []any, string, bool, nil
	// and json.Number. They are the same value as Arguments.
	Args any
	// Beside is an object of the members that params will have beside the name, the
	// arguments and _meta: answers to the server's questions, its state, a wish for
	// a task, whatever else a client writes; nil if there are none. Requests whose
	// Arguments are all of params have none.
	Beside []byte
	// BesideArgs is Beside decoded as Args is; nil if there is none.
	BesideArgs any
	// Digest identifies the arguments and what stands beside them; equal digests
	// mean equal values, number literals included. Without anything beside them it
	// is the digest of the arguments.
	Digest Digest
	// InputSchema is the tool's own JSON Schema; nil if there is none.
	InputSchema []byte
	// OutputSchema is the JSON Schema that the tool declares for its structured
	// content; nil if there is none.
	OutputSchema []byte
	// Meta are the bytes of params._meta as they will be sent; nil if absent.
	Meta []byte

	// Definition identifies the entry of the tool in the catalog, or where servers are
	// pinned that of the prompt or the Template; zero if it has none.
	Definition Digest
	// Server identifies the program or the peer that the call would reach, as the
	// door found it; zero where nobody pins it.
	Server Digest
	// Token is the capability token that came with the call and was removed from
	// it. It is a secret: no record, message or error holds it.
	Token string
	// Key is the idempotency key in _meta; "" if there is none.
	Key string
	// DryRun says that the arguments ask for the tool's own dry run, for which
	// the rule vouches, and nothing stands beside them. Such a call asks nobody.
	DryRun bool
	// Caller is the door's end; nil where nobody can be reached.
	Caller Caller
}

// IsSink reports whether the call has an effect or may leave for the open world,
// so that its intent must be durable before it is forwarded.
func (c *Call) IsSink() bool { return c.Effect.IsEffect() || !c.Closed }
