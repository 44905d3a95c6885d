package scan

import (
	"math/bits"
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
	gates   []gates   // of each 64 of inside
	slow    []slowWay // what is no pattern
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
				if len(a.inside)%64 == 0 {
					a.gates = append(a.gates, gates{})
				}
				a.gates[len(a.gates)-1].add(len(a.inside)%64, p.start)
				a.inside = append(a.inside, p)
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
	m.begin(text)
	if a.begins(m, text) {
		return true
	}
	for g := range a.gates {
		for i := range len(text) {
			if can := a.gates[g].at(text, i); can != 0 && a.try(m, g, can, i) {
				return true
			}
		}
	}
	return a.slowly(text)
}

// calm reports whether there is no place in s[low:high] at which one can begin. In
// none there is no such place either, and what is seen of the text is added to it, so
// that parts of a text that overlap are not looked at again.
func (a *anyOf) calm(s string, low, high int, none *Span) bool {
	if len(a.gates) != 1 || len(a.atStart) > 0 || len(a.slow) > 0 {
		return false
	}
	for i := low; i < high; i++ {
		switch {
		case none.From <= i && i < none.To:
			i = none.To - 1
		case a.gates[0].at(s, i) != 0:
			return false
		case i == none.To:
			none.To++
		default:
			*none = Span{i, i + 1}
		}
	}
	return true
}

// begins reports whether one matches that does so at the beginning only.
func (a *anyOf) begins(m *machine, text string) bool {
	for _, n := range a.starts[text[0]] {
		if _, ok := m.run(a.atStart[n].start, 0); ok {
			return true
		}
	}
	return false
}

// try tries those at i that can begin there.
func (a *anyOf) try(m *machine, g int, can uint64, i int) bool {
	for ; can != 0; can &= can - 1 {
		if _, ok := m.run(a.inside[64*g+bits.TrailingZeros64(can)].start, i); ok {
			return true
		}
	}
	return false
}

// slowly asks regexp.
func (a *anyOf) slowly(text string) bool {
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
