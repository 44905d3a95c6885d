package wire

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes at once: the lowest and the highest bit of each.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Plain goes over the inside of a JSON string from i on, and returns the place of the
// first byte that is no character that stands for itself: a quote, a backslash, or what is
// below a space (RFC 8259, section 7); len(b) if there is none.
func Plain(b []byte, i int) int {
	for ; i+32 <= len(b); i += 32 {
		p := b[i : i+32]
		if marked(binary.LittleEndian.Uint64(p))|marked(binary.LittleEndian.Uint64(p[8:]))|
			marked(binary.LittleEndian.Uint64(p[16:]))|marked(binary.LittleEndian.Uint64(p[24:])) != 0 {
			break
		}
	}
	for ; i+8 <= len(b); i += 8 {
		if m := marked(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8 // the first is one
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// marked has the highest bit set of each of eight bytes that is below a space, a quote or a
// backslash. With its second bit turned over a quote is a space, and what is below stays so.
func marked(w uint64) uint64 {
	low, back := (w^0x02*ones)-0x21*ones, (w^'\\'*ones)-ones
	return (low | back) &^ w & highs
}
