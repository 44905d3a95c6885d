package scan

import "strings"

const (
	// ahead is how much of the text must stand behind the beginning of a finding
	// before it counts, behind how much of what went out is kept because it tells
	// what follows, carry how much is kept at most between two parts. The
	// difference is what comes together before it is looked at.
	ahead  = 2 << 10
	behind = 512
	carry  = 4 << 10
)

// openKey stands for the beginning of a private key that went out as a marker and
// whose end did not come yet, so that what follows is known as the rest of it.
var openKey = "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("A", minBlock)

// Stream replaces secrets in a text that comes in parts. It keeps at most 4 KB back
// between two parts, and finds what [Engine.Find] finds in the whole text, as long
// as the key, the value and what else tells a secret stand within 2 KB. A private
// key is replaced when its beginning and 2 KB of it are there, and the rest of it,
// however long, is left out as it comes; of another secret that is longer, the rest
// as far as it is of one piece.
type Stream struct {
	e       *Engine
	replace func(dst []byte, f Finding, secret []byte) []byte
	buf     []byte // what is kept
	done    int    // how much of it went out
	base    int    // the place of buf in the text
	open    rest   // what of the text belongs to what was replaced last
	found   []Finding
}

// rest is what may still come of a secret that was replaced.
type rest byte

const (
	restNone  rest = iota
	restBlock      // a private key without its end
	restToken      // a secret of one piece
)

// NewStream makes a Stream. replace appends what stands in place of a secret; the
// places of its Finding are those in the whole text.
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

// Close appends the rest. The Stream can be used for another text then.
func (s *Stream) Close(dst []byte) []byte {
	dst = s.out(dst, len(s.buf))
	*s = Stream{e: s.e, replace: s.replace, buf: s.buf[:0], found: s.found}
	return dst
}

// out lets go what stands before cut, and findings that begin before it whole.
func (s *Stream) out(dst []byte, cut int) []byte {
	if s.open == restToken {
		for s.done < len(s.buf) && bearerBytes[s.buf[s.done]] {
			s.done++
		}
		if s.done == len(s.buf) && cut < len(s.buf) {
			s.keep(s.done)
			return dst
		}
	}
	text := string(s.buf)
	s.found = s.e.Find(s.found[:0], text)
	at, last := s.done, restNone
	for _, f := range s.found {
		if f.Start >= max(cut, at) {
			break
		}
		if f.End <= at {
			continue
		}
		if f.Start < at { // what is left of one that was replaced
			at = f.End
			last = s.left(f, text, cut)
			continue
		}
		dst = append(dst, s.buf[at:f.Start]...)
		at = f.End
		last = s.left(f, text, cut)
		dst = s.replace(dst, Finding{f.Rule, f.Start + s.base, f.End + s.base}, s.buf[f.Start:f.End])
	}
	if at < cut {
		dst = append(dst, s.buf[at:cut]...)
		at = cut
	}
	s.open = last
	s.keep(at)
	return dst
}

// left is what may still come of a finding that goes to the end of what is there.
func (s *Stream) left(f Finding, text string, cut int) rest {
	switch {
	case f.End < len(text) && strings.TrimLeft(text[f.End:], " \t\r\n") != "" || cut == len(text):
		return restNone
	case strings.HasPrefix(strings.ToUpper(text[f.Start:min(len(text), f.Start+len(pemBegin))]), pemBegin):
		return restBlock
	}
	return restToken
}

// keep drops what went out before at, but for what tells what follows.
func (s *Stream) keep(at int) {
	if s.open == restBlock {
		rest := append([]byte(openKey), s.buf[at:]...)
		s.base += at - len(openKey)
		s.buf, s.done = append(s.buf[:0], rest...), len(openKey)
		return
	}
	from := max(0, at-behind)
	s.base += from
	s.done = at - from
	s.buf = append(s.buf[:0], s.buf[from:]...)
}
