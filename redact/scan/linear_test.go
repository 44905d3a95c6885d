package scan

import (
	"testing"

	"github.com/ostiary/ostiary/internal/hostile"
)

// TestHostileTexts counts how often the bytes of texts are read that are made to
// be slow, for each rule: a few dozen times each at the worst, and not more often
// where the text is longer.
func TestHostileTexts(t *testing.T) {
	e := engine(t)
	f := e.finders.Get().(*finder)
	defer f.release()
	const n, most = 2 << 10, 40
	read := func(text string) float64 {
		f.m.steps, f.side.steps = 0, 0
		f.find(text)
		return float64(f.m.steps+f.side.steps) / float64(len(text))
	}
	worst, where := 0.0, ""
	for _, r := range e.rules {
		for _, text := range hostile.Texts(r.regex, r.keywords, n) {
			once := read(text)
			if once > worst {
				worst, where = once, r.id+" "+text[:60]
			}
			if once < 10 {
				continue
			}
			if more := read(text + text + text + text); more > most || more > 2*once {
				t.Errorf("%s: %.0f steps a byte, %.0f in a text four times as long: %.80q", r.id, once, more, text)
			}
		}
	}
	t.Logf("at most %.0f steps a byte: %q", worst, where)
}
