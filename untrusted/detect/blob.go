package detect

import (
	"encoding/base64"
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
		if spaced(load64(text, i)) || spaced(load64(text, i+8)) {
			continue
		}
		if !blobByte[text[i]] {
			continue
		}
		from, to := i, i
		for from > 0 && blobByte[text[from-1]] {
			from--
		}
		for to < len(text) && blobByte[text[to]] {
			to++
		}
		if to-from >= blobLeast {
			s.blob(v, from, to)
		}
		i = max(i, to&^(blobStep-1))
	}
}

// spaced reports whether one of eight bytes is a space or lies below.
func spaced(w uint64) bool {
	const ones = 0x0101010101010101
	return (w-ones*0x21)&^w&highBits != 0
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
	for ; from+blobLeast <= to; from += blobMost {
		run := v.text[from:min(to, from+blobMost)]
		plain := s.decode(run)
		if !readable(plain) {
			continue
		}
		inner := s.d.scan()
		inner.begin(s.d, s.upstream, s.as)
		inner.inside = true
		inner.text(string(plain), 0)
		for r, seen := range inner.last {
			if seen != 0 {
				s.hit(ruleID(r), v, from, from+len(run))
			}
		}
		if inner.score > 0 {
			s.hit(ruleEncoded, v, from, from+len(run))
		}
		inner.end()
		s.d.room.Put(inner)
	}
}

// decode takes hex for hex and everything else for base64. What it returns holds
// until the next call.
func (s *scan) decode(run string) []byte {
	s.encoded = append(s.encoded[:0], strings.TrimPrefix(run, "0x")...)
	s.decoded = slices.Grow(s.decoded[:0], len(run))[:len(run)]
	raw := s.encoded
	if n, err := hex.Decode(s.decoded, raw[:len(raw)&^1]); err == nil {
		return s.decoded[:n]
	}
	raw = s.encoded[:len(s.encoded)&^3]
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if n, err := e.Decode(s.decoded, raw); err == nil {
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
