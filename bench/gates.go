package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/freeze"
	"github.com/ostiary/ostiary/grant"
	"github.com/ostiary/ostiary/idempotency"
	"github.com/ostiary/ostiary/store"
)

// gateCost is the processor time of one gate for one call, by itself in this process.
type gateCost struct {
	Gate string
	// Warm is a call within a quarter of a second behind another, Cold one behind
	// a longer pause, for which the store is asked whether anything changed.
	Warm, Cold time.Duration
}

// inProcess is a store with its gates in this process.
type inProcess struct {
	store *store.SQLite
	dir   string
	skip  time.Duration // how far the clocks of the gates go on at each look
	ahead time.Duration
}

func openInProcess(dir string) (*inProcess, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := store.Open(store.Options{Dir: dir})
	return &inProcess{store: s, dir: dir}, err
}

func (p *inProcess) clock() time.Time {
	p.ahead += p.skip
	return time.Now().Add(p.ahead)
}

func (p *inProcess) grants() *grant.Gate {
	return grant.New(grant.Options{Store: p.store, Journal: noJournal{}, Clock: p.clock})
}

// gates are those that every call passes, in their order.
func (p *inProcess) gates() (_ []ostiary.Gate, closing func(), err error) {
	start := time.Now()
	keys, err := idempotency.New(idempotency.Options{
		Store: p.store, Owner: "bench", Alive: func(o string) bool { return audit.Alive(p.dir, o) }, Wait: 1,
	})
	if err != nil {
		return nil, nil, err
	}
	frozen := freeze.New(freeze.Options{Store: p.store, Ticks: func() time.Duration { return p.clock().Sub(start) }})
	closing = func() { _ = frozen.Close() } // it keeps nothing
	return []ostiary.Gate{frozen, p.grants(), keys}, closing, nil
}

// measureGates costs a call that has no key and asks nobody.
func (p *inProcess) measureGates(ctx context.Context) (all []gateCost, err error) {
	gates, closing, err := p.gates()
	if err != nil {
		return nil, err
	}
	defer closing()
	c := plainCall()
	for _, g := range gates {
		cost := gateCost{Gate: g.Name()}
		look := func() error {
			d, err := g.Check(ctx, c)
			if err != nil || d.Verdict != ostiary.Allow {
				return fmt.Errorf("the gate %s says %v: %w", g.Name(), d.Verdict, err)
			}
			if d.Hold != nil && d.Hold.Done != nil {
				d.Hold.Done()
			}
			return nil
		}
		if cost.Warm, err = each(200_000, look); err != nil {
			return nil, err
		}
		// The clock of a grant is read twice in a look and of a freeze once or
		// twice; every step makes what is known too old.
		p.skip = 300 * time.Millisecond
		cost.Cold, err = each(5_000, look)
		p.skip, p.ahead = 0, 0
		if err != nil {
			return nil, err
		}
		all = append(all, cost)
	}
	return all, nil
}

// each is this process's CPU time of one of n runs of f.
func each(n int, f func() error) (time.Duration, error) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		return 0, err
	}
	for range n {
		if err := f(); err != nil {
			return 0, err
		}
	}
	after, err := cpuTime(os.Getpid())
	return (after - before) / time.Duration(n), err
}

func plainCall() *ostiary.Call {
	return &ostiary.Call{
		ID: "call", Received: time.Now(), Principal: ostiary.Principal{ID: benchAgent}, Session: "4711@1700000000",
		Upstream: "echo", Method: "tools/call", Class: ostiary.ClassTool, Target: "echo",
		Rule:   &ostiary.Rule{Pattern: "echo/echo", Effect: ostiary.EffectWrite, Closed: true},
		Effect: ostiary.EffectWrite, Closed: true, Caller: nobodyThere{}, Arguments: []byte(`{"text":"plain"}`),
		Args: map[string]any{"text": "plain"},
	}
}

// benchAgent is who calls where no real client does.
const benchAgent = "bench-agent"

// nobodyThere is a caller that a freeze could end.
type nobodyThere struct{}

func (nobodyThere) Cancel(error)            {}
func (nobodyThere) Current() error          { return nil }
func (nobodyThere) Progress(string) bool    { return false }
func (nobodyThere) Dialog() *ostiary.Dialog { return nil }
func (nobodyThere) DryRun(context.Context) (*ostiary.Result, error) {
	return nil, fmt.Errorf("there is no dry run")
}

// noJournal takes the events of what is set up and not measured.
type noJournal struct{}

func (noJournal) Note(ostiary.Event) error { return nil }
