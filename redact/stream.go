package redact

// Bounds of what a Stream keeps, in bytes: how much stands behind the beginning of a
// secret at least before it counts, and how much of what went out tells what follows.
const (
	streamAhead  = 2 << 10
	streamBehind = 512
	// streamForm is how many bytes stand for one of a known secret at most: a JSON
	// escape. Two encodings upon each other may be longer and be cut.
	streamForm = 6
)

// Stream replaces secrets in a text that comes in parts, wherever it is parted. It
// keeps at most twice 2 KiB back, or twice the longest known secret as it is encoded.
type Stream struct {
	r    *Redactor
	find func(spans []span, s string) []span
	buf  []byte // what is kept
	done int    // how much of it went out
}

// KnownStream replaces known secrets alone. It goes before other rules: they could
// take a part of one and leave the rest.
func (r *Redactor) KnownStream() *Stream { return &Stream{r: r, find: r.findKnown} }

// TextStream replaces what [Redactor.Text] does, but for private keys.
func (r *Redactor) TextStream() *Stream { return &Stream{r: r, find: r.findInline} }

// Write appends to dst what of the text can go out now that p came.
func (s *Stream) Write(dst, p []byte) []byte {
	s.buf = append(s.buf, p...)
	if len(s.buf) <= 2*streamAhead {
		return dst
	}
	if ahead := max(streamAhead, streamForm*s.r.live.longest()); len(s.buf) > 2*ahead {
		return s.out(dst, len(s.buf)-ahead)
	}
	return dst
}

// Close appends the rest. The Stream can be used for another text then.
func (s *Stream) Close(dst []byte) []byte {
	dst = s.out(dst, len(s.buf))
	s.buf, s.done = s.buf[:0], 0
	return dst
}

// out lets go what stands before cut, and secrets that begin before it whole.
func (s *Stream) out(dst []byte, cut int) []byte {
	at := s.done
	for _, p := range merge(s.find(nil, string(s.buf))) {
		if p.start >= max(cut, at) {
			break
		}
		if p.end <= at {
			continue
		}
		if p.start >= at {
			dst = append(append(dst, s.buf[at:p.start]...), marker(p.rule)...)
		}
		at = p.end
	}
	if at < cut {
		dst = append(dst, s.buf[at:cut]...)
		at = cut
	}
	from := max(0, at-streamBehind)
	s.buf, s.done = append(s.buf[:0], s.buf[from:]...), at-from
	return dst
}

// longest is the length of the longest known secret.
func (l *live) longest() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, secret := range l.known {
		n = max(n, len(secret))
	}
	for _, of := range l.learned {
		for _, secret := range of {
			n = max(n, len(secret))
		}
	}
	return n
}
