package swar

import (
	"encoding/binary"
	"testing"
)

// Each byte, in each place among others.
func TestOdd(t *testing.T) {
	for _, around := range []byte{' ', '\n', '\t', 'x', '~', 0, 0x7f, 0xff} {
		for at := range 8 {
			for c := range 256 {
				b := [8]byte{around, around, around, around, around, around, around, around}
				b[at] = byte(c)
				found := Odd(binary.LittleEndian.Uint64(b[:]))
				for i, c := range b {
					want := c >= 0x7f || c < ' ' && c != '\n' && c != '\t'
					if got := found>>(8*i)&0x80 != 0; got != want {
						t.Fatalf("% x, byte %d: %t", b, i, got)
					}
				}
				want := len(b)
				for i := len(b) - 1; i >= 0; i-- {
					if found>>(8*i)&0x80 != 0 {
						want = i
					}
				}
				for _, behind := range []string{"", "abc"} {
					if got := NextOdd("plain"+string(b[:])+behind, 3); got != len("plain")+want && (want < len(b) || got != len("plain")+len(b)+len(behind)) {
						t.Fatalf("% x%s: first at %d", b, behind, got)
					}
				}
				if found&^uint64(Highs) != 0 {
					t.Fatalf("% x: %x", b, found)
				}
			}
		}
	}
}
