// Package ostiary holds the words and the line of a doorkeeper for MCP tools.
//
// An LLM agent reads untrusted text, so it can be talked into things. Ostiary
// stands between the agent and its MCP servers and decides, for every message,
// what may go in, what may come out, and what is written down. The same line
// serves every door: `ostiary run` over stdio, and `ostiary serve` over HTTP.
//
// # Life of a call
//
//		 client                                                        upstream
//		   │                                                              ▲
//		   ▼                                                              │
//		1. receive ─ wire.Parse, one strict view ─ *ostiary.Call          │
//		   │                                                              │
//		2. audit.Begin                                                    │
//		   │                                                              │
//		3. gates ─ freeze ─ limit ─ policy ─ validate ─ grant             │
//		   │       ─ idempotency ─ (asks settled by a person)             │
//		   │       deny ends the way in                                   │
//		4. intent durable (sinks) ─ holds committed ──── 5. run, once ────┘
//		   │                                                │
//		7. outcome durable ◀──────── 6. filters ◀────────── answer
//		   │
//		   ▼
//		 client
//
//	 1. Receive. The door reads one message and package wire parses it once.
//	    What two parsers could read differently is refused here. The door makes
//	    one Call: id, principal, session, upstream, class, target, matched Rule,
//	    argument bytes as they will be sent, decoded arguments, digest.
//	 2. Recorder.Begin. Without evidence there is no call.
//	 3. Gates, in order. Each returns a Decision; deny ends the way in. Asks are
//	    collected and settled together at the end, so that a person is asked only
//	    about calls that would otherwise pass; a grant that covers the call settles
//	    them before. What gates reserve is a Hold. After a wait, for a person or
//	    anything else, gates that look at the world are asked once more.
//	 4. Intent. A call with an effect, or one that may leave for the open world,
//	    is not forwarded before its intent is durable. Holds are committed here.
//	 5. Run, once, under the rule's timeout.
//	 6. Filters treat what came back, error results included: redact takes secrets
//	    out and cuts to size, untrusted shows what hides and marks the rest as text
//	    from outside. What a server says by itself passes them too (Line.Treat).
//	 7. Outcome. No result reaches the agent before its outcome is durable.
//
// Refusals, time-outs, panics and malformed bytes leave by the same door: each
// has a record.
//
// # What this package promises
//
// The zero value denies: a zero Decision, a nil Rule, an error in a gate, a
// panic in a gate, a Recorder that fails. What it does not stop: what an
// upstream does with a call that was allowed. See "What it does not claim" in
// the README.
package ostiary
