package scan

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// lazy is a regular expression that is compiled when it is first needed: most
// never are, and compiled they hold megabytes.
type lazy struct {
	source string
	once   sync.Once
	re     *regexp.Regexp
}

// get compiles. A source that cannot be compiled was refused when it was loaded.
func (l *lazy) get() *regexp.Regexp {
	l.once.Do(func() { l.re = regexp.MustCompile(l.source) })
	return l.re
}

// target is the text that the regular expressions of an allowlist look at.
type target byte

const (
	targetSecret target = iota
	targetMatch
	targetLine
)

// allowlist says what is no secret although it looks like one.
type allowlist struct {
	target  target
	number  int  // among those that look at lines
	both    bool // regex and stop word must speak, not one of them
	sources []string
	words   []string

	once  sync.Once
	index map[[wordHead]byte][]string
	heads [headWords]uint64 // which heads there are, roughly
	any   *anyOf
}

// wordHead is how many bytes of a stop word find it, headWords the size of a first
// look at whether there is one.
const (
	wordHead  = 3
	headWords = 128
)

// newAllowlist makes an allowlist of a table; nil if it can say nothing here,
// where there are no paths and no commits.
func newAllowlist(t allowTable) (*allowlist, error) {
	a := &allowlist{}
	switch strings.ToUpper(t.Condition) {
	case "", "OR", "||":
	case "AND", "&&":
		if len(t.Paths)+len(t.Commits) > 0 {
			return nil, nil
		}
		a.both = len(t.Regexes) > 0 && len(t.StopWords) > 0
	default:
		return nil, fmt.Errorf("condition %q is neither and nor or", t.Condition)
	}
	switch t.RegexTarget {
	case "", "secret":
	case "match":
		a.target = targetMatch
	case "line":
		a.target = targetLine
	default:
		return nil, fmt.Errorf("regexTarget %q is neither secret, match nor line", t.RegexTarget)
	}
	for _, source := range t.Regexes {
		if err := compiles(source); err != nil {
			return nil, err
		}
		a.sources = append(a.sources, strings.Clone(source))
	}
	for _, w := range t.StopWords {
		if len(w) < wordHead {
			return nil, fmt.Errorf("the stop word %q is shorter than %d bytes", w, wordHead)
		}
		a.words = append(a.words, strings.ToLower(w))
	}
	if len(a.sources)+len(a.words) == 0 {
		return nil, nil
	}
	return a, nil
}

// allows reports whether the secret s[start:end], found by a match at s[from:to],
// is none. none is for what is known of lines, by number.
func (a *allowlist) allows(m *machine, none []Span, s string, from, to, start, end int) bool {
	a.once.Do(a.prepare)
	text := s[start:end]
	if !a.both && a.stops(text) {
		return true
	}
	switch a.target {
	case targetMatch:
		text = s[from:to]
	case targetLine:
		low, high := max(0, from-maxLine), min(len(s), to+maxLine)
		if a.any.calm(s, low, high, &none[a.number]) {
			return false
		}
		text = line(s, from, to)
	}
	return a.any.in(m, text) && (!a.both || a.stops(s[start:end]))
}

// prepare makes what is only needed once something was found.
func (a *allowlist) prepare() {
	a.any = newAnyOf(a.sources)
	a.index = make(map[[wordHead]byte][]string, len(a.words))
	for _, w := range a.words {
		head := [wordHead]byte([]byte(w))
		a.index[head] = append(a.index[head], w)
		n := place(head)
		a.heads[n/64] |= 1 << (n % 64)
	}
}

// maxLine bounds what of a line is looked at on each side of a match: a text
// without line ends must not be read again for each of them.
const maxLine = 256

func line(s string, from, to int) string {
	low, high := max(0, from-maxLine), min(len(s), to+maxLine)
	if i := strings.LastIndexByte(s[low:from], '\n'); i >= 0 {
		low += i + 1
	}
	if i := strings.IndexByte(s[to:high], '\n'); i >= 0 {
		high = to + i
	}
	return s[low:high]
}

// stops reports whether the secret has a stop word in it.
func (a *allowlist) stops(secret string) bool {
	if len(a.words) == 0 {
		return false
	}
	for i := 0; i+wordHead <= len(secret); i++ {
		head := [wordHead]byte{lower(secret[i]), lower(secret[i+1]), lower(secret[i+2])}
		if n := place(head); a.heads[n/64]&(1<<(n%64)) == 0 {
			continue
		}
		for _, w := range a.index[head] {
			if len(secret)-i >= len(w) && strings.EqualFold(secret[i:i+len(w)], w) {
				return true
			}
		}
	}
	return false
}

// place is where a head stands among the few that are known.
func place(head [wordHead]byte) uint {
	return (uint(head[0])*1021 + uint(head[1])*61 + uint(head[2])) % (64 * headWords)
}

// manyBits are n * log2(n) for small n.
var manyBits = func() (bits [64]float64) {
	for n := 1; n < len(bits); n++ {
		bits[n] = float64(n) * math.Log2(float64(n))
	}
	return bits
}()

func ofMany(n int32) float64 {
	if int(n) < len(manyBits) {
		return manyBits[n]
	}
	return float64(n) * math.Log2(float64(n))
}

// entropy is Shannon's, in bits a character, counted over bytes: what secrets are
// written in is ASCII.
func entropy(s string) float64 {
	var counts [256]int32
	sum := 0.0
	for i := range len(s) {
		counts[s[i]]++
	}
	for i := range len(s) { // each byte once
		if n := counts[s[i]]; n > 1 {
			sum += ofMany(n)
		}
		counts[s[i]] = 0
	}
	n := float64(max(len(s), 1))
	return math.Log2(n) - sum/n
}

// numbered counts the allowlists that look at lines, and numbers them.
func numbered(rules []*rule, global []*allowlist) (n int) {
	all := slices.Clone(global)
	for _, r := range rules {
		all = append(all, r.allow...)
	}
	for _, a := range all {
		if a != nil && a.target == targetLine {
			a.number = n
			n++
		}
	}
	return n
}
