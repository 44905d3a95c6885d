package scan

import (
	"cmp"
	"slices"
)

// Rule is a rule of the user or one of our own.
type Rule struct {
	// ID names it in findings and in what stands in place of a secret: lower-case
	// letters, digits and hyphens.
	ID, Description string
	// Regex is in the syntax of RE2.
	Regex string
	// Keywords are words of which one must stand near a match, in any case.
	Keywords []string
	// Entropy is what the secret must have more of, in bits a character; 0 for any.
	Entropy float64
	// Group is the group that is the secret; 0 for the first that takes part in the
	// match, or the match where there are no groups.
	Group int
}

// Options are what New needs. The zero value is what everybody should have.
type Options struct {
	// Extra are rules besides those of the file and our own.
	Extra []Rule
	// Personal are the kinds of personal data to find: email, phone, card, iban,
	// national-id, ip.
	Personal []string
	// Rules is a file of rules in the format of gitleaks; "" for the one of the
	// dependency.
	Rules string
}

// Finding is a secret in a text: the bytes of the secret itself, not of its key.
type Finding struct {
	Rule       string
	Start, End int
}

// Engine finds secrets. It is safe for use by many goroutines.
type Engine struct {
	rules  []*rule
	global []*allowlist
	auto   *automaton
	// triggers are what to look at where a word of the automaton ends.
	triggers [][]*rule
}

// rule is a rule that is ready for use.
type rule struct {
	id       string
	regex    string
	group    int
	entropy  float64
	keywords []string
	allow    []*allowlist
	rank     int // by which one of two that overlap gives the name; the smaller
	re       *lazy
}

// New makes an Engine. What cannot be used is an [*ostiary.Error] with
// CodeConfigInvalid that names the rule.
func New(o Options) (*Engine, error) {
	text := o.Rules
	if text == "" {
		text = defaultRules()
	}
	e := &Engine{}
	var err error
	if e.rules, e.global, err = load(text); err != nil {
		return nil, err
	}
	for _, r := range append(ownRules(), o.Extra...) {
		made, err := newRule(r)
		if err != nil {
			return nil, err
		}
		e.rules = append(e.rules, made)
	}
	var words []string
	for _, r := range e.rules {
		r.re = &lazy{source: r.regex}
		words = append(words, r.keywords...)
	}
	words = sortedUnique(words)
	e.auto = newAutomaton(words)
	e.triggers = make([][]*rule, len(words))
	for _, r := range e.rules {
		for _, k := range r.keywords {
			n, _ := slices.BinarySearch(words, k)
			e.triggers[n] = append(e.triggers[n], r)
		}
	}
	return e, nil
}

// Rules are the names of all rules, in their order.
func (e *Engine) Rules() []string {
	ids := make([]string, len(e.rules))
	for i, r := range e.rules {
		ids[i] = r.id
	}
	return ids
}

// Hits appends the places in raw, behind the last byte, at which a word ends that
// a rule looks for. Where there is none there is nothing to find in raw, unless
// something of it is escaped or encoded: then what is decoded must be asked again.
// It allocates only what dst needs to grow.
func (e *Engine) Hits(dst []int, raw []byte) []int {
	state := uint32(0)
	for i, c := range raw {
		state = e.auto.table[state+uint32(e.auto.class[c])]
		if state&e.auto.final != 0 {
			dst = append(dst, i+1)
		}
	}
	return dst
}

// Find appends the secrets in text, in their order; no two overlap. The time it
// takes grows with the length of the text and not with what stands in it.
func (e *Engine) Find(dst []Finding, text string) []Finding {
	var seen map[*rule]bool
	var found []match
	for _, h := range e.auto.find(nil, text, 0) {
		for _, w := range e.auto.words(h.state) {
			for _, r := range e.triggers[w] {
				if seen[r] {
					continue
				}
				if seen == nil {
					seen = map[*rule]bool{}
				}
				seen[r] = true
				found = e.slow(found, r, text)
			}
		}
	}
	return merge(dst, found)
}

// match is a secret that a rule found.
type match struct {
	rule       *rule
	start, end int
}

func (e *Engine) slow(found []match, r *rule, text string) []match {
	for _, at := range r.re.get().FindAllStringSubmatchIndex(text, -1) {
		start, end := at[0], at[1]
		if r.group > 0 {
			start, end = at[2*r.group], at[2*r.group+1]
		} else {
			for g := 2; g < len(at); g += 2 {
				if at[g] < at[g+1] {
					start, end = at[g], at[g+1]
					break
				}
			}
		}
		if start < 0 || !e.secret(r, text, at[0], at[1], start, end) {
			continue
		}
		found = append(found, match{r, start, end})
	}
	return found
}

// secret reports whether what r matched at s[from:to] is a secret, s[start:end].
func (e *Engine) secret(r *rule, s string, from, to, start, end int) bool {
	if start >= end || r.entropy > 0 && entropy(s[start:end]) <= r.entropy {
		return false
	}
	for _, all := range [][]*allowlist{e.global, r.allow} {
		for _, a := range all {
			if a.allows(s, from, to, start, end) {
				return false
			}
		}
	}
	return true
}

// merge appends matches in their order. Those that overlap become one, with the
// name of the rule that says most.
func merge(dst []Finding, found []match) []Finding {
	slices.SortFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.rule.rank, b.rule.rank), cmp.Compare(b.end, a.end))
	})
	begin, rank := len(dst), 0
	for _, m := range found {
		if len(dst) > begin && m.start < dst[len(dst)-1].End {
			last := &dst[len(dst)-1]
			last.End = max(last.End, m.end)
			if m.rule.rank < rank {
				last.Rule, rank = m.rule.id, m.rule.rank
			}
			continue
		}
		dst = append(dst, Finding{m.rule.id, m.start, m.end})
		rank = m.rule.rank
	}
	return dst
}
