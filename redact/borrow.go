package redact

import (
	"strings"
	"unsafe"
)

// borrow reads bytes as a string without copying them. They must not change while
// the string is in use: it is for texts that a filter looks at and lets go.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// lend reads a string as bytes, which nobody may change.
func lend(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// uncleared is an empty slice with room for n bytes, at least one, that are not cleared
// before they are written.
func uncleared(n int) []byte {
	var b strings.Builder
	b.Grow(n)
	b.WriteByte(0) // an empty string need not have a place
	return unsafe.Slice(unsafe.StringData(b.String()), b.Cap())[:0]
}
