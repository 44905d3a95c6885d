package scan

import "strings"

// finder is one search; it is kept for the next.
type finder struct {
	e      *Engine
	m      machine
	side   machine // for allowlists
	lanes  lanes
	until  []int // by rule, where its last match ended
	open   []Span
	none   []Span // by number of an allowlist, see anyOf.calm
	found  []match
	merged []match
	far    []Span // see note
	most   int    // the greatest end of far
	begun  bool   // reset was called for this text
	keeps  bool   // whether the places behind words are kept, in ends
	ends   []int
	room   []byte // for replaced
	// keyEnd is where the next private key ends, as far as that was looked for.
	keyEnd, keyFrom int
}

// match is a secret that a rule found.
type match struct {
	rule       *rule
	start, end int
}

// mostRoom is how much room for texts is kept for the next search, in bytes.
const mostRoom = 2 << 20

func (f *finder) release() {
	f.m.begin("") // do not keep the text
	f.side.begin("")
	if cap(f.room) > mostRoom {
		f.room = nil
	}
	f.e.finders.Put(f)
}

// find collects all matches in text. They may overlap.
func (f *finder) find(text string) []match {
	f.begin(text)
	f.walk(0, len(text))
	f.closeWindows()
	if f.e.personal != nil {
		f.e.personal.find(f, 0, len(text))
	}
	return f.found
}

func (f *finder) begin(text string) {
	f.m.begin(text)
	f.found, f.far, f.most, f.begun = f.found[:0], f.far[:0], 0, false
}

// walk does what is to be done where words end in a part of the text.
func (f *finder) walk(low, high int) {
	for from := low; from < high; from += block {
		to := min(high, from+block)
		for _, lane := range search(f.e.words, &f.lanes, f.m.s, from, to) {
			if len(lane) > 0 && !f.begun {
				f.reset()
			}
			if f.keeps {
				f.ends = ends(f.ends, lane)
			}
			for _, h := range lane {
				f.m.high = 0
				f.act(f.e.actions[f.e.words.place(h.state)], h.end)
				if f.m.high > h.end+usual {
					f.note(h.end-f.e.words.longest, f.m.high)
				}
			}
		}
	}
}

func (f *finder) reset() {
	f.begun = true
	if f.until == nil {
		f.until = make([]int, len(f.e.rules))
		f.open = make([]Span, len(f.e.slow))
		f.none = make([]Span, f.e.lines)
	}
	clear(f.until)
	clear(f.open)
	clear(f.none)
	f.keyEnd, f.keyFrom = 0, 0
}

// act does what is to be done where a word ends.
func (f *finder) act(actions []action, end int) {
	for i := range actions {
		a := &actions[i]
		start := end - a.word
		switch {
		case a.group != nil:
			if !a.group.plain || !hopeless(f.m.s, end, a.rest) {
				f.assigned(a.group, start)
			}
		case a.pattern != nil:
			if a.gate == nil || a.gate.opens(f.m.s, end) {
				f.pattern(a, start)
			}
		case a.hand != nil:
			if start >= f.until[a.rule.number] {
				a.hand(f, a.rule, start, end)
			}
		default:
			f.widen(a.window, start, end)
		}
	}
}

// pattern tries a pattern at each place where it can begin if its word stands at
// start.
func (f *finder) pattern(a *action, start int) {
	s, t := f.m.s, &a.trigger
	if t.edge && start > 0 && isWord(s[start-1]) {
		return
	}
	if t.before != nil && (start == 0 || !t.before[s[start-1]]) {
		return
	}
	if t.max == 0 && !strings.HasPrefix(s[start:], a.pattern.lead) {
		return
	}
	low := max(start-t.max, f.until[a.rule.number], 0)
	for at := low; at <= start-t.min; at++ {
		if end, ok := f.m.match(a.pattern, at); ok {
			f.add(a.rule, a.rule.group, at, end)
			return
		}
	}
}

// add takes a match of a rule, if it is a secret. The marks of its groups are
// those of the machine.
func (f *finder) add(r *rule, group, from, to int) {
	start, end := from, to
	marks := f.m.marks
	if group > 0 {
		start, end = marks[2*group], marks[2*group+1]
	} else {
		for g := 2; g+1 < len(marks); g += 2 {
			if marks[g] < marks[g+1] {
				start, end = marks[g], marks[g+1]
				break
			}
		}
	}
	f.take(r, from, to, start, end)
}

// take adds the secret s[start:end] of a match at s[from:to], if it is one.
func (f *finder) take(r *rule, from, to, start, end int) {
	s := f.m.s
	for start < end && s[start] == '\n' {
		start++
	}
	for end > start && s[end-1] == '\n' {
		end--
	}
	f.until[r.number] = max(f.until[r.number], to)
	f.note(from-Reach, to+Reach)
	if start < 0 || start >= end || r.entropy > 0 && entropy(s[start:end]) <= r.entropy {
		return
	}
	for _, a := range f.e.global {
		if a.allows(&f.side, f.none, s, from, to, start, end) {
			return
		}
	}
	for _, a := range r.allow {
		if a.allows(&f.side, f.none, s, from, to, start, end) {
			return
		}
	}
	f.found = append(f.found, match{r, start, end})
}
