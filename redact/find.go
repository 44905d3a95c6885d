package redact

import (
	"hash"
	"strings"

	"github.com/ostiary/ostiary/redact/scan"
)

// search finds secrets in texts. It holds what can be used again and belongs to one
// goroutine.
type search struct {
	engine *scan.Engine
	own    *index    // the door's own secrets
	mac    hash.Hash // see hash
	// arena holds decoded texts; found and hits are stacks.
	arena []byte
	found []scan.Finding
	hits  []int
	ahead []int // those of wordsAhead
	// longest is the longest part of a layer that hangs together, since it was set to 0.
	longest int
}

// keptArena is how much of an arena is kept for the next result.
const keptArena = 4 << 20

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

// reserve makes room for n bytes in the arena. What was decoded before stays where it is.
func (s *search) reserve(n int) {
	if cap(s.arena)-len(s.arena) < n {
		s.arena = uncleared(max(n, min(2*cap(s.arena), keptArena)))
	}
}

// drop gives back what was decoded since the arena was as long as mark.
func (s *search) drop(mark int) { s.arena = s.arena[:min(mark, len(s.arena))] }

// speaks reports whether a word of a rule stands in a text.
func (s *search) speaks(text string) bool {
	n := len(s.hits)
	s.hits = s.engine.Hits(s.hits, lend(text))
	found := len(s.hits) > n
	s.hits = s.hits[:n]
	return found
}

// within appends the secrets in a text and in what it holds encoded. l is what lookAt saw
// in it, hit that a word of a rule stands in it.
func (s *search) within(dst []secret, text string, l look, hit bool, views int) []secret {
	t := layer{text: text, fresh: fresh{whole: true}}
	t.trace.Words = views > 0 && opensJSON(text)
	return s.searchLayer(dst, t, l, hit, views)
}

// searchLayer does so with a layer, as far as it is new. l and hit are of its text.
func (s *search) searchLayer(dst []secret, t layer, l look, hit bool, views int) []secret {
	base, where, mark, all := t, t.fresh, len(s.arena), len(dst)
	if l&lookHidden != 0 {
		if hit { // what is hidden may also be what ends a secret
			dst = s.findNew(dst, &t, where)
		}
		if views > 0 && strings.IndexByte(t.text, 0x1b) >= 0 {
			dst = s.through(dst, t, view{0x1b, stringOne}, l, views) // which leaves what else is hidden
		}
		base, where = s.unhidden(t)
		hit = true
	}
	from := len(dst)
	if hit {
		dst = s.findNew(dst, &base, where)
		switch {
		case views == 0 || !opensJSON(base.text):
		case base.trace.Words:
			dst = s.membersAt(dst, base.text, base.trace.Hits, views)
		default:
			dst = s.members(dst, base.text, views)
		}
	}
	if views > 0 {
		dst = s.undone(dst, base, l&^lookHidden, views)
		dst = s.encoded(dst, base, views)
	}
	if len(base.text) != len(t.text) {
		backIn(t.text, dst[from:], view{0, visibleOne}, t.hides())
	}
	if len(dst) == all { // nobody has a part of what was decoded
		s.drop(mark)
	}
	return dst
}

// unhidden is a layer without what is hidden in it, and where rules have not looked there.
func (s *search) unhidden(t layer) (base layer, where fresh) {
	s.reserve(len(t.text))
	b, p := visibleIn(s.arena, t.text, t.hides())
	if len(p) == 0 {
		return t, fresh{}
	}
	base = layer{text: s.decoded(b, len(s.arena)), fresh: t.fresh, trace: p.carried(t.trace)}
	if !t.fresh.whole {
		base.fresh = freshIn(base.text, scan.Union(append(p.parts(), p.moved(t.fresh.parts)...)))
	}
	return base, freshIn(base.text, p.parts())
}

// visible is a text without what is hidden in it.
func (s *search) visible(text string) string {
	b, _ := visible(s.arena, text)
	return s.decoded(b, len(s.arena))
}

// rules appends what the rules find in a text as it stands.
func (s *search) rules(dst []secret, text string) []secret {
	n := len(s.found)
	s.found = s.engine.Find(s.found, text)
	return s.taken(dst, text, n)
}

// findNew appends what the rules find in a layer where it is new, and leaves a trace of that.
func (s *search) findNew(dst []secret, t *layer, where fresh) []secret {
	n := len(s.found)
	switch {
	case where.whole:
		t.trace = scan.Trace{Words: t.trace.Words}
		s.found = s.engine.FindTrace(s.found, &t.trace, t.text)
	case len(where.parts) > 0:
		s.found = s.engine.FindBeside(s.found, &t.trace, t.text, where.parts)
	}
	for _, x := range t.trace.Noted {
		s.longest = max(s.longest, x.To-x.From)
	}
	return s.taken(dst, t.text, n)
}

// taken appends what was found from a place of the stack on.
func (s *search) taken(dst []secret, text string, n int) []secret {
	for _, f := range s.found[n:] {
		dst = append(dst, secret{f.Start, f.End, f.Rule, text[f.Start:f.End]})
	}
	s.found = s.found[:n]
	return dst
}

// undone looks at a layer with each encoding undone that l has seen in it.
func (s *search) undone(dst []secret, t layer, l look, views int) []secret {
	if l&lookPercent != 0 {
		dst = s.through(dst, t, view{'%', percentOne}, l&^lookPercent, views)
		mark := len(s.arena)
		s.reserve(len(t.text))
		if b, plus := spaced(s.arena, t.text); len(plus) > 0 { // a blank in what a form sends
			form := t
			form.text = s.decoded(b, len(s.arena))
			from := len(dst)
			if dst = s.through(dst, form, view{'%', percentOne}, l&^lookPercent, views, plus...); len(dst) == from {
				s.drop(mark)
			}
		}
	}
	if l&lookNested != 0 {
		dst = s.through(dst, t, view{'\\', escapeOne}, l&^lookNested, views)
	}
	return dst
}

// through looks at a layer with one encoding undone; l is what else was seen in it. also are
// the patches by which its text is another one than its trace tells of: the blanks of a form.
func (s *search) through(dst []secret, t layer, v view, l look, views int, also ...patch) []secret {
	from, mark := len(dst), len(s.arena)
	s.reserve(len(t.text))
	b, p := v.undo(s.arena, t.text)
	inside := s.decoded(b, len(s.arena))
	if len(p) == 0 {
		s.drop(mark)
		return dst
	}
	parts := p.parts()
	if len(also) > 0 {
		parts = scan.Union(append(parts, p.moved(patches(also).parts())...))
	}
	d := layer{text: inside, fresh: freshIn(inside, parts), hiddenElsewhere: l&lookHidden != 0}
	if d.fresh.whole {
		d.trace.Words = views > 1 && opensJSON(inside)
	} else {
		d.trace = p.carried(t.trace)
	}
	dst = s.searchLayer(dst, d, d.look(l), true, views-1) // to search is as fast as to ask whether to
	if back(t.text, dst[from:], v); len(dst) == from {
		s.drop(mark)
	}
	return dst
}
