package calltest

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/wire"
)

// observation is what happened to one message of one step.
type observation struct {
	step   *step
	sent   message
	answer []byte   // what its sender got; nil if nothing
	err    error    // why nothing came
	saw    [][]byte // what arrived at the other end
	dryRun [][]byte // the door's own dry runs among it

	record map[string]any // nil if there is none
}

// reached reports whether the other end saw anything.
func (o *observation) reached() bool { return len(o.saw) > 0 }

// played is one run of all steps under one policy.
type played struct {
	all    []*observation
	names  names
	log    string   // what the door told its operator
	events []string // of the log, in their order
	failed *Failure // of what people do; the rest was not played then
}

// defaultBody answers in controls that say nothing else.
func (c *testCase) defaultBody(s *step) []byte {
	switch {
	case s.ask:
		return []byte(`"result":{}`)
	case c.era == wire.EraModern:
		return []byte(`"result":{"resultType":"complete","content":[{"type":"text","text":"done"}]}`)
	}
	return []byte(`"result":{"content":[{"type":"text","text":"done"}]}`)
}

// play runs all steps in a fresh house; control is the run where the guard is away.
func (c *testCase) play(ctx context.Context, o Options, policy *section, control bool) (p *played, err error) {
	work, err := c.workspace()
	if work != "" {
		defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	}
	if err != nil {
		return nil, fmt.Errorf("the workspace of the case: %w", err)
	}
	f, err := c.policyOf(policy, work)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &stage{c: c, options: o, file: f, tools: c.tools, upstream: c.upstream, upstreams: []string{c.upstream}, principal: c.principal, clock: newClock(), log: &logText{}, names: names{work: work}}
	if err = s.enter(ctx); s.door == nil {
		return nil, err
	}
	p = &played{}
	if err == nil {
		err = s.perform(ctx, p, control)
	}
	err = errors.Join(err, s.close())
	p.log, p.names = s.log.String(), s.names
	if err != nil {
		return p, fmt.Errorf("the door: %w", err)
	}
	return p, p.evidence(ctx, s.state())
}

// perform plays the steps until one that people cannot do.
func (s *stage) perform(ctx context.Context, p *played, control bool) error {
	for _, one := range s.c.steps {
		for _, b := range one.before {
			if p.failed = s.people(ctx, b, control); p.failed != nil {
				return nil
			}
		}
		times := 1
		if one == s.c.judged() {
			times = s.c.repeat
		}
		for range times {
			p.all = append(p.all, s.c.send(ctx, s.door, one, s.names, len(p.all)+1, control))
		}
	}
	return nil
}

// send takes one message to the door and waits for what comes of it.
func (c *testCase) send(ctx context.Context, d *door, s *step, n names, number int, control bool) *observation {
	from, reply := s.message, s.reply
	if control && s.control != nil {
		from = s.control
	}
	if control && s.controlReply != nil {
		reply = s.controlReply
	}
	answer := c.defaultBody(s)
	if reply != nil {
		answer = body(n.in(reply.data))
	}
	o := &observation{step: s, sent: lineOf(n.in(from.data), c.era, number)}
	if s.ask {
		d.client.seen() // what it was asked before is not this step's
		d.client.expect(answer)
		if o.err = d.upstream.say(o.sent.raw); o.err == nil && o.sent.id != "" {
			o.answer, o.err = await(ctx, d.upstream.answers, d.client.ended, c.timeout)
		} else if o.err == nil {
			o.err = d.settle(ctx, c, number)
		}
		o.saw = d.client.seen()
		return o
	}
	rehearsed := c.defaultBody(s)
	if s.dryRun != nil {
		rehearsed = body(n.in(s.dryRun.data))
	}
	d.upstream.expect(o.sent.id, answer, rehearsed)
	if o.err = d.client.send(o.sent.raw); o.err == nil && (o.sent.id != "" || !o.sent.json || o.sent.method == "") {
		o.answer, o.err = await(ctx, d.client.answers, d.client.ended, c.timeout)
	} else if o.err == nil {
		o.err = d.settle(ctx, c, number)
	}
	o.saw, o.dryRun = d.upstream.seen()
	return o
}

// settle waits until a notification has gone its way: messages keep their order,
// so it has when an answer to something behind it comes. The modern era has
// nothing to send for that; there the end of the run is waited for.
func (d *door) settle(ctx context.Context, c *testCase, number int) error {
	if c.era == wire.EraModern {
		return nil
	}
	if err := d.client.send(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":"settle-%d","method":"ping"}`, number)); err != nil {
		return err
	}
	_, err := await(ctx, d.client.answers, d.client.ended, d.timeout)
	return err
}

// evidence verifies the log and gives each observation its record.
func (p *played) evidence(ctx context.Context, state string) error {
	report, err := audit.Verify(ctx, state, audit.VerifyOptions{})
	if err == nil {
		err = report.Err()
	}
	if err != nil {
		return fmt.Errorf("the log of the case: %w", err)
	}
	found, err := audit.Query(ctx, state, audit.Filter{Limit: 10*maxRepeat + 1000})
	if err != nil {
		return fmt.Errorf("the log of the case: %w", err)
	}
	calls := callsOf(found)
	for _, f := range found {
		if f.Record.Kind == audit.KindEvent {
			p.events = append(p.events, f.Record.Code)
		}
	}
	for _, o := range p.all { // a refusal names its call
		if id := callID(o.answer); id != "" {
			o.record = calls.take(func(r map[string]any) bool { return r["call"] == id })
		}
	}
	for _, o := range p.all {
		for range o.dryRun { // recorded as a call of its own, before this one
			calls.take(func(r map[string]any) bool {
				return r["target"] == o.sent.target && r["decision"] == "allow"
			})
		}
		if o.record == nil {
			o.record = calls.take(func(r map[string]any) bool {
				return textOf(r, "method") == o.sent.method && (o.sent.target == "" || textOf(r, "target") == o.sent.target) &&
					(o.sent.id == "" || r["decision"] == "allow" || r["decision"] == "answer") && r["class"] != "answer"
			})
		}
	}
	return nil
}
