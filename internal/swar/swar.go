// Package swar looks at eight bytes at once within a register (SIMD within a register).
//
// It promises nothing of its own; who looks for what hides goes by it where nothing can.
package swar

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// The lowest and the highest bit of each byte.
const (
	Ones  = 0x0101010101010101
	Highs = Ones << 7
)

// Odd marks those of eight bytes that are no printable ASCII, line end or tab, each by its
// highest bit. It is exact.
func Odd(w uint64) uint64 {
	low := w &^ Highs
	tabOn, behindEnd, printed := low+(0x80-'\t')*Ones, low+(0x80-'\n'-1)*Ones, low+(0x80-' ')*Ones
	return (w | (low + Ones) | ^printed&(^tabOn|behindEnd)) & Highs
}

// NextOdd is the first place in s, from i on, of a byte that is no printable ASCII, line
// end or tab; len(s) if there is none.
func NextOdd(s string, i int) int {
	raw := unsafe.Slice(unsafe.StringData(s), len(s)) // only read
	for ; i+8 <= len(raw); i += 8 {
		if found := Odd(binary.LittleEndian.Uint64(raw[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\t' && c != '\n' {
			break
		}
	}
	return i
}
