package redact

import (
	"cmp"
	"slices"
	"strings"
)

const markerBegins = "[REDACTED:"

// markerAt is how long the marker is that s begins with, one of a rule that there
// is; else 0. Other text that looks like one hides nothing.
func (f *Filter) markerAt(s string) int {
	if !strings.HasPrefix(s, markerBegins) {
		return 0
	}
	name := s[len(markerBegins):]
	n := strings.IndexByte(name[:min(len(name), maxRuleName)], ']')
	if n < 0 || !f.marks[name[:n]] {
		return 0
	}
	return len(markerBegins) + n + 1
}

// maxRuleName bounds how far the end of a marker is looked for.
const maxRuleName = 128

// outsideMarkers drops what was found in the markers of text, and extends over a
// whole marker what begins or ends within one.
func (f *Filter) outsideMarkers(text string, found []secret) []secret {
	if len(found) == 0 || !strings.Contains(text, markerBegins) {
		return found
	}
	var marks []span
	for i := 0; ; {
		n := strings.Index(text[i:], markerBegins)
		if n < 0 {
			break
		}
		i += n
		size := f.markerAt(text[i:])
		if size > 0 {
			marks = append(marks, span{start: i, end: i + size})
		}
		i += max(size, len(markerBegins))
	}
	kept := found[:0]
	for _, p := range found {
		at, _ := slices.BinarySearchFunc(marks, p.start, func(m span, start int) int { return cmp.Compare(m.end, start+1) })
		other := p.start
		for ; at < len(marks) && marks[at].start < p.end; at++ {
			m := marks[at]
			if m.start > other && worth(text[other:m.start]) {
				other = -1
				break
			}
			other = max(other, m.end)
		}
		switch {
		case other < 0 || other < p.end && worth(text[other:p.end]):
			kept = append(kept, whole(p, marks))
		}
	}
	return kept
}

// worth reports whether there is a letter or a digit: what stands between markers
// without one is no secret.
func worth(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 || isLetter(byte(r)) || isDigit(byte(r)) })
}

// whole is a secret that cuts no marker.
func whole(p secret, marks []span) secret {
	for _, m := range marks {
		if m.start < p.start && p.start < m.end {
			p.start = m.start
		}
		if m.start < p.end && p.end < m.end {
			p.end = m.end
		}
	}
	return p
}

// joined are secrets in their order, those that overlap as one with the rule of the
// first.
func joined(found []secret) []secret {
	if len(found) < 2 {
		return found
	}
	inOrder(found)
	out := found[:1]
	for _, p := range found[1:] {
		if last := &out[len(out)-1]; p.start < last.end {
			last.end = max(last.end, p.end)
			continue
		}
		out = append(out, p)
	}
	return out
}

func inOrder(found []secret) {
	slices.SortStableFunc(found, func(a, b secret) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end)) })
}

// masked is s with the marker of each secret in its place. They are joined.
func masked(dst []byte, s string, found []secret) []byte {
	done := 0
	for _, p := range found {
		dst = append(append(append(append(dst, s[done:p.start]...), markerBegins...), p.rule...), ']')
		done = p.end
	}
	return append(dst, s[done:]...)
}
