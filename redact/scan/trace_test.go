package scan

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// changes is a text with some of it replaced: where that is in the new one, and the places
// of the old one there.
func changes(r *rand.Rand, text string, parts []string) (made string, changed []Span, place func(int) int) {
	var b strings.Builder
	var from, to []int // places in the old text and in the new one, behind each change
	for at := 0; ; {
		next := at + 1 + r.IntN(1+len(text)/(1+r.IntN(6)))
		if next >= len(text) {
			b.WriteString(text[at:])
			break
		}
		b.WriteString(text[at:next])
		start := b.Len()
		if r.IntN(3) > 0 {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		at = min(len(text), next+r.IntN(40))
		changed = append(changed, Span{start, b.Len()})
		from, to = append(from, at), append(to, b.Len())
	}
	return b.String(), changed, func(i int) int {
		moved := i
		for n, x := range from {
			if x > i {
				break
			}
			moved = to[n] + i - x
		}
		return moved
	}
}

// TestFindBeside looks for what is in a text and neither was in the one that it was made of
// nor is found beside what is new.
func TestFindBeside(t *testing.T) {
	e := besideEngine(t)
	parts := morsels(e)
	r := rand.New(rand.NewPCG(7, 1))
	f, g := e.finders.Get().(*finder), e.finders.Get().(*finder)
	fresh, old := 0, 0
	for range 3000 {
		text := mixture(r, parts)
		made, changed, place := changes(r, text, parts)
		before := map[match]bool{}
		for _, m := range f.find(text) {
			before[match{m.rule, place(m.start), place(m.end)}] = true
		}
		trace := Trace{Words: true}
		e.FindTrace(nil, &trace, text)
		for i, x := range trace.Noted {
			trace.Noted[i] = Span{place(x.From), place(x.To)}
		}
		trace.Noted = Union(trace.Noted)
		beside := slices.Clone(f.beside(made, changed, trace.Noted))
		for _, m := range g.find(made) {
			switch {
			case slices.Contains(beside, m):
				fresh++
			case before[m]:
				old++
			default:
				t.Fatalf("%v %q is found only in all of %q, made of %q with %v", m, made[m.start:m.end], made, text, changed)
			}
		}
		for i, x := range trace.Hits {
			trace.Hits[i] = place(x)
		}
		told := e.FindBeside(nil, &trace, made, changed)
		for _, m := range beside {
			at := m.start
			for _, f := range told {
				if f.Start <= at && at < f.End {
					at = f.End
				}
			}
			if at < m.end {
				t.Fatalf("%v %q of %q is not told, but %v", m, made[m.start:m.end], made, told)
			}
		}
		for _, hit := range e.Hits(nil, []byte(made)) {
			if _, ok := slices.BinarySearch(trace.Hits, hit); !ok {
				t.Fatalf("a word ends at %d of %q, made of %q with %v, and that is not told", hit, made, text, changed)
			}
		}
	}
	t.Logf("%d are found beside what is new, %d were before", fresh, old)
	if fresh < 1000 || old < 1000 {
		t.Error("the texts say little")
	}
}
