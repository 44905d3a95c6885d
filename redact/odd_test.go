package redact

import (
	"encoding/binary"
	"testing"
)

// Each byte, in each place among others.
func TestOddOf(t *testing.T) {
	for _, around := range []byte{' ', '\n', '\t', 'x', '~', 0, 0x7f, 0xff} {
		for at := range 8 {
			for c := range 256 {
				b := [8]byte{around, around, around, around, around, around, around, around}
				b[at] = byte(c)
				found := oddOf(binary.LittleEndian.Uint64(b[:]))
				for i, c := range b {
					want := c >= 0x7f || c < ' ' && c != '\n' && c != '\t'
					if got := found>>(8*i)&0x80 != 0; got != want {
						t.Fatalf("% x, byte %d: %t", b, i, got)
					}
				}
				if found&^highs != 0 {
					t.Fatalf("% x: %x", b, found)
				}
			}
		}
	}
}
