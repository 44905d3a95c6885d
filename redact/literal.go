package redact

import (
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/wire"
)

// literal replaces the secrets in one literal. What it leaves is looked at again:
// without its neighbour a text may be another secret.
func (p *pass) literal(w *wire.TextWalk, inside string, l look, hit bool, name string) {
	raw, text, changed := inside, borrow(w.Plain()), false
	for round := 0; ; round++ {
		if l&lookEscaped != 0 { // what it stands for may be part of another escape
			hit, l = hit || p.speaks(text), l|lookAt(text, false)
		}
		found, alone := p.secrets(text, l, hit, name)
		n := len(found)
		found = p.judge(p.f.outsideMarkers(text, found), w, round > 0)
		if len(found) == 0 {
			break
		}
		// The engine looks again itself at what it found is replaced.
		settled := alone && len(found) == n && !opensWith(text, found[0])
		if round == 0 && len(found) == n && !w.IsKey() && !besideRun(text, found) &&
			(settled || name == "" && p.isolated(text, l, found)) {
			p.cut(w.Start()+1, raw, text, found)
			return
		}
		if len(text) != len(raw) {
			back(raw, found, view{'\\', escapeOne})
			found = joined(found)
		}
		from := len(p.arena)
		if round == rounds {
			raw = marker(found[0].rule)
			changed = true
			break
		}
		raw, changed = p.decoded(masked(p.arena, raw, found), from), true
		if text = p.plain(raw); settled {
			hit = false // and no escapes came
			continue
		}
		l, hit = lookAt(raw, true), true
	}
	if changed {
		p.put(w, raw)
	}
}

// opensWith reports whether a text with members may open as JSON does once a secret is
// replaced: by the bracket of what stands for it. Then its members are looked at.
func opensWith(text string, s secret) bool {
	return strings.TrimLeft(text[:s.start], blanks) == "" && strings.IndexByte(text[s.end:], '{') >= 0
}

// besideRun reports whether what may be base64 stands beside a secret, or in lines before
// or behind it: it is decoded otherwise when the secret is gone.
func besideRun(text string, found []secret) bool {
	const near = 2*leastLine + 8 // without what breaks lines
	for _, s := range found {
		for i, run, left := s.start, 0, near; i > 0 && left > 0; left-- {
			if at := breakBegin(text, 0, i); at < i {
				i, run = at, 0
				continue
			}
			if i--; asciiBits[text[i]] == 0 {
				run = 0
			} else if run++; run == leastLine {
				return true
			}
		}
		for i, run, left := s.end, 0, near; i < len(text) && left > 0; left-- {
			if n := breakAt(text, i); n > 0 {
				i, run = i+n, 0
				continue
			}
			if asciiBits[text[i]] == 0 {
				run = 0
			} else if run++; run == leastLine {
				return true
			}
			for i++; i < len(text) && text[i-1] == '\\' && text[i] == '\\'; i++ { // looked at together
			}
		}
	}
	return false
}

// secrets are those of a text. alone says that the rules found them all, in the text as
// it stands, and that no name makes a secret of what is left.
func (p *pass) secrets(text string, l look, hit bool, name string) (found []secret, alone bool) {
	if alone = hit && l == 0 && name == "" && !opensJSON(text) && !strings.Contains(text, markerBegins); alone {
		found = p.rules(nil, text)
		p.longest = len(text) // nobody knows
		n := len(found)
		found = p.runs(found, text, 0, len(text), maxViews)
		alone = len(found) == n
	} else {
		p.longest = 0
		found = p.within(nil, text, l, hit, maxViews)
	}
	if name != "" {
		if rule, ok := p.engine.Assigned(name, p.seen(text, l)); ok {
			return append(found, secret{0, len(text), rule, text}), false
		}
	}
	return found, alone
}

// seen is a text without what is hidden in it.
func (p *pass) seen(text string, l look) string {
	if l&lookHidden == 0 {
		return text
	}
	return p.visible(text)
}

// cut replaces secrets in the literal whose inside begins at base, if that is all that
// is to be done there.
func (p *pass) cut(base int, raw, text string, found []secret) {
	if !p.noted(found) {
		p.unread = true
		if len(text) != len(raw) {
			back(raw, found, view{'\\', escapeOne})
			found = joined(found)
		}
		for i := range found {
			found[i].start, found[i].end = base+found[i].start, base+found[i].end
		}
	}
	p.begin()
	for _, s := range found {
		p.out = append(append(append(append(p.out, p.body[p.done:s.start]...), markerBegins...), s.rule...), ']')
		p.done = s.end
	}
}

// noted moves secrets to the places of the body where they are written, and has the
// reading note what stands for them. It is false, and they stay, if it cannot.
func (p *pass) noted(found []secret) bool {
	if len(found) > mostCuts {
		return false
	}
	var cuts [mostCuts]wire.Cut
	for i, s := range found {
		c, ok := p.reading.Written(s.start, s.end)
		if !ok || i > 0 && c.Start < cuts[i-1].End { // both have a part of one escape
			return false
		}
		c.With = marker(s.rule)
		cuts[i] = c
	}
	for i := range found {
		found[i].start, found[i].end = cuts[i].Start, cuts[i].End
		p.reading.Cut(cuts[i])
	}
	return true
}

// mostCuts is how many secrets of a text the reading is told of.
const mostCuts = 8

// begin makes room for the new body, which is not cleared.
func (p *pass) begin() {
	if p.out == nil {
		p.out = uncleared(len(p.body) + len(p.body)/16 + 64)
	}
}

// put writes a literal's new inside. Keys of one object must differ.
func (p *pass) put(w *wire.TextWalk, inside string) {
	p.unread = true
	p.begin()
	p.out = append(append(p.out, p.body[p.done:w.Start()+1]...), inside...)
	if w.IsKey() {
		if p.keys++; p.keys > 1 {
			p.out = append(strconv.AppendInt(append(p.out, " ("...), int64(p.keys), 10), ')')
		}
	}
	p.done = w.End() - 1
}
