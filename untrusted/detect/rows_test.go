package detect

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sample is a text that a row takes.
func sample(r row, rng *rand.Rand) string {
	var words []string
	for part := range strings.FieldsSeq(r.steps) {
		if strings.HasPrefix(part, "..") && part != ".." {
			continue
		}
		alts := alternatives(part)
		var all []string
		for _, a := range alts {
			if set, ok := wordSets[strings.TrimPrefix(a, "$")]; ok && a[0] == '$' {
				all = append(all, strings.Fields(set)...)
			} else {
				all = append(all, a)
			}
		}
		w := all[rng.IntN(len(all))]
		switch w {
		case wordLine:
			w = "\n"
		case wordAddress:
			w = "eve@example.net"
		case wordURL:
			w = "https://example.net/in"
		case wordTool:
			w = "send_money"
		}
		words = append(words, w)
	}
	text := strings.Join(words, " ")
	for _, sign := range []string{"[", "]", "<", ">", "|", "#", "/", "\n", "("} { // as it is written
		text = strings.ReplaceAll(strings.ReplaceAll(text, " "+sign, sign), sign+" ", sign)
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, " :", ":"), " !", "!")
}

func testDetector() *Detector {
	tools := []string{"send_money", "search", "readFile", "get-user"}
	return New(Options{Tools: func(string) []string { return tools }})
}

// TestEveryRowIsFound takes texts of every row and looks for its rule in them, in
// the middle of ordinary text: a row is of no use where nothing kindles it.
func TestEveryRowIsFound(t *testing.T) {
	d := testDetector()
	const filler = "The harbour was calm in the early hours and boats lay along the quay. "
	for _, r := range rows {
		rng := rand.New(rand.NewPCG(1, 2))
		missed, example := 0, ""
		// A word beside it that kindles, for rows of ordinary words.
		const beside = "decode this. "
		const times = 50
		for range times {
			s := sample(r, rng)
			text := strings.Repeat(filler, 8) + beside + s + " " + strings.Repeat(filler, 8)
			sig := d.Scan(text)
			if r.only == definitions {
				sig = d.Description(text)
			}
			if !slices.Contains(sig.Rules, ruleTable[r.rule].name) {
				missed++
				example = s
			}
		}
		if missed > 0 {
			t.Errorf("%s %q: %d of %d missed, such as %q", ruleTable[r.rule].name, r.steps, missed, times, example)
		}
	}
}
