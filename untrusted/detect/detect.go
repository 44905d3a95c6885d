package detect

import (
	"slices"
	"strings"
	"sync"
)

// Options is what a Detector knows beside the text.
type Options struct {
	// Tools are the names of the tools that a text of an upstream may try to have
	// called: those of all upstreams of the same client. "" asks for all there are.
	// It is called often and from several goroutines. A list MUST NOT change after
	// it was returned; a new list is a new slice. Nil means that no names are known.
	Tools func(upstream string) []string
}

// Signal is what a text looks like.
type Signal struct {
	// Score is from 0, nothing was seen, to 1. It is that of the most suspicious
	// part of the text, so that it does not grow with length alone.
	Score float64
	// Rules are the names of what was seen, each once, in the order of the spans.
	Rules []string
	// Spans are where: in order, at most MaxSpans.
	Spans []Span
}

// Span is what a rule saw: bytes Start to End of the text.
type Span struct {
	Rule       string
	Start, End int
}

// MaxSpans is how many places a signal names. The score counts all.
const MaxSpans = 16

// Detector looks for signs of injected instructions. It is safe for concurrent use.
type Detector struct {
	lexicon *lexicon
	sparks  *sparks
	names   names
	room    sync.Pool // *scan
}

// New compiles the rules.
func New(o Options) *Detector {
	l, err := compile(rows, wordSets)
	if err != nil {
		panic(err) // the table is part of the program, and a test reads it
	}
	all := anchors()
	return &Detector{lexicon: l, sparks: newSparks(all), names: names{list: o.Tools, anchors: all}}
}

// Scan says what a result, or other text of the kind that informs, looks like. It
// is ScanFrom where it is not known who sent it.
func (d *Detector) Scan(text string) Signal { return d.ScanFrom("", []byte(text)) }

// ScanFrom is Scan for a text of an upstream, which may name the tools that its
// clients can call. The text is not kept.
func (d *Detector) ScanFrom(upstream string, text []byte) Signal {
	return d.run(upstream, text, results)
}

// Description says how suspicious a text of a definition is at first sight: a
// tool's description, a parameter's ("name: description"), a prompt's, a server's
// instructions. Those speak to the model by nature, so other rules count.
func (d *Detector) Description(text string) Signal {
	return d.run("", []byte(text), definitions)
}

func (d *Detector) run(upstream string, text []byte, as scope) Signal {
	s := d.scan()
	s.begin(d, upstream, as)
	s.text(text, 0)
	sig := s.signal()
	s.end()
	d.room.Put(s)
	return sig
}

func (d *Detector) scan() *scan {
	if s, ok := d.room.Get().(*scan); ok {
		return s
	}
	return &scan{}
}

// anchors are all texts at which reading begins, each once; one that holds another
// is not needed.
func anchors() []anchor {
	var all []anchor
	for _, p := range phrases {
		p.text = spelt(p.text)
		all = append(all, p)
	}
	var words []string
	for _, w := range kindling {
		words = append(words, lowered(spelt(w)))
	}
	slices.SortFunc(words, func(a, b string) int { return len(a) - len(b) })
	for i, w := range words {
		if !slices.ContainsFunc(words[:i], func(shorter string) bool { return strings.Contains(w, shorter) }) {
			all = append(all, anchor{text: w, kind: kindRead})
		}
	}
	for _, w := range linkSigns {
		all = append(all, anchor{text: w, kind: kindLink})
	}
	for _, w := range querySigns {
		all = append(all, anchor{text: w, kind: kindQuery})
	}
	return all
}
