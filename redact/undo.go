package redact

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// secret is something that was found: the bytes of a text that hold it, and what it
// is when everything is decoded.
type secret struct {
	start, end int
	rule       string
	plain      string // borrowed
}

// undo appends s without the encoding of a view.
func (v view) undo(dst []byte, s string) []byte {
	dst = slices.Grow(dst, len(s))
	for len(s) > 0 {
		n := strings.IndexByte(s, v.mark)
		if n < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:n]...)
		var used int
		dst, used = v.decode(dst, s[n:])
		s = s[n+used:]
	}
	return dst
}

// visible appends s without what is hidden in it. What can be seen is passed over eight
// bytes at once where it is ASCII.
func visible(dst []byte, s string) []byte {
	dst = slices.Grow(dst, len(s))
	from := 0
	for i := 0; i < len(s); {
		if i+8 <= len(s) {
			w := binary.LittleEndian.Uint64(lend(s[i:]))
			del := w ^ 0x7f*ones
			found := (w | (w-' '*ones)&^w | (del-ones)&^del) & highs
			if found == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(found) / 8 // the first that is found is one
		}
		if n := hiddenAt(s, i); n > 0 {
			dst = append(dst, s[from:i]...)
			i += n
			from = i
			continue
		}
		i++
	}
	return append(dst, s[from:]...)
}

// spaced appends s with a blank for each plus sign.
func spaced(dst []byte, s string) []byte {
	n := len(dst)
	dst = append(dst, s...)
	for i := n; i < len(dst); i++ {
		if dst[i] == '+' {
			dst[i] = ' '
		}
	}
	return dst
}

// plain is how much of the beginning of s stands for itself.
func (v view) plain(s string) int {
	if v.mark == 0 {
		return 0
	}
	if n := strings.IndexByte(s, v.mark); n >= 0 {
		return n
	}
	return len(s)
}

// edge is one end of a secret.
type edge struct {
	at  *int
	end bool
}

// back moves secrets of the decoded text to the places in s that they come from. v is
// the view that was undone; without a mark every byte may stand for something else.
func back(s string, found []secret, v view) {
	if len(found) == 0 {
		return
	}
	edges := make([]edge, 0, 2*len(found))
	for i := range found {
		edges = append(edges, edge{&found[i].start, false}, edge{&found[i].end, true})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if *a.at == *b.at && a.end != b.end { // what ends here does so before the next piece
			if a.end {
				return -1
			}
			return 1
		}
		return *a.at - *b.at
	})
	var buf [4 * utf8.UTFMax]byte
	at := 0 // in the decoded text
	for i := 0; i < len(s) && len(edges) > 0; {
		if n := v.plain(s[i:]); n > 0 { // which stands for itself
			for len(edges) > 0 && (*edges[0].at < at+n || edges[0].end && *edges[0].at == at+n) {
				*edges[0].at += i - at
				edges = edges[1:]
			}
			at, i = at+n, i+n
			continue
		}
		piece, used := v.decode(buf[:0], s[i:])
		next := at + len(piece)
		for len(edges) > 0 && (*edges[0].at < next || edges[0].end && *edges[0].at == next) {
			if edges[0].end {
				*edges[0].at = i + used
			} else {
				*edges[0].at = i
			}
			edges = edges[1:]
		}
		at, i = next, i+used
	}
	for _, e := range edges {
		*e.at = len(s)
	}
}
