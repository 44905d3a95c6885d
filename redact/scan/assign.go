package scan

import "strings"

// The family of rules "key <op> value": gitleaks writes them by these templates.
// What stands between key and value is the same for all of them.
const (
	familyOp   = `(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}(`
	familyEnd  = `)(?:[\x60'"\s;]|\\[nr]|$)`
	looseBegin = `(?i)[\w.-]{0,50}?(?:`
	looseMid   = `)(?:[ \t\w.-]{0,20})[\s'"]{0,3}` + familyOp
	exactBegin = `[\w.-]{0,50}?(?i:[\w.-]{0,50}?(?:`
	exactMid   = `)(?:[ \t\w.-]{0,20})[\s'"]{0,3})` + familyOp
)

// assignment is the key and the value of a rule of the family.
type assignment struct {
	key, value string // regular expressions; value with what ends it, its group 1 the value
}

// family takes a rule of the family apart; rest are other ways to match, behind a
// bar, or nothing.
func family(regex string) (a assignment, rest string, ok bool) {
	for _, t := range [][3]string{{looseBegin, looseMid, "(?i)"}, {exactBegin, exactMid, ""}} {
		body, ok := strings.CutPrefix(regex, t[0])
		if !ok {
			continue
		}
		key, body, ok := strings.Cut(body, t[1])
		if !ok {
			continue
		}
		value, rest, ok := strings.Cut(body, familyEnd)
		rest, more := strings.CutPrefix(rest, "|")
		if !ok || rest != "" && !more {
			continue
		}
		return assignment{"(?i)(?:" + key + ")", t[2] + "(" + value + familyEnd}, rest, true
	}
	return assignment{}, "", false
}

// keyGroup are the rules of the family that have the same key: it is looked for
// and left behind once for all of them.
type keyGroup struct {
	key    *pattern
	values []keyValue
	// plain is true if nothing stands in the key that may not stand behind it, so
	// that a look for the operator can come first.
	plain bool
	words []string // with which a key begins
	whole bool     // which are all of it
}

// rest is how much of a key can follow a word of it.
func (g *keyGroup) rest(word string) (n int) {
	if !g.whole {
		return maxKey
	}
	for _, w := range g.words {
		if strings.HasPrefix(w, word) {
			n = max(n, len(w)-len(word))
		}
	}
	return n
}

type keyValue struct {
	rule  *rule
	value *pattern
}

const (
	maxGap   = 20 // blanks and letters behind a key
	maxQuote = 3  // white space and quotes before the operator
	maxOpen  = 5  // and behind it
	maxName  = 50 // what of a name stands before the key
)

// tail leaves behind what may stand between a key that ends at i and an operator.
func tail(s string, i int) int {
	for limit := min(len(s), i+maxGap); i < limit && (isWord(s[i]) || s[i] == ' ' || s[i] == '\t' || s[i] == '.' || s[i] == '-'); {
		i++
	}
	for limit := min(len(s), i+maxQuote); i < limit && (isSpace(s[i]) || s[i] == '\'' || s[i] == '"'); {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' && c != '\v' }

// operators appends the places behind each operator that begins at i, in the order
// in which they are tried.
func operators(dst []int, s string, i int) []int {
	if i >= len(s) {
		return dst
	}
	switch s[i] {
	case '=':
		dst = append(dst, i+1)
		if i+1 < len(s) && s[i+1] == '>' {
			dst = append(dst, i+2)
		}
	case '>', ',':
		dst = append(dst, i+1)
	case ':':
		n := 1
		for n < 3 && i+n < len(s) && s[i+n] == ':' {
			n++
		}
		if i+n < len(s) && s[i+n] == '=' {
			dst = append(dst, i+n+1)
		}
		dst = append(dst, i+1)
	case '|':
		if i+1 < len(s) && s[i+1] == '|' {
			dst = append(dst, i+2)
		}
	case '?':
		if i+1 < len(s) && s[i+1] == '=' {
			dst = append(dst, i+2)
		}
	}
	return dst
}

// maxKey is how much of a key stands at most behind the word that finds it, where
// the look for the operator comes first.
const maxKey = 40

// gap are the bytes that may stand in a key and behind it.
var gap = setOf(func(c byte) bool { return isWord(c) || c == ' ' || c == '\t' || c == '.' || c == '-' })

// hopeless reports whether no operator can belong to a key of whose word the last
// byte stands before i, and of which as many bytes as rest can follow.
func hopeless(s string, i, rest int) bool {
	for limit := min(len(s), i+rest+maxGap); i < limit && gap[s[i]]; {
		i++
	}
	for limit := min(len(s), i+maxQuote); i < limit && (isSpace(s[i]) || s[i] == '\'' || s[i] == '"'); {
		i++
	}
	return i == len(s) || !operatorBytes[s[i]]
}

var operatorBytes = setOf(func(c byte) bool { return strings.IndexByte("=>:|?,", c) >= 0 })

// onlyOf reports whether a pattern can read nothing but bytes of a set, and not
// more than most of them.
func (n *node) onlyOf(s *set, most int) bool {
	for ; n.op != opEnd; n = n.next {
		switch n.op {
		case opLiteral, opFold:
			for i := range len(n.text) {
				if !s[n.text[i]] {
					return false
				}
			}
			most -= len(n.text)
		case opRun, opLazy:
			for c, in := range n.set {
				if in && !s[c] {
					return false
				}
			}
			if most -= n.max; n.max < 0 {
				return false
			}
		case opAlt:
			for _, w := range n.ways {
				if !w.onlyOf(s, most) {
					return false
				}
			}
			return true
		}
		if most < 0 {
			return false
		}
	}
	return true
}

// assigned looks for the values of a key that begins at i.
func (f *finder) assigned(g *keyGroup, i int) {
	behind, ok := f.m.match(g.key, i)
	if !ok {
		return
	}
	s := f.m.s
	var room [2]int
	ops := operators(room[:0], s, tail(s, behind))
	if len(ops) == 0 {
		return
	}
	name := max(i-maxName, 0)
	from := i
	for from > name && (isWord(s[from-1]) || s[from-1] == '.' || s[from-1] == '-') {
		from--
	}
	for n := range g.values {
		v := &g.values[n]
		if i >= f.until[v.rule.number] {
			f.value(v, max(from, f.until[v.rule.number]), ops)
		}
	}
}

// value looks for a value behind each operator; white space and quotes before it
// are as many as there are, and fewer where it begins with an equals sign or quote.
func (f *finder) value(v *keyValue, from int, ops []int) {
	s, p := f.m.s, v.value
	for _, at := range ops {
		i := at
		for limit := min(len(s), at+maxOpen); i < limit && isOpen(s[i]); {
			i++
		}
		for ; i >= at; i-- {
			end, ok := f.m.match(p, i)
			if !ok {
				continue
			}
			f.add(v.rule, 1, from, end)
			return
		}
	}
}

func isOpen(c byte) bool { return c == '`' || c == '\'' || c == '"' || c == '=' || isSpace(c) }
