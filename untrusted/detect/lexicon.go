package detect

import (
	"fmt"
	"strings"
)

// lexicon is what the rows of patterns are compiled into: the words, and for each
// step of a pattern the set of words that it takes.
type lexicon struct {
	words map[string]wordID
	signs [256]wordID
	// table is words again, for texts: open, by the hash of a word.
	table [tableSize]entry

	line, address, url, tool, number wordID

	patterns []pattern
	// starts are the patterns that may begin with a word.
	starts [][]uint16
	// in are the sets of words that a word is in.
	in []sets
}

// sets are sets of words that steps take, a bit each. Where there are more than
// bits, some share one: it only says what cannot match.
type sets [4]uint64

func (s *sets) add(n int) { s[n>>6&3] |= 1 << (n & 63) }

// join adds those of a word of a text.
func (s *sets) join(o *sets) {
	s[0], s[1], s[2], s[3] = s[0]|o[0], s[1]|o[1], s[2]|o[2], s[3]|o[3]
}

// within reports whether all of s are in o.
func (s *sets) within(o *sets) bool {
	return s[0]&^o[0]|s[1]&^o[1]|s[2]&^o[2]|s[3]&^o[3] == 0
}

type entry struct {
	word string
	id   wordID
}

const tableSize = 1 << 12

// find returns the number of a word, 0 if no rule knows it.
func (l *lexicon) find(word []byte) wordID { return l.look(word, wordHash(word)) }

// look is find for who knows the hash.
func (l *lexicon) look(word []byte, hash uint32) wordID {
	for h := hash; ; h++ {
		switch e := &l.table[h%tableSize]; {
		case e.id == 0:
			return 0
		case e.word == string(word):
			return e.id
		}
	}
}

func wordHash[S string | []byte](word S) uint32 {
	h := uint32(0)
	for i := range len(word) {
		h = hashByte(h, word[i])
	}
	return h ^ h>>13
}

func hashByte(h uint32, c byte) uint32 { return (h ^ uint32(c)) * 0x01000193 }

type pattern struct {
	rule  ruleID
	only  scope
	steps []step
	needs sets // those of its steps behind the first
}

// step is a set of words, with at most gap words before it.
type step struct {
	words []uint64
	gap   int
}

func (s *step) has(w wordID) bool { return w != 0 && s.words[w>>6]>>(w&63)&1 != 0 }

// compile reads the table. A row is a list of steps: alternatives with bars between
// them, of words, of sets ($name) and of signs; ..3 before one lets up to three
// other words stand between. What ends a sentence is never passed over.
func compile(rows []row, named map[string]string) (*lexicon, error) {
	l := &lexicon{words: map[string]wordID{}}
	for word, id := range map[string]*wordID{wordLine: &l.line, wordAddress: &l.address, wordURL: &l.url, wordTool: &l.tool, wordNumber: &l.number} {
		*id = l.add(word)
	}
	type draft struct {
		gap   int
		words []wordID
	}
	var drafts [][]draft
	for _, r := range rows {
		var steps []draft
		gap := 0
		for part := range strings.FieldsSeq(r.steps) {
			if n, ok := strings.CutPrefix(part, ".."); ok && n != "" {
				if _, err := fmt.Sscanf(n, "%d", &gap); err != nil || gap < 1 || gap > 12 {
					return nil, fmt.Errorf("detect: %q: a gap is from 1 to 12", r.steps)
				}
				continue
			}
			d := draft{gap: gap}
			gap = 0
			for _, alt := range alternatives(part) {
				if name, ok := strings.CutPrefix(alt, "$"); ok && name != "" {
					set, ok := named[name]
					if !ok {
						return nil, fmt.Errorf("detect: %q: no set is called %s", r.steps, name)
					}
					for w := range strings.FieldsSeq(set) {
						d.words = append(d.words, l.add(w))
					}
					continue
				}
				d.words = append(d.words, l.add(alt))
			}
			steps = append(steps, d)
		}
		drafts = append(drafts, steps)
	}
	size := len(l.words)/64 + 1
	l.starts, l.in = make([][]uint16, len(l.words)+1), make([]sets, len(l.words)+1)
	known := map[string]int{} // the sets
	for i, steps := range drafts {
		p := pattern{rule: rows[i].rule, only: rows[i].only}
		for k, d := range steps {
			s := step{words: make([]uint64, size), gap: d.gap}
			for _, w := range d.words {
				if k == 0 && !s.has(w) {
					l.starts[w] = append(l.starts[w], uint16(i))
				}
				s.words[w>>6] |= 1 << (w & 63)
			}
			p.steps = append(p.steps, s)
			if k == 0 {
				continue
			}
			n, ok := known[fmt.Sprint(s.words)]
			if !ok {
				n = len(known)
				known[fmt.Sprint(s.words)] = n
				for _, w := range d.words {
					l.in[w].add(n)
				}
			}
			p.needs.add(n)
		}
		l.patterns = append(l.patterns, p)
	}
	return l, nil
}

func alternatives(part string) []string {
	if part == "|" {
		return []string{part}
	}
	return strings.Split(part, "|")
}

// add returns the number of a word, spelt as it is read: folded, for words of other
// alphabets.
func (l *lexicon) add(word string) wordID {
	word = spelt(word)
	if n := len(word); n > 1 && word[0] != '@' && word[0] != '\\' {
		for i := range n {
			if byteClass[word[i]] != byteWord || n > longestWord {
				panic("detect: no text has the word " + word)
			}
		}
	}
	if id, ok := l.words[word]; ok {
		return id
	}
	id := wordID(len(l.words) + 1)
	l.words[word] = id
	h := wordHash(word)
	for l.table[h%tableSize].id != 0 {
		h++
	}
	l.table[h%tableSize] = entry{word, id}
	if len(word) == 1 && byteClass[word[0]] != byteWord {
		l.signs[word[0]] = id
	}
	return id
}

// match reports whether p begins at token i, and at which token it ends.
func (p *pattern) match(all []token, i int) (end int, ok bool) {
	if len(p.steps) == 1 {
		return i, true
	}
	return p.after(all, i, 1)
}

func (p *pattern) after(all []token, i, n int) (int, bool) {
	s := &p.steps[n]
	for j, words := i+1, 0; j < len(all); j++ {
		t := &all[j]
		if s.has(t.word) {
			if n == len(p.steps)-1 {
				return j, true
			}
			if end, ok := p.after(all, j, n+1); ok {
				return end, true
			}
		}
		if t.kind == tokenStop || j-i > 3*(s.gap+2) {
			return 0, false
		}
		if t.kind == tokenWord {
			if words++; words > s.gap {
				return 0, false
			}
		}
	}
	return 0, false
}

// spelt is a word or an anchor as views show it.
func spelt(word string) string {
	var f folder
	return string(f.view([]byte(word), 0).text)
}
