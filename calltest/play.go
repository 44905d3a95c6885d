package calltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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

	record map[string]any // nil if there is none
}

// reached reports whether the other end saw anything.
func (o *observation) reached() bool { return len(o.saw) > 0 }

// played is one run of all steps under one policy.
type played struct {
	all  []*observation
	work string
	log  string // what the door told its operator
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
	d, err := c.open(ctx, f, work, o)
	if d == nil {
		return nil, err
	}
	p = &played{work: work}
	if err == nil {
		for _, s := range c.steps {
			times := 1
			if s == c.judged() {
				times = c.repeat
			}
			for range times {
				p.all = append(p.all, c.send(ctx, d, s, work, len(p.all)+1, control))
			}
		}
	}
	err = errors.Join(err, d.close())
	p.log = d.log.String()
	if err != nil {
		return p, fmt.Errorf("the door: %w", err)
	}
	return p, p.evidence(ctx, filepath.Join(work, "state"))
}

// send takes one message to the door and waits for what comes of it.
func (c *testCase) send(ctx context.Context, d *door, s *step, work string, number int, control bool) *observation {
	from, reply := s.message, s.reply
	if control && s.control != nil {
		from = s.control
	}
	if control && s.controlReply != nil {
		reply = s.controlReply
	}
	answer := c.defaultBody(s)
	if reply != nil {
		answer = body(expand(reply.data, work))
	}
	o := &observation{step: s, sent: lineOf(expand(from.data, work), c.era, number)}
	if s.ask {
		d.client.expect(answer)
		if o.err = d.upstream.say(o.sent.raw); o.err == nil && o.sent.id != "" {
			o.answer, o.err = await(ctx, d.upstream.answers, d.client.ended, c.timeout)
		} else if o.err == nil {
			o.err = d.settle(ctx, c, number)
		}
		o.saw = d.client.seen()
		return o
	}
	d.upstream.expect(o.sent.id, answer)
	if o.err = d.client.send(o.sent.raw); o.err == nil && (o.sent.id != "" || !o.sent.json || o.sent.method == "") {
		o.answer, o.err = await(ctx, d.client.answers, d.client.ended, c.timeout)
	} else if o.err == nil {
		o.err = d.settle(ctx, c, number)
	}
	o.saw = d.upstream.seen()
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
	for _, o := range p.all { // a refusal names its call
		if id := callID(o.answer); id != "" {
			o.record = calls.take(func(r map[string]any) bool { return r["call"] == id })
		}
	}
	for _, o := range p.all {
		if o.record == nil {
			o.record = calls.take(func(r map[string]any) bool {
				return textOf(r, "method") == o.sent.method && (o.sent.target == "" || textOf(r, "target") == o.sent.target) &&
					(o.sent.id == "" || r["decision"] == "allow") && r["class"] != "answer"
			})
		}
	}
	return nil
}
