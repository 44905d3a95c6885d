package redact

// A literal from leastLong bytes on is searched by itself, as it is decoded. The words of
// rules in shorter ones are looked for ahead of them, in many at once, because a search
// costs something to begin.
const (
	leastLong  = 384
	leastAhead = 256
	mostAhead  = 32 << 10
)

// wordsAhead knows in which short literals of a body words of rules stand. They are
// asked for in their order.
type wordsAhead struct {
	*search
	body  []byte
	until int // body[:until] was searched, as far as it was not passed over
	base  int // where what was searched last begins
	size  int // how much was
	next  int // of the hits ahead
}

// in reports whether a word ends in body[start:end].
func (a *wordsAhead) in(start, end int) bool {
	if end > a.until {
		a.size = min(max(leastAhead, 2*a.size), mostAhead)
		if start > a.until+leastLong {
			a.size = leastAhead // a long literal lay between, and perhaps one comes next
		}
		a.base, a.until = start, min(len(a.body), max(end, start+a.size))
		a.ahead, a.next = a.engine.Hits(a.ahead[:0], a.body[a.base:a.until]), 0
	}
	return hitIn(a.ahead, &a.next, start-a.base, end-a.base)
}
