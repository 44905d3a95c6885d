package scan

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// anyOf reports whether one of several expressions matches anywhere in a text. It
// tries at each place those that can begin with its byte.
type anyOf struct {
	atStart []*pattern
	starts  [256][]uint16 // those of atStart that can begin with a byte
	inside  []*pattern
	second  []byte        // the lower-case byte that is the second of each of inside; 0 if not told
	begin   [256][]uint16 // those of inside that can begin with a byte
	slow    []slowWay     // what is no pattern
}

// slowWay is left to regexp; heads are what it begins with, if that is told.
type slowWay struct {
	lazy
	heads []string
}

func newAnyOf(sources []string) *anyOf {
	a := &anyOf{}
	for _, source := range sources {
		parsed, err := syntax.Parse(source, syntax.Perl)
		if err != nil {
			continue // it was parsed when it was loaded
		}
		for _, way := range ways(nil, parsed) {
			p, ok := (&compiler{ok: true, ways: 1, sets: map[set]*set{}, noGroups: true}).pattern(way)
			var first set
			switch {
			case ok && p.start.op == opBegin && !p.start.next.first(&first):
				index(&a.starts, &first, len(a.atStart))
				a.atStart = append(a.atStart, p)
			case ok && !p.start.first(&first):
				index(&a.begin, &first, len(a.inside))
				a.inside = append(a.inside, p)
				a.second = append(a.second, second(p.start))
			default:
				a.slow = append(a.slow, slowWay{lazy: lazy{source: way.String()}, heads: heads(way)})
			}
		}
	}
	return a
}

// heads are what an expression begins with that holds at the beginning of a text only.
func heads(re *syntax.Regexp) []string {
	items := flat(nil, re)
	if items[0].Op != syntax.OpBeginText {
		return nil
	}
	words, _ := prefixes(items[1:])
	return words
}

func (l *slowWay) canBegin(text string) bool {
	return l.heads == nil || slices.ContainsFunc(l.heads, func(h string) bool {
		return len(text) >= len(h) && strings.EqualFold(text[:len(h)], h)
	})
}

func second(n *node) byte {
	if n.op == opFold || n.op == opLiteral {
		if len(n.text) > 1 {
			return lower(n.text[1])
		}
	}
	return 0
}

func index(by *[256][]uint16, first *set, n int) {
	for c, can := range first {
		if can {
			by[c] = append(by[c], uint16(n))
		}
	}
}

// ways are the alternatives of an expression, without what may be left out where
// only matters that there is a match.
func ways(all []*syntax.Regexp, re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			all = ways(all, sub)
		}
		return all
	case syntax.OpCapture:
		return ways(all, re.Sub[0])
	case syntax.OpConcat:
		if len(re.Sub) > 1 && re.Sub[0].Op == syntax.OpBeginText && bare(re.Sub[1]).Op == syntax.OpAlternate {
			for _, way := range bare(re.Sub[1]).Sub {
				rest := *re
				rest.Sub = slices.Concat([]*syntax.Regexp{re.Sub[0], way}, re.Sub[2:])
				all = append(all, &rest)
			}
			return all
		}
		for len(re.Sub) > 1 {
			first := re.Sub[0]
			rest := *re
			switch {
			case first.Op == syntax.OpStar, first.Op == syntax.OpQuest:
				rest.Sub = re.Sub[1:]
			case first.Op == syntax.OpPlus:
				rest.Sub = slices.Concat(first.Sub, re.Sub[1:])
				return append(all, &rest)
			default:
				return append(all, re)
			}
			re = &rest
		}
	}
	return append(all, re)
}

// maxAllowed is how long a text is at most that an expression may excuse.
const maxAllowed = 1 << 10

func (a *anyOf) in(m *machine, text string) bool {
	if text == "" || len(text) > maxAllowed {
		return false
	}
	m.s = text
	for _, n := range a.starts[text[0]] {
		if _, ok := m.run(a.atStart[n].start, 0); ok {
			return true
		}
	}
	if len(a.inside) > 0 {
		for i := range len(text) {
			for _, n := range a.begin[text[i]] {
				if c := a.second[n]; c != 0 && (i+1 == len(text) || lower(text[i+1]) != c) {
					continue
				}
				if _, ok := m.run(a.inside[n].start, i); ok {
					return true
				}
			}
		}
	}
	for i := range a.slow {
		if l := &a.slow[i]; l.canBegin(text) && l.get().MatchString(text) {
			return true
		}
	}
	return false
}

// bare is an expression without the groups around it.
func bare(re *syntax.Regexp) *syntax.Regexp {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	return re
}
