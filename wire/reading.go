package wire

import (
	"bytes"
	"slices"
	"sync"
)

// Reading is what a walk read of a body: where its literals end, what stands in them
// and what they mean. One filter leaves it for the next, in [ostiary.Result.Read], so
// that the body is read once. It belongs to one goroutine at a time.
type Reading struct {
	body []byte
	room []byte // in which literals are decoded
	used int
	all  []literal
	next int
	// spots are some in the literals, partSize or more from one to the next.
	spots []spot
	cuts  []Cut
	pool  *sync.Pool
}

// literal is one of them: body[start:end], and room[from:to], which is what it means
// if it has escapes.
type literal struct {
	start, end, from, to int
	spots                int // from which on they are those of this one
	seen                 Seen
}

// spot is where, in one literal, body[raw:] and room[plain:] mean the same.
type spot struct{ raw, plain int }

// partSize is how much is decoded until a spot is noted, in bytes.
const partSize = 2 << 10

// Bounds of what a reading notes, and of what is kept of it for the next body.
const (
	mostNoted   = 4 << 10 // literals
	mostReading = 4 << 20 // bytes
)

// NewReading takes one from a pool, to which Release gives it back.
func NewReading(pool *sync.Pool) *Reading {
	if r, ok := pool.Get().(*Reading); ok {
		return r
	}
	return &Reading{pool: pool}
}

// Release gives it back. What Plain and Next told does not hold any more.
func (r *Reading) Release() {
	if r.body = nil; cap(r.room) > mostReading {
		r.room = nil
	}
	r.pool.Put(r)
}

// Read lets the walk decode what it goes over, in the same pass; see Plain. What it
// reads is noted in r, which forgets what was read before.
func (w *TextWalk) Read(r *Reading) {
	r.body, r.used, r.next, r.all, r.spots, r.cuts = w.body, 0, 0, r.all[:0], r.spots[:0], r.cuts[:0]
	r.room = slices.Grow(r.room[:0], len(w.body)+1)
	r.room = r.room[:cap(r.room)]
	w.reading = r
}

// note reads the literal whose inside begins at from.
func (r *Reading) note(from int) (end int, seen Seen, plain []byte) {
	l := literal{start: from - 1, from: r.used, to: r.used, spots: len(r.spots)}
	for done := false; !done; {
		i, n, some, whole := decodePart(r.room[l.to:], r.body, from, from+partSize)
		if i < 0 {
			return -1, 0, nil
		}
		l.seen |= some
		if l.seen&SeenPercent == 0 && bytes.IndexByte(r.body[from:i], '%') >= 0 { // while the part is in the nearest cache
			l.seen |= SeenPercent
		}
		from, l.to, done = i, l.to+n, whole
		if !done {
			r.spots = append(r.spots, spot{from, l.to})
		}
	}
	l.end = from
	if len(r.all) < mostNoted {
		r.all = append(r.all, l)
		if l.seen&SeenEscape != 0 { // otherwise it means what is written
			r.used = l.to
		}
	}
	return l.end, l.seen, r.plain(l)
}

func (r *Reading) plain(l literal) []byte {
	if l.seen&SeenEscape == 0 {
		return r.body[l.start+1 : l.end-1]
	}
	return r.room[l.from:l.to]
}

// Of reports whether this was read of that very body, and goes back to its begin.
func (r *Reading) Of(body []byte) bool {
	r.next = 0
	return len(body) > 0 && len(body) == len(r.body) && &body[0] == &r.body[0]
}

// Next is the next literal of the body; false if it is not the one that begins at start,
// or was not noted.
func (r *Reading) Next(start int) (end int, seen Seen, plain []byte, ok bool) {
	if r.next >= len(r.all) || r.all[r.next].start != start {
		return 0, 0, nil, false
	}
	l := r.all[r.next]
	r.next++
	return l.end, l.seen, r.plain(l), true
}
