package scan

import (
	"math/bits"
	"strings"
)

// machine runs patterns over a text. One belongs to one search.
type machine struct {
	s     string
	marks []int
	steps int // bytes that were read, for the test of how that grows
	high  int // the place before which they stand
	runs  [8]longRun
	old   int // which of them is forgotten next
}

// longRun is text[from:to], all of it of one set: it is read once, however many
// places in it are tried.
type longRun struct {
	set      *set
	from, to int
}

// shortRun is how much of a run is read each time.
const shortRun = 16

func (m *machine) begin(s string) {
	m.s = s
	if m.runs[0].set != nil {
		m.runs, m.old = [8]longRun{}, 0
	}
}

// long leaves behind bytes of a set from i on, at most to limit, where those of a
// short run are of it.
func (m *machine) long(in *set, i, limit int) int {
	var r *longRun
	for k := range m.runs {
		if m.runs[k].set == in {
			r = &m.runs[k]
			break
		}
	}
	if r == nil {
		r = &m.runs[m.old]
		m.old = (m.old + 1) % len(m.runs)
		*r = longRun{set: in}
	}
	if i < r.from || i > r.to {
		r.from, r.to = i, i+shortRun
	}
	if r.to >= limit {
		return limit
	}
	j := max(r.to, i+shortRun)
	from := j
	for s := m.s; j < limit && in[s[j]]; {
		j++
	}
	m.steps += j - from
	r.to = j
	return j
}

// match runs a pattern at a place. The marks of its groups hold until the next
// match; -1 where a group took no part.
func (m *machine) match(p *pattern, at int) (end int, ok bool) {
	if cap(m.marks) < p.marks {
		m.marks = make([]int, p.marks)
	}
	m.marks = m.marks[:p.marks]
	for i := range m.marks {
		m.marks[i] = -1
	}
	return m.run(p.start, at)
}

func (m *machine) run(n *node, i int) (int, bool) {
	s := m.s
	for {
		m.steps++
		switch n.op {
		case opEnd:
			return i, true
		case opLiteral:
			m.high = max(m.high, i+len(n.text))
			if !strings.HasPrefix(s[i:], n.text) {
				return 0, false
			}
			i += len(n.text)
		case opFold:
			m.high = max(m.high, i+len(n.text))
			if len(s)-i < len(n.text) {
				return 0, false
			}
			for k := range len(n.text) {
				if lower(s[i+k]) != n.text[k] {
					return 0, false
				}
			}
			i += len(n.text)
		case opRun:
			limit := len(s)
			if n.max >= 0 && limit-i > n.max {
				limit = i + n.max
			}
			j, short := i, min(limit, i+shortRun)
			for set := n.set; j < short && set[s[j]]; {
				j++
			}
			m.steps += j - i
			if j == short && j < limit {
				j = m.long(n.set, i, limit)
			}
			m.high = max(m.high, j)
			if j-i < n.min {
				return 0, false
			}
			if n.closed {
				i = j
				break
			}
			for ; j > i+n.min; j-- {
				if end, ok := m.run(n.next, j); ok {
					return end, true
				}
			}
			i += n.min
		case opLazy:
			j := i
			for j-i < n.min {
				if j >= len(s) || !n.set[s[j]] {
					return 0, false
				}
				j++
			}
			for (n.max < 0 || j-i < n.max) && j < len(s) && n.set[s[j]] {
				if end, ok := m.run(n.next, j); ok {
					return end, true
				}
				j++
			}
			m.high = max(m.high, j)
			i = j
		case opAlt:
			if n.can != nil && i < len(s) {
				for can := n.can[s[i]]; can != 0; can &= can - 1 {
					if end, ok := m.run(n.ways[bits.TrailingZeros64(can)], i); ok {
						return end, true
					}
				}
				return 0, false
			}
			last := len(n.ways) - 1
			for _, w := range n.ways[:last] {
				if end, ok := m.run(w, i); ok {
					return end, true
				}
			}
			n = n.ways[last]
			continue
		case opMark:
			old := m.marks[n.mark]
			m.marks[n.mark] = i
			if end, ok := m.run(n.next, i); ok {
				return end, true
			}
			m.marks[n.mark] = old
			return 0, false
		case opBoundary, opInside:
			if ((i > 0 && isWord(s[i-1])) != (i < len(s) && isWord(s[i]))) != (n.op == opBoundary) {
				return 0, false
			}
		case opBegin:
			if i > 0 {
				return 0, false
			}
		case opFinish:
			if i < len(s) {
				return 0, false
			}
		}
		n = n.next
	}
}

// skip leaves behind bytes of a set, at most limit.
func (m *machine) skip(i, limit int, in *set) int {
	s := m.s
	limit = min(len(s), i+limit)
	j, short := i, min(limit, i+shortRun)
	for j < short && in[s[j]] {
		j++
	}
	m.steps += j - i
	if j == short && j < limit {
		j = m.long(in, i, limit)
	}
	m.high = max(m.high, j)
	return j
}
