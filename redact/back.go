package redact

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary/redact/scan"
)

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
	backIn(s, found, v, []scan.Span{{From: 0, To: len(s)}})
}

// backIn does so where the view was undone in no other parts of s.
func backIn(s string, found []secret, v view, parts []scan.Span) {
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
		for len(parts) > 0 && parts[0].To <= i {
			parts = parts[1:]
		}
		n := len(s) - i
		if len(parts) > 0 {
			if n = parts[0].From - i; n <= 0 {
				n = v.plain(s[i:])
			}
		}
		if n > 0 { // which stands for itself
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
