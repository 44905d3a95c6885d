package scan

import "slices"

// Span is a part of a text.
type Span struct{ From, To int }

// Trace is what a search tells besides what it found: what another one needs to go on
// from it in a text that was made of this one. See [Engine.FindBeside]. It belongs to one
// goroutine.
type Trace struct {
	// Noted are the parts of the text in which what is found hangs together, in order: a
	// search of one of them begins with its begin and goes on to its end.
	Noted []Span
	// Words says that Hits are asked for: the places that [Engine.Hits] tells.
	Words bool
	Hits  []int
}

// FindTrace is Find, and leaves a trace of it in t, of which nothing but Words is set.
func (e *Engine) FindTrace(dst []Finding, t *Trace, text string) []Finding {
	f := e.finders.Get().(*finder)
	f.ends, f.keeps = t.Hits, t.Words
	found := f.find(text)
	t.Noted = Union(append(t.Noted, f.far...))
	return e.leave(dst, f, t, text, found)
}

// FindBeside appends what Find would find in a text and would not have found in another
// one, from which it differs in nothing but the bytes at changed, which are in order and do
// not overlap; where bytes are gone, a change is empty. It may append more, which was found
// in the other text too. t is the trace of the search of that one, in places of this one,
// and becomes that of this search; it may tell more hits than there are. Only what is beside
// the changes is searched, but what is found costs a copy of the text, and hits of personal
// data a look at all of it.
func (e *Engine) FindBeside(dst []Finding, t *Trace, text string, changed []Span) []Finding {
	f := e.finders.Get().(*finder)
	f.ends, f.keeps = t.Hits, t.Words
	found := f.beside(text, changed, t.Noted)
	t.Noted = Union(append(t.Noted, f.far...))
	dst = e.leave(dst, f, t, text, found)
	slices.Sort(t.Hits)
	t.Hits = slices.Compact(t.Hits)
	return dst
}

// leave appends what was found, leaves the hits in t, and gives the finder back.
func (e *Engine) leave(dst []Finding, f *finder, t *Trace, text string, found []match) []Finding {
	dst = f.settled(dst, text, found, t.Noted)
	t.Hits, f.ends = f.ends, nil
	f.release()
	if t.Words && e.personal != nil {
		t.Hits = personalHits(e.personal, t.Hits[:0], text)
	}
	return dst
}
