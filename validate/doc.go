// Package validate judges the arguments of a call, one place at a time.
//
// Threat: the agent was talked into an argument that leaves its purpose: a path
// out of the workspace, a second SQL statement, a host nobody listed, a number
// that no person meant.
//
// Promise: every validator is attached to one place (a JSON pointer), is
// compiled once against the tool's own schema, and denies whatever it does not
// understand. A place that is absent denies unless it is optional; a value of
// another type denies; a tool whose schema cannot be used denies, and says so.
// Values are compared without loss, so 9007199254740993 is not 9007199254740992.
// Messages name the place and what to change and never repeat a value.
//
// What it does not stop. In front of an upstream these validators check a NAME
// at the time of the call, and again after the call waited, and the upstream opens
// it later: what lies behind a path can be exchanged in between, a host name can resolve to any address, and
// the upstream may read an argument in a way of its own. Only the sandbox and
// the built-in tools confine. A recursive tool that is given a directory sees
// what is below it. Hard links to files that are not on a list look like any
// other file.
package validate
