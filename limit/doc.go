// Package limit bounds what a call may use before anybody spends work on it:
// how often requests come from an address (peers) and calls from a principal (rates),
// how many run at once (concurrency), and how both compare with what is usual
// (anomalies).
//
// Threat: an agent in a loop, or one that was talked into a flood, that calls
// tools faster than a person would ever want, spends somebody's money, fills the
// evidence or starves the other principals of a shared door.
//
// Promise: a call passes only if every limit that speaks for it has room; then
// it counts against all of them. A refused call counts against none, and is told
// exactly how long to wait: after that long it passes, one nanosecond earlier it
// does not, as long as nothing else was called meanwhile. Under races the limits
// err to the strict side. Time is monotonic, so that setting the clock of the
// machine changes nothing. Memory grows with principals times known tools, never
// with names that a client makes up, and falls again when calls stop.
//
// What it does not stop: limits hold for one process. They are not yet shared
// through package store, so two doors on one machine have a limit each, and a
// restart begins anew. A call that a later gate refuses has counted. Size is
// bounded by package wire, the time of a run by the line. Nothing here tells a
// good call from a bad one.
package limit
