package grant

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxPattern is the longest pattern in bytes.
const maxPattern = 1024

// glob is a text in which * stands for any run of characters, the empty one
// included, as in the patterns of rules.
type glob []string // the literal texts between the stars; one means no star

func newGlob(s string) glob { return strings.Split(s, "*") }

func (g glob) match(s string) bool {
	last := len(g) - 1
	if last == 0 {
		return s == g[0]
	}
	if len(s) < len(g[0])+len(g[last]) || !strings.HasPrefix(s, g[0]) || !strings.HasSuffix(s, g[last]) {
		return false
	}
	s = s[len(g[0]) : len(s)-len(g[last])]
	for _, part := range g[1:last] { // the leftmost place is always good enough
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}

// within reports whether h matches everything that g matches: it does if it
// matches g with something in place of each star that no pattern contains.
func (g glob) within(h glob) bool { return h.match(strings.Join(g, "\xff")) }

func (g glob) literal() int {
	n := 0
	for _, part := range g {
		n += len(part)
	}
	return n
}

// pattern is an upstream's name and a tool's, both globs.
type pattern struct{ up, tool glob }

func parsePattern(s string) (pattern, error) {
	up, tool, found := strings.Cut(s, "/")
	switch {
	case len(s) > maxPattern:
		return pattern{}, fmt.Errorf("a pattern has at most %d bytes; this one has %d", maxPattern, len(s))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, isControl):
		return pattern{}, fmt.Errorf("the pattern %q contains control characters or is no UTF-8", s)
	case !found || up == "" || tool == "":
		return pattern{}, fmt.Errorf("the pattern %q is not upstream/tool, as in files/delete_file or files/delete_*", s)
	}
	return pattern{newGlob(up), newGlob(tool)}, nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

func (p pattern) match(upstream, tool string) bool { return p.up.match(upstream) && p.tool.match(tool) }

func (p pattern) within(q pattern) bool { return p.up.within(q.up) && p.tool.within(q.tool) }

// compare orders patterns, the narrower one first: fewer stars that are free,
// then more that is literal.
func (p pattern) compare(q pattern) int {
	exact := func(p pattern) bool { return len(p.up) == 1 && len(p.tool) == 1 }
	switch a, b := exact(p), exact(q); {
	case a && !b:
		return -1
	case b && !a:
		return 1
	}
	if d := q.tool.literal() - p.tool.literal(); d != 0 {
		return d
	}
	return q.up.literal() - p.up.literal()
}
