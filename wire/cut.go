package wire

import "slices"

// Cut is a part of a literal in whose place something else is to stand.
type Cut struct {
	Start, End int    // where it is written: bytes of the body, no escape in parts
	With       string // ASCII that a printer prints, without quotation marks and backslashes
	literal    int
	from, to   int // what it means: bytes of what the literal means
}

// Written finds where a part of what the literal means that was read last is written:
// plain[from:to], and the rest of escapes of which it has a part. It is false where the
// literal was not noted.
func (r *Reading) Written(from, to int) (c Cut, ok bool) {
	n := len(r.all) - 1
	if n < 0 || n+1 == mostNoted {
		return Cut{}, false // more may have been read than are noted
	}
	l := r.all[n]
	c.literal = n
	if l.seen&SeenEscape == 0 {
		c.Start, c.End, c.from, c.to = l.start+1+from, l.start+1+to, from, to
		return c, true
	}
	begin := spot{l.start + 1, l.from}
	spots := r.spots[l.spots:]
	if n, _ := slices.BinarySearchFunc(spots, l.from+from, func(s spot, at int) int { return s.plain - at - 1 }); n > 0 {
		begin = spots[n-1]
	}
	inside := r.body[:l.end-1]
	begin, end := piece(inside, begin, l.from+from)
	if l.from+to > end.plain {
		_, end = piece(inside, end, l.from+to-1)
	}
	c.Start, c.End, c.from, c.to = begin.raw, end.raw, begin.plain-l.from, end.plain-l.from
	return c, true
}

// piece is where that begins and ends which makes room[at], an escape or a byte, in a body
// that ends with the literal, from a spot before on.
func piece(body []byte, from spot, at int) (begin, end spot) {
	var buf [4]byte
	for {
		if n := min(plainBefore(body[from.raw:], at-from.plain+1), at-from.plain); n > 0 {
			from = spot{from.raw + n, from.plain + n}
		}
		end = spot{from.raw + 1, from.plain + 1}
		if c := body[from.raw]; c == '\\' {
			if from.raw+1 < len(body) && shortEscape[body[from.raw+1]] != 0 {
				end.raw++
			} else {
				used, size := longEscape(buf[:], body[from.raw:])
				end = spot{from.raw + used, from.plain + size}
			}
		}
		if end.plain > at {
			return from, end
		}
		from = end
	}
}

// Cut notes that a part is to be replaced. Those of one literal come in their order, and
// do not overlap.
func (r *Reading) Cut(c Cut) { r.cuts = append(r.cuts, c) }

// Replaced makes this what a walk would read of a body in which all that was noted is
// replaced, and nothing else. It is false if that would cost more than to read it.
func (r *Reading) Replaced(body []byte) bool {
	moved, next := 0, 0
	for n := range r.all {
		l := &r.all[n]
		first, start := next, moved
		for ; next < len(r.cuts) && r.cuts[next].literal == n; next++ {
			moved += len(r.cuts[next].With) - (r.cuts[next].End - r.cuts[next].Start)
		}
		if l.seen&SeenEscape != 0 && first < next && !r.rewrite(n, r.cuts[first:next]) {
			return false
		}
		l.start, l.end = l.start+start, l.end+moved
	}
	if len(r.body)+moved != len(body) || next < len(r.cuts) {
		return false
	}
	r.body, r.spots, r.cuts = body, r.spots[:0], r.cuts[:0]
	return true
}

// mostMoved bounds how often the rest of a literal is moved.
const mostMoved = 16

// rewrite does so with what literal n means, in its place. It needs room for what gets
// longer: behind the last there mostly is some.
func (r *Reading) rewrite(n int, cuts []Cut) bool {
	l := &r.all[n]
	longer, most := 0, 0
	for _, c := range slices.Backward(cuts) {
		longer += len(c.With) - (c.to - c.from)
		most = max(most, longer)
	}
	if len(cuts) > mostMoved || most > 0 && (l.to != r.used || l.to+most > len(r.room)) {
		return false
	}
	for _, c := range slices.Backward(cuts) {
		from, to := l.from+c.from, l.from+c.to
		copy(r.room[from+len(c.With):], r.room[to:l.to])
		copy(r.room[from:], c.With)
		l.to += len(c.With) - (to - from)
	}
	return true
}
