package redact

import (
	"strings"

	"github.com/ostiary/ostiary/redact/scan"
)

// encoded looks into what is base64, as far as it is new.
func (s *search) encoded(dst []secret, t layer, views int) []secret {
	if t.fresh.whole {
		return s.runs(dst, t.text, 0, len(t.text), views)
	}
	from, until := 0, 0
	for _, p := range t.fresh.parts {
		if p.To < until {
			continue // no block goes on behind until
		}
		from, until = blocks(t.text, until, p)
		dst = s.runs(dst, t.text, from, until, views)
	}
	return dst
}

// blocks are the bounds within which runs begin that may be other runs because of a part:
// back to where the block of lines begins that the part stands in, or that is padded there,
// but not before low, and on to where it ends.
func blocks(text string, low int, p scan.Span) (from, until int) {
	for from = max(low, p.From); from > low && text[from-1] == '='; {
		from--
	}
	for from > low && goesOn(text[from-1]) {
		from--
	}
	for until = p.To; until < len(text) && goesOn(text[until]); {
		until++
	}
	return from, until + 1
}

// goesOn reports whether a byte may stand in a block of base64, or in what breaks its lines.
func goesOn(c byte) bool { return sextets[c] != 0xff || strings.IndexByte(" \t\r\n\\", c) >= 0 }

// runs looks into what is base64 and begins in text[from:until].
func (s *search) runs(dst []secret, text string, from, until, views int) []secret {
	for i := from; ; {
		start, end, readable, ok := nextRun(text, i, until)
		if !ok || start >= until {
			return dst
		}
		for _, p := range s.owned(text[start:end], readable) {
			dst = append(dst, secret{start + p.start, start + p.end, p.rule, text[start+p.start : start+p.end]})
		}
		b, arena := wholeRun(s.arena, text, start, end)
		if s.arena, i = arena, b.end; !readable && !b.broken {
			continue
		}
		s.parts(b.chars, func(inside string, at int) bool {
			l := lookAt(inside, false)
			if hit := s.speaks(inside); hit || l != 0 {
				from := len(dst)
				dst = s.within(dst, inside, l, hit, views-1)
				b.place(text, at, dst[from:])
			}
			return true
		})
	}
}

// parts calls each with what parts of a run decode to, and where they begin in it.
func (s *search) parts(chars string, each func(inside string, at int) bool) {
	stretches(chars, func(start, end int) bool {
		return each(s.decoded(decodeGroups(s.arena, chars[start:end]), len(s.arena)), start)
	})
}

// owned are the door's own secrets in a run of base64, which may hold text, or of
// hexadecimal digits.
func (s *search) owned(run string, readable bool) []span {
	if !readable && !isHex(run) {
		return nil
	}
	return s.own.scan(nil, run, true)
}

// isHex reports whether a run has no other letters than hexadecimal digits.
func isHex(run string) bool {
	for i := range len(run) {
		if c := run[i]; !isDigit(c) && (c|0x20 < 'a' || 'f' < c|0x20) {
			return false
		}
	}
	return true
}

// conceals reports whether the inside of a literal may hold something in base64 that is
// worth to be looked at.
func (s *search) conceals(inside string) (found bool) {
	mark := len(s.arena)
	for i := 0; !found; {
		start, end, readable, ok := nextRun(inside, i, len(inside))
		if !ok {
			break
		}
		i = end
		switch {
		case end-start >= longLine && breakAt(inside, end) > 0, continues(inside, lineBegin(inside, start), end):
			found = true // perhaps one of several lines
		case len(s.owned(inside[start:end], readable)) > 0:
			found = true
		case readable:
			s.parts(inside[start:end], func(decoded string, _ int) bool {
				found = lookAt(decoded, false)&^lookNested != 0 || s.speaks(decoded)
				return !found
			})
		}
	}
	s.drop(mark)
	return found
}
