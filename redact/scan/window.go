package scan

// near is how far from a match its keyword may stand.
const near = 256

// window is a rule that is left to regexp: it looks only at what stands near one
// of its keywords, and at nothing twice.
type window struct {
	rule   *rule
	re     *lazy
	reach  int
	number int
}

// widen adds what is near a word to the open part of a window, or looks at that part and
// begins another one if it is too far or too long.
func (f *finder) widen(w *window, start, end int) {
	o := &f.open[w.number]
	low, high := max(0, start-w.reach), min(len(f.m.s), end+w.reach)
	if o.To > 0 && low <= o.To && o.To-o.From < 16*w.reach {
		o.To = high
		return
	}
	f.look(w, *o)
	*o = Span{low, high}
}

// closeWindows looks at what was not looked at yet.
func (f *finder) closeWindows() {
	if !f.begun {
		return
	}
	for _, w := range f.e.slow {
		f.look(w, f.open[w.number])
	}
}

// look runs the expression. What touches an edge that is not one of the text may
// be cut off, and stands whole in the next window if its keyword is near.
func (f *finder) look(w *window, o Span) {
	if o.To == 0 {
		return
	}
	f.note(o.From, o.To)
	s := f.m.s[o.From:o.To]
	for _, at := range w.re.get().FindAllStringSubmatchIndex(s, -1) {
		if at[0] == 0 && o.From > 0 || at[1] == len(s) && o.To < len(f.m.s) {
			continue
		}
		if o.From+at[0] < f.until[w.rule.number] {
			continue
		}
		f.m.marks = f.m.marks[:0]
		for _, i := range at {
			if i >= 0 {
				i += o.From
			}
			f.m.marks = append(f.m.marks, i)
		}
		f.add(w.rule, w.rule.group, o.From+at[0], o.From+at[1])
	}
}
