package redact

import (
	"fmt"
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/ostiary/ostiary"
)

// MinKnown is the length in bytes below which a known secret is refused: it would
// be found by chance everywhere, and so tell itself by where it is missing.
const MinKnown = 6

// Options are what New needs.
type Options struct {
	// Known are the credentials of the configuration, as they are used. White
	// space around one does not count.
	Known []string
	// Returned are those of them that must not come back to a client either; see
	// [Redactor.Message].
	Returned []string
}

// Redactor replaces secrets. It is safe for use by many goroutines.
type Redactor struct {
	index atomic.Pointer[index]
	names *names
	live  *live
	// messages looks for what must not come back.
	messages atomic.Pointer[messages]
	// eye is the same for a person's eye; nil there. It masks only what fits the
	// alphabet of a secret, so that nobody hides in one what shall be decided about.
	eye *Redactor
}

// New makes a Redactor. A known secret that is shorter than MinKnown bytes, or
// that would be found in the words of a redaction, is CodeConfigInvalid; the
// error tells its place in the list and never the secret.
func New(o Options) (*Redactor, error) {
	r := &Redactor{names: &names{seed: maphash.MakeSeed()}, live: &live{learned: map[string][]string{}}}
	for i, secret := range append(o.Known[:len(o.Known):len(o.Known)], o.Returned...) {
		secret = strings.TrimSpace(secret)
		if len(secret) < MinKnown {
			return nil, invalid(i, fmt.Sprintf("is shorter than %d bytes and would be found by chance: use a longer one", MinKnown))
		}
		if common(secret) {
			return nil, invalid(i, "is a common word that stands in the log anyway: use a better one")
		}
		r.live.known = append(r.live.known, secret)
		if i >= len(o.Known) {
			r.live.returned = append(r.live.returned, secret)
		}
	}
	r.eye = &Redactor{names: r.names}
	r.live.rebuild(r)
	return r, nil
}

// common reports whether a secret would be found in the words of a redaction.
func common(secret string) bool {
	x := newIndex(nil)
	x.add(secret)
	for _, rule := range rules() {
		if m := marker(rule); len(x.scanViews(x.scan(nil, m, false), m, maxViews)) > 0 {
			return true
		}
	}
	return false
}

func invalid(i int, what string) error {
	return &ostiary.Error{
		Code:    ostiary.CodeConfigInvalid,
		Message: fmt.Sprintf("known secret number %d %s", i+1, what),
	}
}

func marker(rule string) string { return "[REDACTED:" + rule + "]" }

// Text returns s with known secrets, secrets of a well-known shape and values of
// URL parameters that are named like secrets replaced.
func (r *Redactor) Text(s string) string {
	out, _ := r.text(s)
	return out
}

// ShownText is Text for the eye of a person who decides; see Shown.
func (r *Redactor) ShownText(s string) string { return r.eye.Text(s) }

// strict reports whether this is for the eye.
func (r *Redactor) strict() bool { return r.eye == nil }

// rounds bounds how often a text is looked at again. What was replaced may have
// hidden that its neighbour is a secret too, so the last look finds nothing.
const rounds = 8

func (r *Redactor) text(s string) (out string, changed bool) {
	for range rounds {
		spans := merge(r.find(nil, s))
		if len(spans) == 0 {
			return s, changed
		}
		s, changed = replace(s, spans), true
	}
	if r.finds(s) {
		return marker(ruleKnown), true
	}
	return s, changed
}

// finds reports whether s holds anything to replace.
func (r *Redactor) finds(s string) bool { return len(r.find(nil, s)) > 0 }

// find adds what must be replaced in s, in no order and with overlaps.
func (r *Redactor) find(spans []span, s string) []span {
	return r.findInline(r.privateKeys(spans, s), s)
}

// findInline is find without what may take many lines.
func (r *Redactor) findInline(spans []span, s string) []span {
	x := r.index.Load()
	spans = x.scan(spans, s, true)
	spans = r.queryValues(spans, s, '?')
	spans = r.queryValues(spans, s, '#')
	if x.empty() {
		return spans
	}
	return x.scanViews(spans, s, maxViews)
}

// findKnown is find for known secrets alone.
func (r *Redactor) findKnown(spans []span, s string) []span {
	x := r.index.Load()
	if x.empty() {
		return spans
	}
	return x.scanViews(x.scan(spans, s, false), s, maxViews)
}
