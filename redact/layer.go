package redact

import (
	"cmp"
	"slices"

	"github.com/ostiary/ostiary/redact/scan"
)

// layer is a text that is searched: one as it stands, or what became of it when an
// encoding was undone. Most of that was searched before, and nothing else can be found in
// it than was: a search looks only beside what is new.
type layer struct {
	text  string
	fresh fresh
	veils bool       // something may be hidden where it is not new
	trace scan.Trace // of the search of what it was made of, in places of this text
}

// fresh is what of a layer was not searched before.
type fresh struct {
	whole bool
	parts []scan.Span // if not all of it; in order
}

// apart is how far two changes are from each other that are noted as two: a search beside
// them is one anyway if they are closer.
const apart = 1 << 10

// freshIn are parts of a text, or all of it if a search beside them would hardly be less.
func freshIn(text string, parts []scan.Span) fresh {
	if cover(parts) >= len(text)/2 {
		return fresh{whole: true}
	}
	return fresh{parts: parts}
}

// cover is about how much is searched beside parts.
func cover(parts []scan.Span) (sum int) {
	for _, p := range parts {
		sum += p.To - p.From + apart
	}
	return sum
}

// look is what lookAt would see in the layer that is not in known, which was seen before
// the encoding was undone.
func (t *layer) look(known look) (l look) {
	if t.fresh.whole {
		return lookAt(t.text, false)
	}
	const beside = 12 // bytes: the longest escape
	for _, p := range t.fresh.parts {
		from, to := max(0, p.From-beside), min(len(t.text), p.To+beside)
		if from > 0 && t.text[from-1] == '\\' {
			l |= lookNested // it may be the first of two, or the second
		}
		l |= lookAt(t.text[from:to], false)
	}
	return l | known
}

// hides are the parts of a layer in which something may be hidden.
func (t *layer) hides() []scan.Span {
	if t.fresh.whole || t.veils {
		return []scan.Span{{From: 0, To: len(t.text)}}
	}
	const beside = 4 // bytes: what is new may make a character of others, or an end of line of none
	all := make([]scan.Span, 0, len(t.fresh.parts))
	for _, p := range t.fresh.parts {
		all = append(all, scan.Span{From: max(0, p.From-beside), To: min(len(t.text), p.To+beside)})
	}
	return all
}

// united are parts in order, those that overlap as one.
func united(parts []scan.Span) []scan.Span {
	slices.SortFunc(parts, func(a, b scan.Span) int { return cmp.Compare(a.From, b.From) })
	all := parts[:0]
	for _, x := range parts {
		if n := len(all) - 1; n >= 0 && x.From <= all[n].To {
			all[n].To = max(all[n].To, x.To)
			continue
		}
		all = append(all, x)
	}
	return all
}

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

// moved are parts of the old text in places of the new one: patches of which one has a
// part are in it.
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

// carried is the trace of the old text in places of the new one. What it tells of the
// patches themselves is left out: they are searched.
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
