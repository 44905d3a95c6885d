package scan

// gateBytes is how many bytes are looked at before a pattern is tried.
const gateBytes = 4

// gates tell which of up to 64 patterns can begin at a place, by the next bytes: for
// each of them a bit by the number of a pattern.
type gates [gateBytes][256]uint64

// add lets pattern n through.
func (g *gates) add(n int, start *node) {
	var sets [gateBytes]set
	start.beginnings(&sets, 0)
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
// stands in place k. What may end before has anything there.
func (n *node) beginnings(sets *[gateBytes]set, k int) {
	if k >= gateBytes {
		return
	}
	switch n.op {
	case opEnd, opFinish:
		for ; k < gateBytes; k++ {
			sets[k].add(0, 0xff)
		}
	case opLiteral, opFold:
		for i := 0; i < len(n.text) && k+i < gateBytes; i++ {
			sets[k+i][n.text[i]] = true
			if n.op == opFold {
				sets[k+i][upper(n.text[i])] = true
			}
		}
		n.next.beginnings(sets, k+len(n.text))
	case opRun, opLazy:
		for i := 0; n.max < 0 || i <= n.max; i++ {
			if i >= n.min {
				n.next.beginnings(sets, k+i)
			}
			if k+i >= gateBytes {
				return
			}
			if n.max < 0 || i < n.max {
				sets[k+i].join(n.set)
			}
		}
	case opAlt:
		for _, w := range n.ways {
			w.beginnings(sets, k)
		}
	default:
		n.next.beginnings(sets, k)
	}
}
