package redact

import (
	"slices"

	"github.com/ostiary/ostiary/redact/scan"
)

// apart is how far two changes are from each other that are noted as two: a search beside
// them is one anyway if they are closer.
const apart = 1 << 10

// patch says what became of a part of a text: the bytes [from, to) are [at, end) now.
type patch struct{ from, to, at, end int }

// patches are those of a text, in order.
type patches []patch

// note adds one, or makes the last one longer if that is close.
func (p *patches) note(from, to, at, end int) {
	if n := len(*p) - 1; n >= 0 && from-(*p)[n].to < apart {
		(*p)[n].to, (*p)[n].end = to, end
		return
	}
	*p = append(*p, patch{from, to, at, end})
}

// parts are the places of what is new.
func (p patches) parts() []scan.Span {
	all := make([]scan.Span, len(p))
	for i, x := range p {
		all[i] = scan.Span{From: x.at, To: x.end}
	}
	return all
}

// before is the number of patches that begin before a place of the old text.
func (p patches) before(i int) int {
	n, _ := slices.BinarySearchFunc(p, i, func(x patch, i int) int { return x.from - i })
	return n
}

// moved are parts of the old text in places of the new one, each with the whole of every
// patch that it overlaps.
func (p patches) moved(parts []scan.Span) []scan.Span {
	all := make([]scan.Span, 0, len(parts))
	for _, x := range parts {
		y := x
		if n := p.before(x.From + 1); n > 0 {
			if last := p[n-1]; x.From < last.to {
				y.From = last.at
			} else {
				y.From += last.end - last.to
			}
		}
		if n := p.before(x.To); n > 0 {
			if last := p[n-1]; x.To < last.to {
				y.To = last.end
			} else {
				y.To += last.end - last.to
			}
		}
		if n := len(all) - 1; n >= 0 && y.From < all[n].To { // they share a patch
			all[n].To = max(all[n].To, y.To)
			continue
		}
		all = append(all, y)
	}
	return all
}

// carried is the trace of the old text in places of the new one. Hits within patches are
// left out: the patches are searched.
func (p patches) carried(t scan.Trace) scan.Trace {
	if !t.Words {
		return scan.Trace{Noted: p.moved(t.Noted)}
	}
	hits, n := make([]int, 0, len(t.Hits)), 0
	for _, at := range t.Hits {
		for n < len(p) && p[n].to <= at {
			n++
		}
		switch {
		case n < len(p) && p[n].from < at:
		case n > 0:
			hits = append(hits, at+p[n-1].end-p[n-1].to)
		default:
			hits = append(hits, at)
		}
	}
	return scan.Trace{Noted: p.moved(t.Noted), Words: true, Hits: hits}
}
