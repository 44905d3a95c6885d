// Package conformance runs the official conformance suite of the protocol against
// a real server, direct and through the door with everything allowed, and compares
// scenario by scenario; for a server over stdio that `ostiary serve` starts too.
// It has only tests.
package conformance
