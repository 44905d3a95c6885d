package redact

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/redact/scan"
	"github.com/ostiary/ostiary/wire"
)

// The modes: what is done with what a rule finds.
const (
	// ModeRedact replaces it. It is the default.
	ModeRedact = "redact"
	// ModeBlock withholds the whole answer.
	ModeBlock = "block"
	// ModeReport lets it pass and notes it.
	ModeReport = "report"
	// ModeOff neither looks nor notes.
	ModeOff = "off"
)

// leastResult is the smallest bound: below it there is no room for what is said about
// what was left out.
const leastResult = 256

// DefaultMaxResult bounds what comes back where nobody says otherwise.
const DefaultMaxResult = 1 << 20

// FilterOptions are what NewFilter needs.
type FilterOptions struct {
	// Engine finds the secrets. Required.
	Engine *scan.Engine
	// Modes are those of rules, by their names, that are not ModeRedact.
	Modes map[string]string
	// MaxResult bounds, in bytes, the text of an answer, and its structured content,
	// where the rule of the call does not; 0 is DefaultMaxResult, the least is 256.
	MaxResult int
	// Key is the secret key of the hashes by which findings and exceptions name a
	// value, at least 16 bytes. Required.
	Key []byte
	// Allowed reports whether the operator made an exception for a value; see
	// [Exceptions.Allows]. tool is [Subject] of the call. nil allows nothing.
	Allowed func(upstream, tool, pointer, rule, valueHash string) bool
	// Conforms reports whether structured content fits an output schema. Without it
	// none does that was changed.
	Conforms func(outputSchema, content []byte) bool
}

// Filter takes secrets out of what goes to a client. It is safe for use by many
// goroutines.
type Filter struct {
	o        FilterOptions
	marks    map[string]bool // names that may stand in a marker
	own      map[string]bool // of them the door's own secrets, for which there is no mode and no exception
	searches sync.Pool
	readings sync.Pool
}

// NewFilter makes a Filter. A mode that there is not, or for a rule that there is
// not, is CodeConfigInvalid.
func NewFilter(o FilterOptions) (*Filter, error) {
	bad := func(what string) (*Filter, error) {
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: what}
	}
	if o.Engine == nil || len(o.Key) < 16 {
		return bad("redaction needs an engine and a key of at least 16 bytes")
	}
	if o.MaxResult < 0 {
		return bad("the bound of results must not be negative")
	}
	if o.MaxResult == 0 {
		o.MaxResult = DefaultMaxResult
	}
	f := &Filter{o: o, marks: map[string]bool{}, own: map[string]bool{}}
	known := o.Engine.Rules()
	for _, name := range append(rules(), known...) {
		f.marks[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(o.Modes)) {
		switch o.Modes[name] {
		case ModeRedact, ModeBlock, ModeReport, ModeOff:
		default:
			return bad("the rule " + name + " has no such mode: use redact, block or report")
		}
		if !slices.Contains(known, name) {
			return bad("there is no rule " + name + " for secrets" + like(name, known))
		}
	}
	own := newIndex(ownTokens())
	for _, of := range own.shapes {
		for _, s := range of {
			f.own[s.rule] = true
		}
	}
	f.searches.New = func() any { return &search{engine: o.Engine, own: own, mac: hmac.New(sha256.New, o.Key)} }
	return f, nil
}

// like suggests names that have a part in common.
func like(name string, known []string) string {
	var some []string
	first, _, _ := strings.Cut(name, "-")
	for _, k := range known {
		if len(first) > 2 && strings.Contains(k, first) && len(some) < 5 {
			some = append(some, k)
		}
	}
	if len(some) == 0 {
		return ""
	}
	return "; there are " + strings.Join(some, ", ")
}

// Name is the stage in decisions and records.
func (f *Filter) Name() string { return "redact" }

// Apply replaces the secrets in the strings of r.Body, cuts it to its bound and
// notes what it found. What it does not replace keeps its bytes. The error is
// CodeRedactSecret where a rule withholds the answer.
func (f *Filter) Apply(_ context.Context, c *ostiary.Call, r *ostiary.Result) error {
	if len(r.Body) == 0 {
		return nil
	}
	s := f.searches.Get().(*search)
	defer func() {
		s.reset()
		f.searches.Put(s)
	}()
	p := &pass{f: f, search: s, c: c, r: r, limit: f.o.MaxResult, reading: wire.NewReading(&f.readings)}
	defer p.leave()
	if c.Rule != nil {
		p.override = c.Rule.Output.Secrets
		if c.Rule.Output.MaxBytes > 0 {
			p.limit = c.Rule.Output.MaxBytes
		}
	}
	p.limit = max(p.limit, leastResult)
	body, err := p.treat(r.Body)
	if err != nil {
		return err
	}
	p.release(body)
	return nil
}

// leave hands on what was read of a body, if that is known of what came of it.
func (p *pass) leave() {
	known := p.reading.Of(p.r.Body) || len(p.swept) > 0 && same(p.swept, p.r.Body) && p.reading.Replaced(p.swept)
	if p.r.Read != nil || !known {
		p.reading.Release()
		return
	}
	p.r.Read = p.reading
}
