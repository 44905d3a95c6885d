// Package idempotency keeps a repeated call from having a second effect. A
// client that did not hear the answer sends the call again with the same key;
// the door answers with what the first one returned.
//
// # Threat
//
// A retry after a time-out, a restart or a lost connection pays twice, deletes
// twice or runs twice. Two doors take the same retry at once. A crash between
// the effect and the note about it makes an effect look like none. Somebody
// else's key, or one key for two different calls, brings the answer of another.
//
// # Promise
//
// A key belongs to one principal, upstream, method and tool. The same call with
// the same key runs once, in whichever process, and its repetitions get the
// result as the agent got it, byte for byte; while the first still runs they
// wait for it. Another call with the same key is an error. The key is reserved
// before the call may run and durably marked as running before it does, so after
// a crash it is known either that nothing ran, and the next call takes the key
// over, or that something may have, and then a person is asked: never are there
// two effects without one. Calls that cannot be repeated safely because their
// answer was lost (time-out, withdrawn, withheld) ask as well. Keys are stored
// and shown as digests only.
//
// # What it does not stop
//
// Nothing is promised for calls without a key, for tasks and questions of the
// upstream (their key is free again), after the time for which results are kept,
// and about what the upstream does by itself with one call. Reads that stay
// inside need no protection, so a key in _meta is ignored there. A tool's answer
// that says "failed" is an answer: repeating the call repeats the answer; who
// wants another try sends a new key. Kept results lie in the store as they were
// sent to the agent; the store is private to its owner, not encrypted.
package idempotency
