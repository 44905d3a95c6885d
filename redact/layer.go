package redact

import "github.com/ostiary/ostiary/redact/scan"

// layer is a text that is searched: one as it stands, or what became of it when an
// encoding was undone. Where it is as before, a search finds what it found before; so what
// is searched again is only what stands beside the changes.
type layer struct {
	text            string
	fresh           fresh
	hiddenElsewhere bool       // something may be hidden also where the text is as before
	trace           scan.Trace // of the search of what it was made of, in places of this text
}

// fresh is what of a layer was not searched before.
type fresh struct {
	whole bool
	parts []scan.Span // if not all of it; in order
}

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

// look is what lookAt would see in the layer, perhaps more: known is what it saw before the
// encoding was undone.
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
	if t.fresh.whole || t.hiddenElsewhere {
		return []scan.Span{{From: 0, To: len(t.text)}}
	}
	const beside = 4 // bytes: what is new may make a character of others, or an end of line of none
	all := make([]scan.Span, 0, len(t.fresh.parts))
	for _, p := range t.fresh.parts {
		all = append(all, scan.Span{From: max(0, p.From-beside), To: min(len(t.text), p.To+beside)})
	}
	return all
}
