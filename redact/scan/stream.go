package scan

// carry is how much of what was written a Stream keeps to itself at most: a
// secret that is longer is replaced in part at least.
const (
	ahead = 3 << 10 // what must stand behind a finding before it counts
	carry = 4 << 10
)

// Stream replaces secrets in a text that comes in parts.
type Stream struct {
	e       *Engine
	replace func(dst []byte, f Finding, secret []byte) []byte
	buf     []byte // what is kept: done bytes that went out, and what did not yet
	done    int
	base    int // the place of buf in the whole
	found   []Finding
}

// NewStream makes a Stream. replace appends what stands in place of a secret; the
// places of the Finding are those in the whole text.
func (e *Engine) NewStream(replace func(dst []byte, f Finding, secret []byte) []byte) *Stream {
	return &Stream{e: e, replace: replace}
}

// Write appends to dst what of the text can go out now that p came.
func (s *Stream) Write(dst, p []byte) []byte {
	s.buf = append(s.buf, p...)
	if len(s.buf) <= carry {
		return dst
	}
	return s.out(dst, len(s.buf)-ahead)
}

// Close appends the rest.
func (s *Stream) Close(dst []byte) []byte {
	dst = s.out(dst, len(s.buf))
	s.buf, s.done, s.base = nil, 0, 0
	return dst
}

// out lets go what stands before cut, and findings that begin before it whole.
func (s *Stream) out(dst []byte, cut int) []byte {
	s.found = s.e.Find(s.found[:0], string(s.buf))
	at := s.done
	for _, f := range s.found {
		if f.Start >= cut {
			break
		}
		f.Start = max(f.Start, at)
		if f.End <= f.Start {
			continue
		}
		dst = append(dst, s.buf[at:f.Start]...)
		at = f.End
		secret := s.buf[f.Start:f.End]
		f.Start, f.End = f.Start+s.base, f.End+s.base
		dst = s.replace(dst, f, secret)
	}
	if at < cut {
		dst = append(dst, s.buf[at:cut]...)
		at = cut
	}
	keep := max(0, at-(carry-ahead))
	s.base += keep
	s.done = at - keep
	s.buf = append(s.buf[:0], s.buf[keep:]...)
	return dst
}
