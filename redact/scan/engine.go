package scan

import (
	"slices"
	"strings"
	"sync"
)

// Rule is a rule of the user.
type Rule struct {
	// ID names it in findings and in what stands in place of a secret: lower-case
	// letters, digits and hyphens.
	ID, Description string
	// Regex is in the syntax of RE2. What it matches has a greatest length.
	Regex string
	// Keywords are words of at least three bytes, of which one stands in the match
	// or near it, in any case.
	Keywords []string
	// Entropy is what the secret must have more of, in bits a character; 0 for any.
	Entropy float64
	// Group is the group that is the secret; 0 for the first that takes part in the
	// match, or all of the match where there are no groups.
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
	rules    []*rule
	global   []*allowlist
	words    *automaton
	actions  [][]action // by number of a final state of the automaton
	slow     []*window  // the rules that are left to regexp
	lines    int        // how many allowlists look at lines
	personal *personal  // nil if nothing personal is looked for
	finders  sync.Pool
}

// rule is a rule that is ready for use.
type rule struct {
	id       string
	regex    string
	group    int
	entropy  float64
	keywords []string
	allow    []*allowlist
	pathOnly bool // it was made for files of one kind
	number   int  // its place among all
	rank     rank
	part     bool // a secret is part of a value that is one as a whole
}

// rank tells which of two rules gives its name to what both found; the smaller.
type rank byte

const (
	rankBlock   rank = iota // whole blocks
	rankShape               // what tells itself by how it is written
	rankKey                 // by the name of whose key it stands under
	rankLoose               // by a word that stands before it
	rankGeneric             // by any key
	rankPersonal
)

// action is what to do where a word ends.
type action struct {
	rule    *rule
	word    int // its length
	pattern *pattern
	trigger trigger // where the pattern begins
	gate    *gate   // whether it can match, nil if that is not told
	group   *keyGroup
	rest    int // how much of a key can follow the word
	hand    func(f *finder, r *rule, start, end int)
	window  *window
}

// New makes an Engine. What cannot be used is an [*ostiary.Error] with
// CodeConfigInvalid that names the rule and says what to write instead.
func New(o Options) (*Engine, error) {
	text := o.Rules
	if text == "" {
		text = defaultRules()
	}
	e := &Engine{}
	b := builder{e: e, groups: map[string]*keyGroup{}, words: map[string][]action{}, names: map[string]bool{}}
	rules, global, err := load(text)
	if err != nil {
		return nil, err
	}
	e.global = global
	e.lines = numbered(rules, global)
	for _, r := range rules {
		if err := b.file(r); err != nil {
			return nil, err
		}
	}
	b.own()
	for _, r := range o.Extra {
		if err := b.extra(r); err != nil {
			return nil, err
		}
	}
	if err := b.finish(); err != nil {
		return nil, err
	}
	if e.personal, err = newPersonal(e, o.Personal); err != nil {
		return nil, err
	}
	e.finders.New = func() any { return &finder{e: e} }
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
// a rule looks for, in their order. Where there is none there is nothing to find in
// raw, unless something of it is escaped or encoded: then what is decoded must be
// asked again. It allocates only what dst needs to grow.
func (e *Engine) Hits(dst []int, raw []byte) []int {
	if e.personal != nil {
		return personalHits(e.personal, dst, raw)
	}
	f := e.finders.Get().(*finder)
	for from := 0; from < len(raw); from += block {
		to := min(len(raw), from+block)
		for _, lane := range search(e.words, &f.lanes, raw, from, to) {
			dst = ends(dst, lane)
		}
	}
	f.release()
	return dst
}

// Find appends the secrets in text, in their order; no two overlap. The time it
// takes grows with the length of the text and not with what stands in it.
func (e *Engine) Find(dst []Finding, text string) []Finding {
	f := e.finders.Get().(*finder)
	dst = f.settle(dst, text)
	f.release()
	return dst
}

// ends appends the places of hits.
func ends(dst []int, lane []hit) []int {
	for _, h := range lane {
		dst = append(dst, h.end)
	}
	return dst
}

// marker stands in place of a secret.
func marker(rule string) string { return "[REDACTED:" + rule + "]" }

// builder makes the parts of an Engine.
type builder struct {
	e      *Engine
	groups map[string]*keyGroup
	words  map[string][]action
	names  map[string]bool
}

// add takes a rule in.
func (b *builder) add(r *rule) {
	r.number = len(b.e.rules)
	b.e.rules = append(b.e.rules, r)
	b.names[r.id] = true
}

// on adds what to do where one of words ends.
func (b *builder) on(words []string, a action) {
	for _, w := range words {
		w = strings.ToLower(w)
		a.word = len(w)
		if a.pattern != nil && a.trigger.max == 0 {
			a.gate = newGate(a.pattern, len(w))
		}
		if a.group != nil {
			a.rest = a.group.rest(w)
		}
		b.words[w] = append(b.words[w], a)
	}
}

// finish makes the automaton.
func (b *builder) finish() error {
	words := make([]string, 0, len(b.words))
	for w := range b.words {
		words = append(words, w)
	}
	slices.Sort(words)
	var ok bool
	if b.e.words, ok = newAutomaton(words); !ok {
		return invalid("The secret rules have too many keywords for one search. Use fewer rules, or shorter keywords.", nil)
	}
	b.e.actions = make([][]action, len(b.e.words.ends))
	for i, ends := range b.e.words.ends {
		for _, w := range ends {
			b.e.actions[i] = append(b.e.actions[i], b.words[words[w]]...)
		}
	}
	return nil
}
