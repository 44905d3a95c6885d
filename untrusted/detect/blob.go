package detect

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

const (
	blobLeast = 48      // characters; shorter ones hold no sentence
	blobStep  = 32      // every run of blobLeast has half a step without a space at a step's beginning
	blobMost  = 4 << 10 // characters that are decoded of one blob at once
)

// blobs finds what is written in base64 or in hex and is a text, and reads that.
// Only one layer is taken off.
func (s *scan) blobs(v *view) {
	text := v.text
	for i := 0; i+blobStep/2 <= len(text); i += blobStep {
		if b := text[i : i+blobStep/2]; spaced(binary.LittleEndian.Uint64(b))|spaced(binary.LittleEndian.Uint64(b[8:])) != 0 || !blobBytes(b) {
			continue
		}
		from, to := i, i
		for from > 0 && blobByte[text[from-1]] {
			from--
		}
		for line := from; to < len(text); to++ {
			if blobByte[text[to]] {
				continue
			}
			next := to + 1
			if text[to] == '\r' && next < len(text) && text[next] == '\n' {
				next++
			} else if text[to] != '\n' {
				break
			}
			if to-line < blobLeast || !goesOn(text, next) { // it is not wrapped
				break
			}
			line, to = next, next
		}
		if to-from >= blobLeast {
			s.blob(v, from, to)
		}
		i = max(i, to&^(blobStep-1))
	}
}

// goesOn reports whether the line at i is one more of a wrapped run: letters of
// base64 to its end, or many.
func goesOn(text []byte, i int) bool {
	from := i
	for i < len(text) && i-from < blobLeast && blobByte[text[i]] {
		i++
	}
	return i > from && (i == len(text) || i-from == blobLeast || strings.IndexByte("=\r\n", text[i]) >= 0)
}

// spaced is not 0 if one of eight bytes is a space or lies below, or may if one is
// beyond ASCII.
func spaced(w uint64) uint64 {
	const ones = 0x0101010101010101
	return (w - ones*0x21) & highBits
}

// blobBytes reports whether all are letters of base64.
func blobBytes(b []byte) bool {
	for _, c := range b {
		if !blobByte[c] {
			return false
		}
	}
	return true
}

// blobByte are the letters of base64 in its two alphabets. It is never written to.
var blobByte = func() (table [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_" {
		table[c] = true
	}
	return table
}()

// blob decodes a run of such letters piece by piece and reads what is text.
func (s *scan) blob(v *view, from, to int) {
	s.encoded = s.encoded[:0]
	for _, c := range bytes.TrimPrefix(v.text[from:to], []byte("0x")) {
		if c != '\n' && c != '\r' {
			s.encoded = append(s.encoded, c)
		}
	}
	for run := s.encoded; len(run) >= blobLeast; run = run[min(len(run), blobMost):] {
		part := run[:min(len(run), blobMost)]
		plain := s.decode(part)
		// What goes on from the piece before may begin anywhere in a group of four.
		for shift := 1; shift < 4 && from == 0 && v.base > 0 && !readable(plain); shift++ {
			plain = s.decode(part[shift:])
		}
		if readable(plain) {
			s.within(plain, v, from, to)
		}
	}
}

// decode takes hex for hex and everything else for base64. What it returns holds
// until the next call.
func (s *scan) decode(run []byte) []byte {
	s.decoded = slices.Grow(s.decoded[:0], len(run))[:len(run)]
	if n, err := hex.Decode(s.decoded, run[:len(run)&^1]); err == nil {
		return s.decoded[:n]
	}
	run = run[:len(run)&^3]
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if n, err := e.Decode(s.decoded, run); err == nil {
			return s.decoded[:n]
		}
	}
	return nil
}

// readable reports whether nearly all of b is what a text in ASCII is made of.
func readable(b []byte) bool {
	odd, spaces := 0, 0
	for _, c := range b {
		if c == ' ' {
			spaces++
		} else if (c < ' ' || c > '~') && c != '\n' && c != '\t' && c != '\r' {
			odd++
		}
	}
	return len(b) >= 24 && odd*20 <= len(b) && spaces >= 2
}
