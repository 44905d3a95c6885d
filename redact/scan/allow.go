package scan

import (
	"fmt"
	"math"
	"regexp"
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
	both    bool // regex and stop word must speak, not one of them
	regexes []*lazy
	words   []string

	once  sync.Once
	index map[[wordHead]byte][]string
}

// wordHead is how many bytes of a stop word find it.
const wordHead = 3

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
		a.regexes = append(a.regexes, &lazy{source: strings.Clone(source)})
	}
	for _, w := range t.StopWords {
		if len(w) < wordHead {
			return nil, fmt.Errorf("the stop word %q is shorter than %d bytes", w, wordHead)
		}
		a.words = append(a.words, strings.ToLower(w))
	}
	if len(a.regexes)+len(a.words) == 0 {
		return nil, nil
	}
	return a, nil
}

// allows reports whether the secret s[start:end], found by a match at s[from:to],
// is none.
func (a *allowlist) allows(s string, from, to, start, end int) bool {
	text := s[start:end]
	switch a.target {
	case targetMatch:
		text = s[from:to]
	case targetLine:
		text = line(s, from, to)
	}
	byRegex := false
	for _, l := range a.regexes {
		if byRegex = l.get().MatchString(text); byRegex {
			break
		}
	}
	if byRegex != a.both { // one is enough, or one was missing
		return byRegex
	}
	return a.stops(s[start:end])
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
	a.once.Do(func() {
		a.index = make(map[[wordHead]byte][]string, len(a.words))
		for _, w := range a.words {
			head := [wordHead]byte([]byte(w))
			a.index[head] = append(a.index[head], w)
		}
	})
	secret = strings.ToLower(secret)
	for i := 0; i+wordHead <= len(secret); i++ {
		for _, w := range a.index[[wordHead]byte([]byte(secret[i:i+wordHead]))] {
			if strings.HasPrefix(secret[i:], w) {
				return true
			}
		}
	}
	return false
}

// entropy is Shannon's, in bits a character, counted over bytes: what secrets are
// written in is ASCII.
func entropy(s string) float64 {
	if s == "" {
		return 0
	}
	var counts [256]int
	for i := range len(s) {
		counts[s[i]]++
	}
	sum := 0.0
	for _, n := range counts {
		if n > 0 {
			sum += float64(n) * math.Log2(float64(n))
		}
	}
	n := float64(len(s))
	return math.Log2(n) - sum/n
}
