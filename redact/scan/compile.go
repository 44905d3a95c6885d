package scan

import (
	"regexp/syntax"
	"strings"
)

// op is what a node of a pattern does.
type op byte

const (
	opEnd      op = iota // the pattern matched
	opLiteral            // these bytes
	opFold               // these bytes in any case
	opRun                // as many bytes of a set as there are, within bounds
	opLazy               // as few
	opAlt                // the first of several ways that leads to the end
	opMark               // remember the place
	opBoundary           // of a word
	opInside             // of a word, or of what is none
	opBegin              // of the text
	opFinish             // of the text
)

// node is one step of a pattern, and next what comes behind it.
type node struct {
	op       op
	text     string
	set      *set
	min, max int // of a run
	closed   bool
	mark     int
	ways     []*node
	can      *[256]uint64 // the ways that can begin with a byte, where there are many
	next     *node
}

// pattern is a regular expression that matches where it is told to begin, as
// regexp does: the leftmost way first. It is made of what needs almost no going
// back, so that it reads a byte a few times at most.
type pattern struct {
	start *node
	marks int
	lead  string // what every match begins with, if it is one text
}

const (
	// maxRun is how long a run without a bound is at most where something behind
	// it may begin within it, so that every place must be tried; the second of one
	// that takes blanks too.
	maxRun   = 1024
	maxLoose = 200
	// maxWays bounds how often such runs are tried behind each other, and maxNodes
	// how much a repeated group is written out.
	maxWays  = 400
	maxNodes = 600
)

// compiler makes a pattern; ok is false as soon as something is not of its kind.
type compiler struct {
	ok    bool
	nodes int
	ways  int
	long  int // runs without a bound that must be tried at every place
	sets  map[set]*set
	// noGroups leaves the marks of groups out, where only the match matters.
	noGroups bool
}

// compile makes a pattern of an expression; false if it is not of that kind and
// must be left to regexp.
func compile(re *syntax.Regexp) (*pattern, bool) {
	return (&compiler{ok: true, ways: 1, sets: map[set]*set{}}).pattern(re)
}

func (c *compiler) pattern(re *syntax.Regexp) (*pattern, bool) {
	start := c.build(re, c.node(node{op: opEnd}))
	if !c.ok || c.long > 1 || c.ways > maxWays {
		return nil, false
	}
	p := &pattern{start: start, marks: 2 * (re.MaxCap() + 1)}
	n := start
	for n.op == opMark || n.op == opBoundary {
		n = n.next
	}
	if n.op == opLiteral {
		p.lead = n.text[:min(len(n.text), maxWord)]
	}
	return p, true
}

func (c *compiler) node(n node) *node {
	if c.nodes++; c.nodes > maxNodes {
		c.ok = false
	}
	return &n
}

func (c *compiler) shared(s *set) *set {
	if known, ok := c.sets[*s]; ok {
		return known
	}
	c.sets[*s] = s
	return s
}

func (c *compiler) build(re *syntax.Regexp, next *node) *node {
	if !c.ok {
		return next
	}
	switch re.Op {
	case syntax.OpEmptyMatch:
		return next
	case syntax.OpLiteral:
		return c.literal(re, next)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return c.run(re, 1, 1, false, next)
	case syntax.OpBeginText:
		return c.node(node{op: opBegin, next: next})
	case syntax.OpEndText:
		return c.node(node{op: opFinish, next: next})
	case syntax.OpWordBoundary:
		return c.node(node{op: opBoundary, next: next})
	case syntax.OpNoWordBoundary:
		return c.node(node{op: opInside, next: next})
	case syntax.OpCapture:
		if c.noGroups {
			return c.build(re.Sub[0], next)
		}
		end := c.node(node{op: opMark, mark: 2*re.Cap + 1, next: next})
		return c.node(node{op: opMark, mark: 2 * re.Cap, next: c.build(re.Sub[0], end)})
	case syntax.OpConcat:
		for i := len(re.Sub) - 1; i >= 0; i-- {
			next = c.build(re.Sub[i], next)
		}
		return next
	case syntax.OpAlternate:
		n := c.node(node{op: opAlt})
		for _, sub := range re.Sub {
			n.ways = append(n.ways, c.build(sub, next))
		}
		n.sort()
		return n
	case syntax.OpStar:
		return c.repeat(re, 0, -1, next)
	case syntax.OpPlus:
		return c.repeat(re, 1, -1, next)
	case syntax.OpQuest:
		return c.repeat(re, 0, 1, next)
	case syntax.OpRepeat:
		return c.repeat(re, re.Min, re.Max, next)
	}
	c.ok = false
	return next
}

