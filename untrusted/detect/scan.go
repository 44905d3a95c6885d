package detect

import (
	"slices"
)

const (
	pieceSize    = 32 << 10 // what is read at once
	pieceOverlap = 1 << 10  // what two pieces share
	before       = 72       // bytes that are read before a spark
	after        = 144      // and behind it
	more         = 240      // bytes that are read on both sides where that saw something
	windowMost   = 4 << 10  // bytes that are made into tokens at once
	windowShare  = 256
	near         = 1000 // bytes within which signs add up
)

// scan is one look at one text. It is used again.
type scan struct {
	d        *Detector
	as       scope
	upstream string
	sparks   *sparks
	isTool   func([]byte) bool
	folder   folder
	tokens   []token
	inside   bool
	encoded  []byte
	decoded  []byte

	// last is where each rule was last seen, from 1; score and found sum up.
	hits  int
	last  [ruleCount]int
	score float64
	found []found
}

type found struct {
	rule       ruleID
	start, end int
}

func (s *scan) begin(d *Detector, upstream string, as scope) {
	s.d, s.upstream, s.as = d, upstream, as
	s.sparks, s.isTool = d.sparks, nil
	if known := d.names.of(upstream); known != nil {
		s.sparks, s.isTool = known.sparks, known.has
	}
	s.last, s.score, s.found, s.inside = [ruleCount]int{}, 0, s.found[:0], false
	s.hits = 0
}

// end forgets what belongs to others.
func (s *scan) end() { s.d, s.sparks, s.isTool = nil, nil, nil }

func (s *scan) text(text []byte, base int) {
	for from := 0; ; from += pieceSize - pieceOverlap {
		to := min(from+pieceSize, len(text))
		v := s.folder.view(text[from:to], base+from)
		s.piece(&v)
		if to == len(text) {
			break
		}
	}
}

func (s *scan) piece(v *view) {
	if v.tags {
		s.hit(ruleHidden, v, 0, 0)
	}
	if s.as == definitions {
		s.read(v, 0, len(v.text))
		s.kindled(v, nil)
	} else {
		s.kindled(v, s.around)
	}
	if !s.inside {
		s.blobs(v)
		s.percents(v)
	}
}

// kindled goes through the places where anchors stand, and reads what is around
// them, each byte about once.
func (s *scan) kindled(v *view, read func(v *view, from, to int)) {
	start, end := -1, -1 // the window that is still open
	for i, gram := s.sparks.next(v.text, 0); i < len(v.text); i, gram = s.sparks.next(v.text, i+2) {
		for n := s.sparks.chain(gram); n != 0; n = s.sparks.list[n].next {
			a := &s.sparks.list[n]
			at := a.begins(v.text, i, gram)
			if at < 0 {
				continue
			}
			switch a.kind {
			case kindPhrase:
				s.hit(a.rule, v, at, at+len(a.text))
			case kindLink, kindQuery:
				s.link(v, at, a)
			case kindRead:
				if read == nil {
					continue
				}
				from := max(0, at-before)
				if start < 0 || from > end {
					if start >= 0 {
						read(v, start, end)
					}
					start = from
				}
				end = min(len(v.text), at+after)
			}
		}
	}
	if start >= 0 && read != nil {
		read(v, start, end)
	}
}

// around reads what is around sparks, and more of it where something is seen.
func (s *scan) around(v *view, from, to int) {
	before := s.hits
	s.read(v, from, to)
	if s.hits != before {
		s.read(v, max(0, from-more), min(from+windowShare, to))
		s.read(v, max(to-windowShare, from), min(to+more, len(v.text)))
	}
}

// read looks for patterns in v.text[from:to].
func (s *scan) read(v *view, from, to int) {
	from, to = wordStart(v.text, from), wordEnd(v.text, to)
	for from < to {
		part := to
		if part-from > windowMost {
			part = wordEnd(v.text, from+windowMost)
		}
		s.tokens = s.d.lexicon.tokens(s.tokens[:0], v.text, from, part, s.isTool)
		s.patterns(v)
		if part >= to {
			return
		}
		from = max(wordStart(v.text, part-windowShare), from+windowMost/2)
	}
}

// patterns looks at each token for patterns that begin with it.
func (s *scan) patterns(v *view) {
	l := s.d.lexicon
	var all sets // of the words that are there
	for i := range s.tokens {
		if w := s.tokens[i].word; w != 0 {
			all.join(&l.in[w])
		}
	}
	for i := range s.tokens {
		for _, n := range l.starts[s.tokens[i].word] {
			p := &l.patterns[n]
			if !p.needs.within(&all) || p.only != anywhere && p.only != s.as {
				continue
			}
			end, ok := p.match(s.tokens, i)
			if !ok {
				continue
			}
			s.hit(p.rule, v, int(s.tokens[i].start), int(s.tokens[end].end))
			for _, t := range s.tokens[i : end+1] {
				if t.word != 0 && t.kind == tokenWord && v.disguised(int(t.start), int(t.end)) {
					s.hit(ruleDisguised, v, int(t.start), int(t.end))
				}
			}
		}
	}
}

// wordStart and wordEnd move out of a word, but not far.
func wordStart(s []byte, i int) int {
	for n := 0; i > 0 && n < longestWord && byteClass[s[i-1]] == byteWord; n++ {
		i--
	}
	return i
}

func wordEnd(s []byte, i int) int {
	for n := 0; i < len(s) && n < longestWord && byteClass[s[i]] == byteWord; n++ {
		i++
	}
	return i
}

// hit notes that a rule saw something at [start, end) of the view.
func (s *scan) hit(r ruleID, v *view, start, end int) {
	s.hits++
	at, until := v.place(start), v.place(end)
	if s.last[r] > at { // the same again, or seen from two pieces
		s.keep(r, at, until)
		return
	}
	s.last[r] = at + 1
	miss := 1.0
	for other, seen := range s.last {
		if seen != 0 && abs(at+1-seen) <= near {
			miss *= 1 - s.worth(ruleID(other))
		}
	}
	s.score = max(s.score, 1-miss)
	s.keep(r, at, until)
}

func (s *scan) worth(r ruleID) float64 {
	if s.as == definitions {
		return ruleTable[r].definition
	}
	return ruleTable[r].result
}

// keep remembers a place, as long as there is room and it is not there yet.
func (s *scan) keep(r ruleID, start, end int) {
	for i := range s.found {
		f := &s.found[i]
		if f.rule == r && start <= f.end && f.start <= end {
			f.start, f.end = min(f.start, start), max(f.end, end)
			return
		}
	}
	if len(s.found) < MaxSpans {
		s.found = append(s.found, found{r, start, end})
	}
}

func (s *scan) signal() Signal {
	if len(s.found) == 0 {
		return Signal{}
	}
	slices.SortFunc(s.found, func(a, b found) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return int(a.rule) - int(b.rule)
	})
	sig := Signal{Score: s.score}
	for _, f := range s.found {
		name := ruleTable[f.rule].name
		if !slices.Contains(sig.Rules, name) {
			sig.Rules = append(sig.Rules, name)
		}
		sig.Spans = append(sig.Spans, Span{Rule: name, Start: f.start, End: f.end})
	}
	return sig
}

func abs(n int) int { return max(n, -n) }

// lowered is s as anchors are compared.
func lowered(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] |= 0x20
	}
	return string(b)
}
