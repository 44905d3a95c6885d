package scan

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// file takes in a rule of a rule file: by hand where it has one of the forms that
// are known, else as a pattern, else it is left to regexp.
func (b *builder) file(r *rule) error {
	r.rank = rankShape
	if r.id == "generic-api-key" {
		r.rank = rankGeneric
	}
	parsed, err := syntax.Parse(r.regex, syntax.Perl)
	if err != nil {
		return invalid(fmt.Sprintf("The secret rule %q has a regular expression that RE2 does not take.", r.id), err)
	}
	if a, rest, ok := family(r.regex); ok {
		// A rule for files of one kind would find any password anywhere.
		if r.pathOnly {
			return nil
		}
		return b.family(r, a, rest)
	}
	if hand, words, ok := handFor(r); ok {
		b.add(r)
		b.on(words, action{rule: r, hand: hand})
		return nil
	}
	b.add(r)
	if p, t, ok := searchable(parsed); ok {
		b.on(t.words, action{rule: r, pattern: p, trigger: t})
		return nil
	}
	b.window(r, parsed)
	return nil
}

// searchable makes the pattern of an expression and the words that find it; false
// if there are none.
func searchable(parsed *syntax.Regexp) (*pattern, trigger, bool) {
	p, ok := compile(parsed)
	if !ok {
		return nil, trigger{}, false
	}
	t, ok := triggerOf(parsed)
	return p, t, ok
}

// family takes in a rule "key <op> value". What it has besides, behind a bar, is
// looked for as a rule of its own.
func (b *builder) family(r *rule, a assignment, rest string) error {
	if r.rank == rankShape {
		r.rank = rankKey
	}
	key, err := syntax.Parse(a.key, syntax.Perl)
	if err != nil {
		return invalid(fmt.Sprintf("The key of the secret rule %q is none.", r.id), err)
	}
	value, err := syntax.Parse(a.value, syntax.Perl)
	if err != nil {
		return invalid(fmt.Sprintf("The value of the secret rule %q is none.", r.id), err)
	}
	v, ok := compile(value)
	g := b.groups[a.key]
	if g == nil && ok {
		var t trigger
		var p *pattern
		if p, t, ok = searchable(key); ok && t.max == 0 {
			g = &keyGroup{key: p, plain: p.start.onlyOf(gap, maxKey)}
			g.words, g.whole = prefixes(flat(nil, key))
			b.groups[a.key] = g
			b.on(t.words, action{group: g})
		}
	}
	b.add(r)
	if !ok || g == nil {
		parsed, err := syntax.Parse(r.regex, syntax.Perl)
		if err != nil {
			return invalid(fmt.Sprintf("The secret rule %q has a regular expression that RE2 does not take.", r.id), err)
		}
		b.window(r, parsed)
		return nil
	}
	g.values = append(g.values, keyValue{r, v})
	if rest == "" {
		return nil
	}
	parsed, err := syntax.Parse(rest, syntax.Perl)
	if err != nil {
		return invalid(fmt.Sprintf("The secret rule %q has a regular expression that RE2 does not take.", r.id), err)
	}
	if p, t, ok := searchable(parsed); ok {
		b.on(t.words, action{rule: r, pattern: p, trigger: t})
		return nil
	}
	b.window(r, parsed)
	return nil
}

// window leaves a rule to regexp, near its keywords.
func (b *builder) window(r *rule, parsed *syntax.Regexp) {
	_, most := width(parsed)
	if most < 0 || most > maxWidth {
		most = maxWidth
	}
	w := &window{rule: r, re: &lazy{source: r.regex}, reach: most + near, number: len(b.e.slow)}
	b.e.slow = append(b.e.slow, w)
	b.on(r.keywords, action{rule: r, window: w})
}

// extra takes in a rule of the user.
func (b *builder) extra(given Rule) error {
	parsed, err := check(given)
	if err != nil {
		return err
	}
	if b.names[given.ID] {
		return refuse(given.ID, "has the name of another rule. Give it a name of its own")
	}
	r := &rule{id: given.ID, regex: given.Regex, group: given.Group, entropy: given.Entropy, rank: rankShape, keywords: given.Keywords}
	b.add(r)
	p, t, ok := searchable(parsed)
	if ok {
		for _, w := range t.words {
			ok = ok && holds(w, given.Keywords)
		}
	}
	if ok {
		b.on(t.words, action{rule: r, pattern: p, trigger: t})
		return nil
	}
	b.window(r, parsed)
	return nil
}

// holds reports whether one of the keywords stands in word.
func holds(word string, keywords []string) bool {
	for _, k := range keywords {
		if strings.Contains(word, strings.ToLower(k)) {
			return true
		}
	}
	return false
}
