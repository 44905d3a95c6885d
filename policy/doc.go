// Package policy decides which row of the configuration speaks for a target and
// what it says: deny rows, scopes, conditions, effects, and who is asked.
//
// The threat: an agent that was talked into something, and an upstream that
// describes its own tools as more harmless than they are. The promise: exactly
// one row speaks for a target, the most specific one; deny rows are looked at
// first and always win; what no row mentions is as careful as the tool's own
// description allows, and never more; whatever cannot be judged (an unknown
// tool, a row that does not compile, a condition that fails) is denied. Rows
// that contradict each other or can never speak are errors when they are loaded.
//
// What it does not stop: a tool that does something else than its name,
// description and schema say and that a row or its own annotation calls a read;
// what an allowed call does with its arguments inside the upstream (typed
// validators, package validate, narrow that). Nothing here reads results.
//
// A Policy is made once from rows (New) and compiled against each upstream's
// catalog (Policy.Compile); the Book that comes out answers with one map lookup
// a call. All types are safe for use by many goroutines.
package policy
