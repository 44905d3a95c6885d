// Package freeze stops calls at once, by the word of the operator: all of them,
// or those of a principal, a session, a server or a tool.
//
// # Threat
//
// An agent misbehaves now. Changing the policy and starting every door again
// takes too long, and the doors are processes that nobody has a list of. Or a
// freeze that was thought to hold was forgotten by a crash, or lifted by nobody
// knows whom.
//
// # Promise
//
// A [Desk] notes who freezes what and why in the evidence, then writes it to the
// store. Every [Gate] over the same store, in whichever process, refuses what is
// frozen from then on: it asks the store for changes when what it knows is older
// than a quarter of a second, so that a freeze holds everywhere well within a
// second, and it holds across restarts until it is lifted. Space is kept on the
// disk, so that a freeze can be written when somebody has filled it. Where the
// operator said so, calls in flight are ended too, those that wait for a person
// among them. A store that cannot be asked refuses every call that does or reads
// something. Without a freeze a call pays some ten nanoseconds and a place in a
// list.
//
// Frozen are tool calls, resources, prompts, completions, tasks, subscriptions,
// answers, notifications, and what a server asks of the person or the model;
// methods that nobody knows too. Only what keeps the connection passes, so that a
// client stays there and can be told why: handshakes, pings, lists, cancellations.
//
// # What it does not stop
//
// A call that was let in before the freeze was written goes on, unless the freeze
// ends calls in flight or it still waited; so do the notifications of its server
// that no rule is about; one that was ended so may have taken effect already, and a
// server may go on working on it. A freeze of a tool is about calls of that
// tool: tasks that it began are frozen by --upstream or --all. Nothing holds
// for a program that talks to the server past the door. Whoever can write the store
// (a shell as the same user) can lift a freeze without a record.
package freeze
