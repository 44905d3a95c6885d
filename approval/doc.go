// Package approval lets a person decide about single calls, outside of the
// agent's reach and about exactly the bytes that will run.
//
// # Threat
//
// A model that was talked into a destructive call makes it. It approves its own
// call with an argument, a forged answer of a dialog, or a repeated one. It has a
// harmless call approved and makes another. The tool, the policy or the file
// changes between the answer and the run. One approval lets two calls pass, or
// one call pass after a crash and again. The text of a card deceives the person
// by control characters, look-alike names or megabytes.
//
// # Promise
//
// A request is a durable record that names the principal, the upstream, the
// method, the target and the bytes of the arguments; any other byte is another
// request. It is void once the definition, the policy, the effect or what the
// preview was made from has changed. One approval lets one call pass, within its
// time, whatever number of processes try, and also after a restart: the change
// from approved to used is one transaction, committed before the call runs. Only
// a [Desk] decides, and, where the rule lets it, the client's own dialog, whose
// answer must come with a state that the gate sealed for this call and that
// counts once. Decisions are in the evidence before they count. Everything from
// outside is shown with what is unusual made visible. What fails denies.
//
// # What it does not stop
//
// A person who approves what they did not read. A client that answers its own
// dialog without asking anybody; so that channel counts for writes only, unless a
// rule names it. A process of the same user that writes the store; see "Custody"
// in the README. A target that changes in the moment between the last look at it
// and the run. The call's _meta is sent as it is and not part of what was
// approved.
package approval
