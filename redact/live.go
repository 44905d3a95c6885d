package redact

import (
	"slices"
	"strings"
	"sync"
)

// keptValues is how many values of one source stay known: a server may repeat a
// token that was replaced meanwhile.
const keptValues = 8

// live are the known secrets, of which some come and go while the door is open.
type live struct {
	mu              sync.Mutex
	known, returned []string // of the configuration
	learned         map[string][]string
	order           []string // sources, in the order in which they came
}

// Learn notes what a source of credentials gives from now on: a file that has
// changed, the output of a program, a token of an issuer. Call it before the value
// is used. The values that the source gave before stay known, eight changes back.
// What is shorter than MinKnown, or a word of a redaction, cannot be found and is
// left out.
func (r *Redactor) Learn(source string, secrets ...string) {
	l := r.live
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.learned[source]
	before := len(all)
	for _, s := range secrets {
		s = strings.TrimSpace(s)
		if len(s) < MinKnown || slices.Contains(all, s) || common(s) {
			continue
		}
		all = append(all, s)
	}
	if len(all) == before {
		return
	}
	if most := keptValues * max(1, len(secrets)); len(all) > most {
		all = slices.Clone(all[len(all)-most:])
	}
	if before == 0 {
		l.order = append(l.order, source)
	}
	l.learned[source] = all
	l.rebuild(r)
}

// rebuild makes what looks for the secrets anew, for those who look next. It is
// called with the lock held, or before anybody else has r.
func (l *live) rebuild(r *Redactor) {
	x, own := newIndex(shapes()), newIndex(ownTokens())
	own.deep = true
	for _, s := range l.known {
		x.add(s)
	}
	for _, s := range l.returned {
		own.add(s)
	}
	for _, source := range l.order {
		for _, s := range l.learned[source] {
			x.add(s)
			own.add(s)
		}
	}
	r.index.Store(x)
	r.eye.index.Store(x.strict())
	r.eye.live = l
	l.messages(r, own)
}