func (c *compiler) literal(re *syntax.Regexp, next *node) *node {
	for _, r := range re.Rune {
		if r >= 0x80 {
			c.ok = false
		}
	}
	n := node{op: opLiteral, text: string(re.Rune), next: next}
	if re.Flags&syntax.FoldCase != 0 {
		n.op, n.text = opFold, strings.ToLower(n.text)
	}
	return c.node(n)
}

// repeat writes a group out as often as it may come; only runs have no bound.
func (c *compiler) repeat(re *syntax.Regexp, least, most int, next *node) *node {
	sub, lazy := re.Sub[0], re.Flags&syntax.NonGreedy != 0
	if _, ok := classOf(sub); ok {
		return c.run(sub, least, most, lazy, next)
	}
	if most < 0 {
		c.ok = false
		return next
	}
	for i := most; i > 0 && c.ok; i-- {
		once := c.build(sub, next)
		switch {
		case i <= least:
			next = once
		case lazy:
			next = c.node(node{op: opAlt, ways: []*node{next, once}})
		default:
			next = c.node(node{op: opAlt, ways: []*node{once, next}})
		}
	}
	return next
}

// sort notes which ways can begin with a byte, where there are many.
func (n *node) sort() {
	if len(n.ways) < 4 || len(n.ways) > 64 {
		return
	}
	n.can = &[256]uint64{}
	for k, w := range n.ways {
		var first set
		empty := w.first(&first)
		for c, in := range &first {
			if in || empty {
				n.can[c] |= 1 << k
			}
		}
	}
}

// run makes a run, and notes whether what follows can begin within it.
func (c *compiler) run(re *syntax.Regexp, least, most int, lazy bool, next *node) *node {
	s, ok := classOf(re)
	if !ok {
		c.ok = false
		return next
	}
	n := node{op: opRun, set: c.shared(s), min: least, max: most, next: next}
	if lazy {
		n.op = opLazy
	}
	var first set
	empty := next.first(&first)
	n.closed = !lazy && (least == most || !empty && !first.meets(s) || next.ends())
	if n.closed {
		return c.node(n)
	}
	if most < 0 {
		n.max = least + maxRun
		if s[' '] { // it goes over words
			n.max = least + maxLoose
		}
		c.long++
	} else {
		c.ways *= most - least + 1
	}
	return c.node(n)
}

// ends reports whether nothing comes behind any more that could fail.
func (n *node) ends() bool {
	for n.op == opMark {
		n = n.next
	}
	return n.op == opEnd
}

// first adds the bytes with which n and what follows can begin; true if there may
// be none. The end of the text needs no byte, but is not within a run either.
func (n *node) first(s *set) (empty bool) {
	switch n.op {
	case opEnd, opBoundary, opInside, opBegin:
		return true
	case opFinish:
		return false
	case opLiteral:
		s[n.text[0]] = true
		return false
	case opFold:
		s[n.text[0]], s[upper(n.text[0])] = true, true
		return false
	case opRun, opLazy:
		s.join(n.set)
		return n.min == 0 && n.next.first(s)
	case opMark:
		return n.next.first(s)
	case opAlt:
		for _, w := range n.ways {
			empty = w.first(s) || empty
		}
	}
	return empty
}
