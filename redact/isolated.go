package redact

import (
	"strings"

	"github.com/ostiary/ostiary/redact/scan"
)

// isolated reports whether nothing else comes to light where secrets of a long text, in
// which l was seen, are replaced: nothing near them is encoded or hidden, so that it stands
// alike in whatever becomes of the text, and what is near them then is no secret. Near is
// as far as anything in the text was seen to hang together.
func (p *pass) isolated(text string, l look, found []secret) bool {
	near := p.longest + 2*scan.Reach
	if 4*near*len(found) > len(text) || l&lookEscaped != 0 || opensJSON(text) {
		return false
	}
	for _, s := range found {
		if text[s.start:s.end] != s.plain {
			return false
		}
		from, to := max(0, s.start-near), min(len(text), s.end+near)
		if lookAt(text[from:to], false) != 0 || strings.Contains(text[from:to], markerBegins) {
			return false
		}
		mark := len(p.arena)
		p.reserve(to - from + len(s.rule) + len(markerBegins))
		rest := p.decoded(masked(p.arena, text[from:to], []secret{{s.start - from, s.end - from, s.rule, s.plain}}), len(p.arena))
		other := p.within(nil, rest, 0, true, maxViews)
		p.drop(mark)
		if len(other) > 0 {
			return false
		}
	}
	return true
}
