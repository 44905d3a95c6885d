package config

import (
	"crypto/rand"
	"slices"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/redact"
	"github.com/ostiary/ostiary/redact/scan"
	"github.com/ostiary/ostiary/untrusted"
	"github.com/ostiary/ostiary/untrusted/detect"
	"github.com/ostiary/ostiary/validate"
)

// filters are what everything passes that goes towards a client, in their order:
// what is secret goes before the rest is looked at and marked.
func (f *File) filters(w Wiring, log *audit.Log, s ostiary.Store, sig *signals, text func(string) string, engine *scan.Engine) ([]ostiary.Filter, error) {
	outputs := new(validate.Outputs)
	r, err := f.newRedact(w, log, s, outputs, engine)
	if err != nil {
		return nil, err
	}
	all := []ostiary.Filter{r}
	if !f.Untrusted.Off {
		u, err := f.newUntrusted(w, sig.detector, text, outputs)
		if err != nil {
			return nil, err
		}
		all = append(all, u, sig.memory)
	}
	return all, nil
}

// valueKey is the purpose of the key by which findings and exceptions name a value.
const valueKey = "hashes of found values"

func (f *File) newRedact(w Wiring, log *audit.Log, s ostiary.Store, outputs *validate.Outputs, engine *scan.Engine) (*redact.Filter, error) {
	exceptions := redact.NewExceptions(redact.ExceptionsOptions{Store: s, Clock: w.Now, Logger: w.Log})
	return redact.NewFilter(redact.FilterOptions{
		Engine: engine, Modes: f.Redact.modes(engine.Rules()), MaxResult: f.Redact.MaxResult,
		Key: log.Secret(valueKey), Allowed: exceptions.Allows, Conforms: outputs.Fits,
	})
}

// cleaner takes out of a server's standard error what the rules find, as out of its
// answers; what they only report, or are told to leave, stays.
func (r *Redact) cleaner(engine *scan.Engine, known *redact.Redactor) *gateway.Cleaner {
	modes := r.modes(engine.Rules())
	replace := func(dst []byte, f scan.Finding, secret []byte) []byte {
		if mode := modes[f.Rule]; mode == redact.ModeOff || mode == redact.ModeReport {
			return append(dst, secret...)
		}
		return append(dst, "[REDACTED:"+f.Rule+"]"...)
	}
	return &gateway.Cleaner{Line: known.Text, Streams: func() []gateway.Wash {
		return []gateway.Wash{known.KnownStream(), engine.NewStream(replace), known.TextStream()}
	}}
}

// engine compiles the rules: those of the dependency, our own and the operator's.
func (r *Redact) engine() (*scan.Engine, error) {
	o := scan.Options{Personal: r.Personal}
	for _, c := range r.Custom {
		o.Extra = append(o.Extra, scan.Rule{
			ID: c.ID, Description: c.Description, Regex: c.Regex, Keywords: c.Keywords, Entropy: c.Entropy, Group: c.Group,
		})
	}
	return scan.New(o)
}

// modes are what is done with the findings of rules that are not just redacted.
func (r *Redact) modes(known []string) map[string]string {
	modes := map[string]string{}
	if r.AllOff() {
		for _, id := range known {
			modes[id] = redact.ModeOff
		}
	}
	for _, c := range r.Custom {
		if c.Mode != "" {
			modes[c.ID] = c.Mode
		}
	}
	for _, rule := range r.Rules {
		modes[rule.ID] = rule.Mode
	}
	for _, off := range r.Off {
		if off.ID != everyRule {
			modes[off.ID] = redact.ModeOff
		}
	}
	return modes
}

func (f *File) newUntrusted(w Wiring, detector *detect.Detector, text func(string) string, outputs *validate.Outputs) (*untrusted.Filter, error) {
	o := untrusted.Options{
		Nonce: w.Rand, Redact: text, Conforms: outputs.Fits, BlockAt: f.Untrusted.Signals.BlockAt,
		Style: untrusted.Style(slices.Index(untrusted.Styles(), f.Untrusted.Mark)),
		Signal: func(c *ostiary.Call, text []byte) (float64, []string) {
			s := detector.ScanFrom(c.Upstream, text)
			return s.Score, s.Rules
		},
	}
	if o.Nonce == nil {
		o.Nonce = rand.Reader
	}
	return untrusted.NewFilter(o)
}
