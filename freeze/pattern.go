package freeze

import "strings"

// pattern is an upstream's name and a tool's, split at the first slash, in which *
// stands for any text, the empty one included; as package policy reads rules.
type pattern struct{ upstream, tool glob }

func newPattern(s string) pattern {
	up, tool, _ := strings.Cut(s, "/")
	return pattern{strings.Split(up, "*"), strings.Split(tool, "*")}
}

func (p pattern) match(upstream, tool string) bool {
	return p.tool.match(tool) && p.upstream.match(upstream)
}

// glob is the literal texts between the stars; one text means no star.
type glob []string

func (g glob) exact() bool { return len(g) == 1 }

// match takes time linear in s for every part, because the leftmost place of a
// part is always good enough.
func (g glob) match(s string) bool {
	first, last := g[0], g[len(g)-1]
	if g.exact() {
		return s == first
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range g[1 : len(g)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}
