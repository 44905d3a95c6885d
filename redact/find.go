package redact

import (
	"strings"

	"github.com/ostiary/ostiary/redact/scan"
)

// search finds secrets in texts. It holds what can be used again and belongs to one
// goroutine.
type search struct {
	engine *scan.Engine
	own    *index // the door's own secrets
	// arena holds decoded texts; found and hits are stacks.
	arena []byte
	found []scan.Finding
	hits  []int
	ahead []int // those of wordsAhead
}

// keptArena is how much of an arena is kept for the next result.
const keptArena = 4 << 20

// maxViews is how many encodings may lie upon each other in a text.
const maxViews = 2

func (s *search) reset() {
	if cap(s.arena) > keptArena {
		s.arena = nil
	}
	if cap(s.hits)+cap(s.ahead) > keptArena/8 {
		s.hits, s.ahead = nil, nil
	}
	s.arena, s.hits, s.found = s.arena[:0], s.hits[:0], s.found[:0]
}

// decoded hands out what was appended to the arena from a place on.
func (s *search) decoded(arena []byte, from int) string {
	s.arena = arena
	return borrow(arena[from:])
}

// speaks reports whether a word of a rule stands in a text.
func (s *search) speaks(text string) bool {
	n := len(s.hits)
	s.hits = s.engine.Hits(s.hits, lend(text))
	found := len(s.hits) > n
	s.hits = s.hits[:n]
	return found
}

// within appends the secrets in text and in what it holds encoded. l is what lookAt
// saw in it, hit that a word of a rule stands in it.
func (s *search) within(dst []secret, text string, l look, hit bool, views int) []secret {
	base, mark, all := text, len(s.arena), len(dst)
	if l&lookHidden != 0 {
		if hit { // what is hidden may also be what ends a secret
			dst = s.rules(dst, text)
		}
		if views > 0 && strings.IndexByte(text, 0x1b) >= 0 {
			dst = s.through(dst, text, view{0x1b, stringOne}, views)
		}
		base = s.decoded(visible(s.arena, text), len(s.arena))
	}
	from := len(dst)
	if hit || l&lookHidden != 0 && s.speaks(base) {
		if views > 0 && opensJSON(base) {
			dst = s.rulesAndMembers(dst, base, views)
		} else {
			dst = s.rules(dst, base)
		}
	}
	if views > 0 {
		if l&lookPercent != 0 {
			dst = s.through(dst, base, view{'%', percentOne}, views)
			if strings.IndexByte(base, '+') >= 0 { // a blank in what a form sends
				dst = s.through(dst, s.decoded(spaced(s.arena, base), len(s.arena)), view{'%', percentOne}, views)
			}
		}
		if l&lookNested != 0 {
			dst = s.through(dst, base, view{'\\', escapeOne}, views)
		}
		dst = s.encoded(dst, base, views)
	}
	if len(base) != len(text) {
		back(text, dst[from:], view{0, visibleOne})
	}
	if len(dst) == all { // nobody has a part of what was decoded
		s.arena = s.arena[:mark]
	}
	return dst
}

// rules appends what the rules find in a text as it stands.
func (s *search) rules(dst []secret, text string) []secret {
	n := len(s.found)
	s.found = s.engine.Find(s.found, text)
	for _, f := range s.found[n:] {
		dst = append(dst, secret{f.Start, f.End, f.Rule, text[f.Start:f.End]})
	}
	s.found = s.found[:n]
	return dst
}

// rulesAndMembers does so in a text that may be JSON, and in its members. It is searched
// for words once.
func (s *search) rulesAndMembers(dst []secret, text string, views int) []secret {
	n, from := len(s.found), len(s.hits)
	s.found, s.hits = s.engine.FindHits(s.found, s.hits, text)
	for _, f := range s.found[n:] {
		dst = append(dst, secret{f.Start, f.End, f.Rule, text[f.Start:f.End]})
	}
	s.found = s.found[:n]
	dst = s.membersAt(dst, text, s.hits[from:], views)
	s.hits = s.hits[:from]
	return dst
}

// through looks at a text with one encoding undone.
func (s *search) through(dst []secret, text string, v view, views int) []secret {
	from, mark := len(dst), len(s.arena)
	inside := s.decoded(v.undo(s.arena, text), mark)
	if len(inside) == len(text) {
		s.arena = s.arena[:mark]
		return dst
	}
	dst = s.within(dst, inside, lookAt(inside, false), true, views-1) // to search is as fast as to ask whether to
	if back(text, dst[from:], v); len(dst) == from {
		s.arena = s.arena[:mark]
	}
	return dst
}

// encoded looks into what is base64.
func (s *search) encoded(dst []secret, text string, views int) []secret {
	for i := 0; ; {
		start, end, readable, ok := nextRun(text, i)
		if !ok {
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
		start, end, readable, ok := nextRun(inside, i)
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
	s.arena = s.arena[:mark]
	return found
}
