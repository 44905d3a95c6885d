package redact

import (
	"cmp"
	"slices"
	"strings"
)

// span is a part of a text that a rule replaces.
type span struct {
	start, end int
	rule       string
}

// merge sorts spans and joins those that overlap; the name of a known secret
// wins over that of a shape.
func merge(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	out := spans[:1]
	for _, s := range spans[1:] {
		last := &out[len(out)-1]
		if s.start >= last.end {
			out = append(out, s)
			continue
		}
		last.end = max(last.end, s.end)
		if s.rule == ruleKnown {
			last.rule = ruleKnown
		}
	}
	return out
}

// replace puts the marker of each span in its place. Spans are merged.
func replace(s string, spans []span) string {
	var b strings.Builder
	done := 0
	for _, p := range spans {
		b.WriteString(s[done:p.start])
		b.WriteString(marker(p.rule))
		done = p.end
	}
	b.WriteString(s[done:])
	return b.String()
}
