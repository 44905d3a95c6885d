package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxPattern is the longest pattern in bytes.
const maxPattern = 4096

// glob is a text in which * stands for any run of characters, the empty one
// included. There is no other metacharacter and no way to escape one.
type glob struct {
	// parts are the literal texts between the stars; one part means no star.
	parts []string
	// literal is the number of characters that are no star.
	literal int
}

func newGlob(s string) glob {
	parts := strings.Split(s, "*")
	kept := parts[:1]
	for i, p := range parts[1:] {
		if p != "" || i == len(parts)-2 { // ** is *
			kept = append(kept, p)
		}
	}
	return glob{parts: kept, literal: utf8.RuneCountInString(s) - strings.Count(s, "*")}
}

func (g glob) exact() bool    { return len(g.parts) == 1 }
func (g glob) prefix() string { return g.parts[0] }
func (g glob) suffix() string { return g.parts[len(g.parts)-1] }
func (g glob) String() string { return strings.Join(g.parts, "*") }

// match takes time linear in s for every part: the leftmost place is always
// good enough, so nothing backtracks.
func (g glob) match(s string) bool {
	if g.exact() {
		return s == g.parts[0]
	}
	first, last := g.prefix(), g.suffix()
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, p := range g.parts[1 : len(g.parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return true
}

// overlaps reports whether one text matches both. If both have a star, such a
// text exists exactly if their beginnings and their ends agree: the longer
// beginning, the middle of g, the middle of h and the longer end make one.
func (g glob) overlaps(h glob) bool {
	switch {
	case g.exact():
		return h.match(g.parts[0])
	case h.exact():
		return g.match(h.parts[0])
	}
	return compatible(g.prefix(), h.prefix(), strings.HasPrefix) &&
		compatible(g.suffix(), h.suffix(), strings.HasSuffix)
}

func compatible(a, b string, has func(s, part string) bool) bool { return has(a, b) || has(b, a) }

// fresh is a byte that no pattern and no target contains.
const fresh = "\xff"

// witness is a text of g in which every star stands for something that no
// pattern mentions; what matches it matches everything that g matches.
func (g glob) witness() string { return strings.Join(g.parts, fresh) }

func (g glob) within(h glob) bool { return h.match(g.witness()) }

// pattern is an upstream's name and the target, both globs, split at the first
// slash.
type pattern struct {
	text     string
	up, rest glob
}

func parsePattern(s string) (pattern, error) {
	up, rest, found := strings.Cut(s, "/")
	switch {
	case len(s) > maxPattern:
		return pattern{}, fmt.Errorf("a pattern has at most %d bytes; this one has %d", maxPattern, len(s))
	case !found:
		return pattern{}, fmt.Errorf("pattern %q has no slash: write upstream/target, for example \"files/read_*\", or \"*/%s\" for every upstream", s, s)
	case up == "":
		return pattern{}, fmt.Errorf("pattern %q names no upstream before the slash: write \"*%s\" for every upstream", s, s)
	case rest == "":
		return pattern{}, fmt.Errorf("pattern %q names no target behind the slash: write \"%s*\" for every target", s, s)
	case !utf8.ValidString(s):
		return pattern{}, fmt.Errorf("pattern %q is not valid UTF-8", s)
	case strings.ContainsFunc(s, isControl):
		return pattern{}, fmt.Errorf("pattern %q contains a control character", s)
	}
	return pattern{text: s, up: newGlob(up), rest: newGlob(rest)}, nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

func (p pattern) exact() bool { return p.up.exact() && p.rest.exact() }

func (p pattern) overlaps(q pattern) bool { return p.rest.overlaps(q.rest) && p.up.overlaps(q.up) }

func (p pattern) within(q pattern) bool { return p.rest.within(q.rest) && p.up.within(q.up) }

// compare orders patterns by how specific they are, the more specific one first:
// no star at all, then more literal characters in the target, then in the
// upstream's name. Equal patterns that overlap are a tie, which New refuses.
func (p pattern) compare(q pattern) int {
	switch {
	case p.exact() != q.exact():
		if p.exact() {
			return -1
		}
		return 1
	case p.rest.literal != q.rest.literal:
		return q.rest.literal - p.rest.literal
	}
	return q.up.literal - p.up.literal
}

func (p pattern) same(q pattern) bool {
	return p.up.String() == q.up.String() && p.rest.String() == q.rest.String()
}
