// Package grant holds capabilities that expire: a person says once, with a
// reason, that a principal may call some tools without being asked, for some
// minutes and some uses.
//
// # Threat
//
// A person who is asked too often says yes to everything. A capability that
// never ends is found by an injected instruction weeks later. One that is good
// for more than was meant carries a delete where a read was granted. Two doors
// use the same single-use capability at once. A token is read from the store or
// the log, stolen from another session, or guessed.
//
// # Promise
//
// A grant answers only what a rule asks of a person; deny rows, scopes,
// conditions, validators and limits hold all the same. It names one principal,
// tools by a pattern, and if wanted a session, a condition over the arguments and
// a number of uses; it lives for five minutes unless a person and the rule say
// otherwise, one minute where the effect is execute. A use is taken in one
// transaction together with the call's intent, so that of all processes exactly
// one gets the last; a call that is refused takes none. A child is never wider
// than its parent and ends with it. Nothing that travels inside a call makes,
// widens or lengthens a grant. Every change is in the evidence before it is done.
//
// A grant is held by the gateway, so that the model never sees it, or is a token
// of 256 random bits that is shown once, kept as a hash and logged as a short
// digest. A token that is unknown and one that is somebody else's get the same
// answer, and whoever tries many is stopped and reported.
//
// # What it does not stop
//
// A process of the same user can write a grant into the store; see "Custody" in
// the README. Whoever holds a token and acts as its principal in its session can
// use it. A revocation stops calls that have not begun; one that runs goes on
// (see package freeze). A clock that is set back makes a grant live longer, and
// one from before its creation not at all. Of two calls at once for the last
// use, one is refused with grant_used instead of asking a person.
package grant
