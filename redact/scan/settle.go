package scan

import (
	"cmp"
	"slices"
	"unsafe"
)

// maxRounds bounds how often a text is looked at again.
const maxRounds = 4

// settle appends the secrets in text, so that nothing is found any more once they
// are replaced: what stands beside one may have an edge then that it did not have,
// and become a secret by that. It is found too.
func (f *finder) settle(dst []Finding, text string) []Finding {
	return f.settled(dst, text, f.find(text), nil)
}

// settled does so with what was found first. noted are notes of what was searched before;
// those of this search may be among them.
func (f *finder) settled(dst []Finding, text string, found []match, noted []Span) []Finding {
	f.keeps = false // hits are told of the text as it stands, and of no other
	if len(found) == 0 {
		return dst
	}
	f.merged = merge(f.merged[:0], found)
	noted = Union(slices.Concat(noted, f.far))
	fresh := f.merged
	for range maxRounds {
		replaced, parts := f.replaced(text)
		before := len(f.merged)
		for _, m := range f.beside(replaced, markers(parts, fresh), moved(parts, noted)) {
			if start, end, ok := original(parts, m.start, m.end); ok {
				f.merged = append(f.merged, match{m.rule, start, end})
			}
		}
		if len(f.merged) == before {
			break
		}
		old := slices.Clone(f.merged[:before])
		f.merged = merge(nil, f.merged)
		fresh = without(f.merged, old)
		for _, x := range f.far {
			start, end := outside(parts, x.From, x.To)
			noted = append(noted, Span{start, end})
		}
		noted = Union(noted)
	}
	for _, m := range f.merged {
		dst = append(dst, Finding{m.rule.id, m.start, m.end})
	}
	return dst
}

// piece is a part of a replaced text: where it begins there, and where what it
// stands for begins and ends in the original; marker if that was replaced.
type piece struct {
	at, start, end int
	marker         bool
}

// replaced is a text with a marker in place of each match. It holds until it is asked for
// the next one.
func (f *finder) replaced(text string) (string, []piece) {
	b := slices.Grow(f.room[:0], len(text)+32*len(f.merged))
	parts := make([]piece, 0, 2*len(f.merged)+1)
	at := 0
	for _, m := range f.merged {
		parts = append(parts, piece{len(b), at, m.start, false})
		b = append(b, text[at:m.start]...)
		parts = append(parts, piece{len(b), m.start, m.end, true})
		b = append(b, marker(m.rule.id)...)
		at = m.end
	}
	parts = append(parts, piece{len(b), at, len(text), false})
	f.room = append(b, text[at:]...)
	return unsafe.String(unsafe.SliceData(f.room), len(f.room)), parts
}

// original is where what stands at [start, end) of a replaced text came from; false
// if it is nothing but a marker.
func original(parts []piece, start, end int) (int, int, bool) {
	a, b := pieceAt(parts, start), pieceAt(parts, end-1)
	if a == b && parts[a].marker {
		return 0, 0, false
	}
	start, end = outside(parts, start, end)
	return start, end, true
}

// outside is where what stands at [start, end) of a replaced text came from, markers
// as a whole.
func outside(parts []piece, start, end int) (int, int) {
	a, b := pieceAt(parts, start), pieceAt(parts, end-1)
	from, to := parts[a].start, parts[b].end
	if !parts[a].marker {
		from += start - parts[a].at
	}
	if !parts[b].marker {
		to = parts[b].start + end - parts[b].at
	}
	return from, to
}

// moved are spans of the original in places of the replaced text. All are in order.
func moved(parts []piece, spans []Span) []Span {
	all := make([]Span, 0, len(spans))
	place := func(i, end int) int { // of one that begins at or before i
		n, ok := slices.BinarySearchFunc(parts, i, func(p piece, i int) int { return cmp.Compare(p.start, i) })
		for ok && n+1 < len(parts) && parts[n+1].start == i {
			n++
		}
		if !ok {
			n--
		}
		if p := parts[n]; !p.marker {
			return p.at + i - p.start
		}
		return parts[n+end].at // after a marker there is always a piece
	}
	for _, x := range spans {
		all = append(all, Span{place(x.From, 0), place(x.To, 1)})
	}
	return Union(all)
}

// markers are the places of those of matches in the replaced text.
func markers(parts []piece, matches []match) []Span {
	all := make([]Span, 0, len(matches))
	for n, p := range parts {
		if p.marker && len(all) < len(matches) && matches[len(all)].start == p.start {
			all = append(all, Span{p.at, parts[n+1].at})
		}
	}
	return all
}

// without are those of matches that are not among old. Both are in order.
func without(matches, old []match) (left []match) {
	for _, m := range matches {
		for len(old) > 0 && old[0].start < m.start {
			old = old[1:]
		}
		if len(old) == 0 || old[0] != m {
			left = append(left, m)
		}
	}
	return left
}

// pieceAt is the number of the piece that the byte at i belongs to. Pieces that
// are empty stand before the one that is not.
func pieceAt(parts []piece, i int) int {
	n, ok := slices.BinarySearchFunc(parts, i, func(p piece, i int) int { return cmp.Compare(p.at, i) })
	if !ok {
		return n - 1
	}
	for n+1 < len(parts) && parts[n+1].at == i {
		n++
	}
	return n
}

// merge appends matches in their order. Those that overlap become one, with the
// rule that says most.
func merge(dst, found []match) []match {
	slices.SortFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.rule.rank, b.rule.rank), cmp.Compare(b.end, a.end))
	})
	begin := len(dst)
	for _, m := range found {
		if len(dst) > begin && m.start < dst[len(dst)-1].end {
			last := &dst[len(dst)-1]
			last.end = max(last.end, m.end)
			if m.rule.rank < last.rule.rank {
				last.rule = m.rule
			}
			continue
		}
		dst = append(dst, m)
	}
	return dst
}
