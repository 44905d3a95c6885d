package scan

import (
	"cmp"
	"slices"
)

const (
	// usual is how far behind a word is read for it, unless that is noted.
	usual = 64
	// Reach is how far a change of the text can be felt at each side, unless more is
	// noted in a [Trace]: what is read for a word, before it and behind, and the line of a
	// match. In bytes.
	Reach = 512
)

// note tells that what is found for words that end in s[from:to] hangs together, and
// may hang on every byte of it.
func (f *finder) note(from, to int) {
	from, to = max(0, from), min(len(f.m.s), to)
	f.most = max(f.most, to)
	if n := len(f.far) - 1; n >= 0 && f.far[n].From <= from && from <= f.far[n].To {
		f.far[n].To = max(f.far[n].To, to)
		return
	}
	f.far = append(f.far, Span{from, to})
}

// beside finds what find would find in text, as far as it can be something else than
// in one that has other bytes in the places of changed. noted are the notes of the
// search of that one, in places of this one. All spans are in order, none overlap.
//
// What it leaves out would go as it did: a search that goes on where nothing was noted
// across does not depend on what it did before.
func (f *finder) beside(text string, changed, noted []Span) []match {
	f.begin(text)
	for n := 0; n < len(changed); {
		low := max(0, changed[n].From-Reach)
		if x, ok := across(noted, low); ok {
			low = x.From
		}
		at := low
		for high := max(low, changed[n].From-Reach); ; at = high {
			for ; n < len(changed) && changed[n].From-Reach <= high; n++ {
				high = max(high, changed[n].To+Reach)
			}
			high = min(max(high, f.goesOn(noted, at)), len(text))
			if at == high && at > low {
				break
			}
			f.walk(at, high)
		}
		f.closeWindows()
		clear(f.until)
		clear(f.open)
		if f.e.personal != nil {
			f.e.personal.find(f, low, at)
		}
	}
	return f.found
}

// goesOn is how far a search must go on that came to at.
func (f *finder) goesOn(noted []Span, at int) int {
	to := max(at, f.most)
	if x, ok := across(noted, at); ok {
		to = max(to, x.To)
	}
	if !f.begun { // what is open is of another text
		return to
	}
	for i, o := range f.open {
		if o.To > 0 {
			to = max(to, o.To+f.e.slow[i].reach)
		}
	}
	return to
}

// across is the span that a place stands within.
func across(spans []Span, at int) (Span, bool) {
	n, _ := slices.BinarySearchFunc(spans, at, func(x Span, at int) int { return cmp.Compare(x.To, at+1) })
	if n < len(spans) && spans[n].From < at {
		return spans[n], true
	}
	return Span{}, false
}

// Union are spans in order, those that overlap as one. It uses the room of spans.
func Union(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	all := spans[:0]
	for _, x := range spans {
		if n := len(all) - 1; n >= 0 && x.From < all[n].To {
			all[n].To = max(all[n].To, x.To)
			continue
		}
		all = append(all, x)
	}
	return all
}
