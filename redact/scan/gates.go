package scan

// gateBytes is how many bytes are looked at before a pattern is tried.
const gateBytes = 4

// gates tell which of up to 64 patterns can begin at a place, by the next bytes: for
// each of them a bit by the number of a pattern.
type gates [gateBytes][256]uint64

// add lets pattern n through.
func (g *gates) add(n int, start *node) {
	var sets [gateBytes]set
	if left := maxTries; !start.beginnings(sets[:], 0, 0, &left) {
		for k := range sets {
			sets[k] = *anyByte
		}
	}
	for k := range sets {
		for c, can := range &sets[k] {
			if can {
				g[k][c] |= 1 << n
			}
		}
	}
}

// at are the patterns that can begin at i.
func (g *gates) at(s string, i int) uint64 {
	can := g[0][s[i]]
	if can == 0 {
		return 0
	}
	for k := 1; k < gateBytes && i+k < len(s); k++ {
		can &= g[k][s[i+k]]
	}
	return can
}

// beginnings adds to each of sets what n and what follows can have in its place, if n
// stands at k and the first of sets is for the place from. What may end before has
// anything there. It gives up, with false, where there are too many ways.
func (n *node) beginnings(sets []set, from, k int, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	put := func(k int, in *set) {
		if k >= from && k < from+len(sets) {
			sets[k-from].join(in)
		}
	}
	switch n.op {
	case opEnd, opFinish:
		for ; k < from+len(sets); k++ {
			put(k, anyByte)
		}
		return true
	case opLiteral, opFold:
		for i := range len(n.text) {
			var one set
			one[n.text[i]] = true
			if n.op == opFold {
				one[upper(n.text[i])] = true
			}
			put(k+i, &one)
		}
		k += len(n.text)
	case opRun, opLazy:
		for i := 0; k+i < from+len(sets); i++ {
			if i >= n.min && !n.next.beginnings(sets, from, k+i, left) {
				return false
			}
			if n.max >= 0 && i >= n.max {
				break
			}
			put(k+i, n.set)
		}
		return true
	case opAlt:
		for _, w := range n.ways {
			if !w.beginnings(sets, from, k, left) {
				return false
			}
		}
		return true
	}
	return k >= from+len(sets) || n.next.beginnings(sets, from, k, left)
}

var anyByte = setOf(func(byte) bool { return true })

// gate tells of one pattern, where a word of it ends, whether it can match: by the
// last bytes of the word, whose case may matter, and the next ones.
type gate [gateWord + gateNext][4]uint64

const (
	gateWord = 2
	gateNext = 4
	maxTries = 20000 // to see what a pattern can begin with
)

// newGate makes the gate of a pattern that begins with a word of n bytes; nil if there
// is none.
func newGate(p *pattern, n int) *gate {
	var sets [gateWord + gateNext]set
	if left := maxTries; n < gateWord || !p.start.beginnings(sets[:], n-gateWord, 0, &left) {
		return nil
	}
	g := &gate{}
	for k := range sets {
		for c, in := range &sets[k] {
			if in {
				g[k][c>>6] |= 1 << (c & 63)
			}
		}
	}
	return g
}

// opens reports whether the pattern can match whose word ends at end.
func (g *gate) opens(s string, end int) bool {
	if len(s)-end < gateNext {
		return true
	}
	s = s[end-gateWord : end+gateNext]
	for k := range g {
		if c := s[k]; g[k][c>>6]>>(c&63)&1 == 0 {
			return false
		}
	}
	return true
}
