package audit

import (
	"crypto/sha256"

	"github.com/ostiary/ostiary"
)

var (
	_ ostiary.Recorder = (*Log)(nil)
	_ ostiary.Entry    = (*entry)(nil)
)

// How much of a text from outside a record keeps, in bytes.
const (
	maxName = 512
	maxText = 4 << 10
)

// entry is the evidence of one call.
type entry struct {
	log      *Log
	call     *ostiary.Call
	intended bool
	ended    bool
}

// Begin implements [ostiary.Recorder]. It writes nothing.
func (l *Log) Begin(c *ostiary.Call) (ostiary.Entry, error) {
	if c == nil {
		return nil, misused("Begin without a call")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped != nil {
		return nil, l.stopped
	}
	l.underway++
	return &entry{log: l, call: c}, nil
}

// Intent implements [ostiary.Entry]: it returns nil only after the intent is durable.
func (e *entry) Intent(d ostiary.Decision) error {
	if e.intended || e.ended {
		return misused("Intent after Intent or End")
	}
	e.intended = true
	return e.write(&Record{Kind: KindIntent}, d, true, nil, within)
}

// End implements [ostiary.Entry]: it returns nil only after the outcome is durable.
func (e *entry) End(o ostiary.Outcome) error {
	if e.ended {
		return misused("End after End")
	}
	e.ended = true
	r := &Record{Kind: KindOutcome, Status: o.Status.String(), DurationUS: max(o.Duration.Microseconds(), 0)}
	if o.Status == ostiary.StatusRefused && !e.intended {
		r.Kind = KindRefusal
	}
	// The arguments stand with the first record of a call. Refusals that cost the
	// caller nothing keep none, or a flood would fill the disk with what it sends.
	args := !e.intended && !(r.Kind == KindRefusal && (o.Decision.Stage == "limit" || o.Decision.Stage == "wire"))
	return e.write(r, o.Decision, args, o.Result, leaves)
}

// scratch is where a record is made before it takes its place.
type scratch struct {
	record, body []byte
	salt         salt
	sums         sums
}

func (e *entry) write(r *Record, d ostiary.Decision, args bool, res *ostiary.Result, at standing) error {
	l, c := e.log, e.call
	s, _ := l.scratches.Get().(*scratch)
	if s == nil {
		s = new(scratch)
	}
	defer l.scratches.Put(s)
	if err := l.draw(&s.salt); err != nil {
		l.forget(at)
		return unavailable("no randomness for the salt", err)
	}
	s.sums = sums{}
	if args || res != nil && res.Text != "" {
		s.body = l.appendBody(s.body[:0], &s.salt, c, args, res)
		s.sums.body, s.sums.hasBody = sha256.Sum256(s.body[:len(s.body)-1]), true
	} else {
		s.body = s.body[:0]
	}
	if args && c.Digest != (ostiary.Digest{}) {
		s.sums.args, s.sums.hasArgs = s.salt.digest(&c.Digest), true
	}
	l.describe(r, c, &d)
	r.Found, r.Findings = l.findings(res)
	s.record = r.appendSummed(s.record[:0], &s.sums)
	return l.append(s.record, s.body, at)
}

// describe fills in what the record says about the call and the decision.
func (l *Log) describe(r *Record, c *ostiary.Call, d *ostiary.Decision) {
	r.Time, r.Log = l.opts.Clock(), l.id
	r.Call, r.Session = cut(c.ID, maxName), cut(c.Session, maxName)
	r.Principal, r.Client = cut(c.Principal.ID, maxName), cut(c.Principal.Client, maxName)
	r.Address = cut(c.Address, maxName)
	r.Upstream, r.View, r.Class = cut(c.Upstream, maxName), cut(c.View, maxName), c.Class.String()
	r.Method, r.Target = cut(c.Method, maxName), cut(c.Target, maxName)
	// What is not a known name is whatever the other side wrote.
	if c.Class == ostiary.ClassUnknown || c.Class == ostiary.ClassMalformed {
		r.Method = l.redacted(c.Method, maxName)
	}
	if c.Class != ostiary.ClassTool || !listed(c.Rule) {
		r.Target = l.redacted(c.Target, maxName)
	}
	r.Effect, r.Closed = c.Effect.String(), c.Closed
	if c.Rule != nil {
		r.Rule, r.RuleAt = cut(c.Rule.Pattern, maxName), cut(c.Rule.Source, maxName)
	}
	r.Decision, r.Code, r.Stage = d.Verdict.String(), string(d.Code), cut(d.Stage, maxName)
	r.Reason, r.Message = l.redacted(d.Reason, maxText), l.redacted(d.Message, maxText)
	r.Under = cut(d.Under, maxName)
	r.Would, r.WouldReason = string(d.Would), l.redacted(d.WouldReason, maxText)
	r.Policy, r.Custody, r.Sandbox = l.opts.PolicyDigest, l.opts.Custody, l.opts.Sandbox
	if c.Principal.Apart {
		r.Custody = CustodySeparate
	}
}

// listed reports whether the upstream lists the tool that the rule speaks for. Any
// other name is whatever the agent wrote, though a rule refuses it.
func listed(r *ostiary.Rule) bool {
	return r != nil && (r.Forbid == nil || r.Forbid.Code != ostiary.CodePolicyUnknown && r.Forbid.Code != ostiary.CodePolicyCatalog)
}

func (l *Log) redacted(s string, limit int) string {
	if s == "" {
		return ""
	}
	// The redactor gets more than is kept, so that no secret is halved by the cut.
	seen := s[:min(len(s), 4*limit)]
	text, ok := guarded(func() string { return l.opts.RedactText(seen) })
	if !ok {
		return "(withheld: it could not be redacted)"
	}
	return cut(text, limit)
}
