package scan

import (
	"regexp/syntax"
	"strings"
)

// trigger is a word that stands in every match of a pattern, at a distance from
// its beginning that is known.
type trigger struct {
	words    []string // one of them
	min, max int      // bytes before it
	before   *set     // what the byte before it is one of; nil for any
	edge     bool     // it begins a word
}

const (
	maxWords    = 48 // of one trigger
	maxWord     = 12 // bytes that are looked for of one
	maxExpand   = 8  // characters of a class that are written out
	maxDistance = 64
)

// triggerOf is the best word to find matches of re by; false if there is none.
func triggerOf(re *syntax.Regexp) (best trigger, ok bool) {
	items := flat(nil, re)
	low, high, score := 0, 0, 0
	for i, item := range items {
		words, _ := prefixes(items[i:])
		if n := shortest(words); n > 0 && high-low <= maxDistance && high <= 4*maxDistance {
			worth := 4 * min(n, 8)
			if low != high {
				worth -= 6 + (high-low)/4
			}
			if worth > score {
				best, score, ok = trigger{words: words, min: low, max: high}, worth, true
				if i > 0 {
					best.edge = items[i-1].Op == syntax.OpWordBoundary && isWord(words[0][0])
					best.before = last(items[i-1])
				}
			}
		}
		a, b := width(item)
		if b < 0 {
			break
		}
		low, high = low+a, high+b
	}
	return best, ok
}

// flat writes out what stands behind each other.
func flat(items []*syntax.Regexp, re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			items = flat(items, sub)
		}
		return items
	case syntax.OpCapture:
		return flat(items, re.Sub[0])
	}
	return append(items, re)
}

// last is the set of the byte that a single class ends with; nil if that is not told.
func last(re *syntax.Regexp) *set {
	switch re.Op {
	case syntax.OpRepeat, syntax.OpPlus:
		if re.Op == syntax.OpRepeat && re.Min == 0 {
			return nil
		}
		re = re.Sub[0]
	}
	if s, ok := classOf(re); ok {
		return s
	}
	return nil
}

func shortest(words []string) int {
	n := maxWord
	for _, w := range words {
		n = min(n, len(w))
	}
	if len(words) == 0 {
		return 0
	}
	return n
}

// width is how many bytes re matches, at least and at most; -1 for no bound.
func width(re *syntax.Regexp) (least, most int) {
	switch re.Op {
	case syntax.OpLiteral:
		n := len(string(re.Rune))
		return n, n
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		s, _ := classOf(re)
		if s[0x80] {
			return 1, 4
		}
		return 1, 1
	case syntax.OpCapture:
		return width(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			a, b := width(sub)
			least += a
			most = plus(most, b)
		}
		return least, most
	case syntax.OpAlternate:
		least = -1
		for _, sub := range re.Sub {
			a, b := width(sub)
			if least < 0 || a < least {
				least = a
			}
			if b < 0 || most < 0 {
				most = -1
			} else {
				most = max(most, b)
			}
		}
		return least, most
	case syntax.OpStar:
		return 0, -1
	case syntax.OpPlus:
		a, _ := width(re.Sub[0])
		return a, -1
	case syntax.OpQuest:
		_, b := width(re.Sub[0])
		return 0, b
	case syntax.OpRepeat:
		a, b := width(re.Sub[0])
		if re.Max < 0 || b < 0 {
			return a * re.Min, -1
		}
		return a * re.Min, b * re.Max
	}
	return 0, 0
}

func plus(a, b int) int {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}

// prefixes are the words of which one begins every match of what stands behind
// each other, in lower case; whole if they are all of it.
func prefixes(items []*syntax.Regexp) (words []string, whole bool) {
	words, whole = []string{""}, true
	for _, item := range items {
		if !whole {
			break
		}
		var next []string
		next, whole = begin(item)
		if len(words)*len(next) > maxWords {
			return words, false
		}
		var all []string
		for _, w := range words {
			for _, n := range next {
				all = append(all, w+n)
			}
		}
		words = all
	}
	for i, w := range words {
		if len(w) > maxWord {
			words[i], whole = w[:maxWord], false
		}
	}
	return sortedUnique(words), whole
}

func begin(re *syntax.Regexp) (words []string, whole bool) {
	none := []string{""}
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpBeginText, syntax.OpEndText:
		return none, true
	case syntax.OpLiteral:
		word := strings.ToLower(string(re.Rune))
		for i := range len(word) {
			if word[i] >= 0x80 {
				return none, false
			}
		}
		return []string{word}, true
	case syntax.OpCharClass:
		s, _ := classOf(re)
		for c := range s {
			if s[c] && lower(byte(c)) == byte(c) || s[c] && !s[lower(byte(c))] {
				words = append(words, string(rune(lower(byte(c)))))
			}
			if s[c] && c >= 0x80 || len(words) > maxExpand {
				return none, false
			}
		}
		return words, true
	case syntax.OpCapture:
		return begin(re.Sub[0])
	case syntax.OpConcat:
		return prefixes(re.Sub)
	case syntax.OpAlternate:
		whole = true
		for _, sub := range re.Sub {
			w, all := begin(sub)
			words, whole = append(words, w...), whole && all
		}
		if len(words) > maxWords {
			return none, false
		}
		return words, whole
	case syntax.OpQuest:
		words, whole = begin(re.Sub[0])
		return append(words, ""), whole
	case syntax.OpPlus:
		words, _ = begin(re.Sub[0])
		return words, false
	case syntax.OpRepeat:
		if re.Min == 0 {
			return none, false
		}
		one, whole := begin(re.Sub[0])
		if !whole || re.Min != re.Max || re.Max > maxWord {
			return one, false
		}
		items := make([]*syntax.Regexp, re.Min)
		for i := range items {
			items[i] = re.Sub[0]
		}
		return prefixes(items)
	}
	return none, false
}
