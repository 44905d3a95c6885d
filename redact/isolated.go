package redact

import (
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary/redact/scan"
)

// isolated reports whether nothing else comes to light where secrets of a long text, in
// which l was seen, are replaced: nothing near them is encoded or hidden, so that it stands
// alike in whatever becomes of the text, and what is near them then is no secret. Near is
// as far as anything in the text was seen to hang together.
func (p *pass) isolated(text string, l look, found []secret) bool {
	near := p.longest + 2*scan.Reach
	if 4*near*len(found) > len(text) || l&lookEscaped != 0 || !opensPlain(text[:found[0].start]) {
		return false
	}
	for _, s := range found {
		if text[s.start:s.end] != s.plain || !p.alone(text, l, s, near) {
			return false
		}
	}
	return true
}

// alone reports whether nothing else comes to light near one of them.
func (p *pass) alone(text string, l look, s secret, near int) bool {
	from, to := max(0, s.start-near), min(len(text), s.end+near)
	around := text[from:to]
	if lookAt(around, false) != 0 || strings.Contains(around, markerBegins) || inForm(text, from, to) ||
		from > 0 && !endsBlock(text[from:s.start]) || to < len(text) && !endsBlock(text[s.end:to]) {
		return false
	}
	within := look(0)
	if l != 0 && strings.IndexByte(around, '\\') >= 0 { // a line end, where escapes are undone
		if within = lookNested; strings.Contains(around, `\\`) {
			return false
		}
	}
	mark := len(p.arena)
	p.reserve(len(around) + len(s.rule) + len(markerBegins))
	rest := p.decoded(masked(p.arena, around, []secret{{s.start - from, s.end - from, s.rule, s.plain}}), len(p.arena))
	other := p.within(nil, rest, within, true, maxViews)
	p.drop(mark)
	return len(other) == 0
}

// endsBlock reports whether no block of base64 goes on over a text: it would be decoded
// otherwise when a secret at its edge is gone, as far away as it begins or ends.
func endsBlock(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf || !goesOn(byte(r)) })
}

// inForm reports whether plus signs in text[from:to], where nothing is encoded, may be the
// blanks of a form that goes on outside of it.
func inForm(text string, from, to int) bool {
	begin, end := from, to
	for begin < to && from > 0 && !endsForm(text[begin]) {
		begin++
	}
	for end > begin && to < len(text) && !endsForm(text[end-1]) {
		end--
	}
	return strings.IndexByte(text[from:begin], '+') >= 0 || strings.IndexByte(text[end:to], '+') >= 0
}

// opensPlain reports whether what stands before the first secret of a text opens with a
// character that nothing makes another one of, so that the text opens like JSON in no way in
// which it is read: neither as it is nor with a marker in the place of the secret. Then no
// key and no name in it makes a secret of what stands far away.
func opensPlain(before string) bool {
	before = strings.TrimLeft(before, blanks)
	r, _ := utf8.DecodeRuneInString(before)
	return before != "" && r != utf8.RuneError && !isHidden(r) && strings.IndexByte(`{[%\+`, before[0]) < 0
}
