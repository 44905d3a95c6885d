package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"path/filepath"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/grant"
)

// grantSet is what calls cost that a grant settles, with so many in the store.
type grantSet struct {
	Grants int
	Rounds []grantRound
}

type grantRound struct {
	// Warm, Cold are as in gateCost, for a call that asks and is settled. Behind is
	// a look behind a use that this process took, as in a row of such calls, and
	// Others, Own one behind a change of somebody else's grant and of the caller's.
	Warm, Cold, Behind, Others, Own time.Duration
	// Use is the transaction in which a use is taken.
	Use time.Duration
	// Plain and Granted are own CPU of a door a call, for an effect that nobody is
	// asked about and for one that a grant settles, the use included.
	Plain, Granted time.Duration
}

var grantCounts = []int{1, 100, 10_000}

// ofAgent is how many of the grants are the caller's own; the rest is shared out
// among others, as many each as one may have.
const ofAgent = 1000

func measureGrants(ctx context.Context, o options) (gates []gateCost, sets []grantSet, err error) {
	who, _, err := auth.Stdio(nil, "/proc")
	if err != nil {
		return nil, nil, err
	}
	bare, err := openInProcess(filepath.Join(o.scratch, "state-gates"))
	if err != nil {
		return nil, nil, err
	}
	gates, err = bare.measureGates(ctx)
	if err := errors.Join(err, bare.store.Close()); err != nil {
		return nil, nil, err
	}
	state := func(n int) string { return filepath.Join(o.scratch, fmt.Sprintf("state-grants-%d", n)) }
	for _, n := range grantCounts {
		sets = append(sets, grantSet{Grants: n})
		if err := seedGrants(ctx, state(n), n, who.ID); err != nil {
			return nil, nil, err
		}
	}
	for n := range o.rounds {
		log.Printf("consent: grants, round %d of %d", n+1, o.rounds)
		for i := range sets {
			var r grantRound
			if err := r.inProcess(ctx, state(sets[i].Grants), who.ID); err != nil {
				return nil, nil, fmt.Errorf("%d grants: %w", sets[i].Grants, err)
			}
			if err := r.atTheDoor(ctx, o, state(sets[i].Grants)); err != nil {
				return nil, nil, fmt.Errorf("%d grants: %w", sets[i].Grants, err)
			}
			sets[i].Rounds = append(sets[i].Rounds, r)
		}
	}
	return gates, sets, nil
}

// keptAfter is how long the rows of a grant stay that is over.
const keptAfter = 7 * 24 * time.Hour

// seedGrants fills a store. The first grant covers the tool and the others of the
// caller do too, with fewer letters in common, so that all are candidates.
func seedGrants(ctx context.Context, dir string, n int, agent string) (err error) {
	p, err := openInProcess(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.store.Close()) }()
	now := time.Now()
	err = p.store.Update(ctx, func(tx ostiary.Tx) error {
		for i := range n {
			g := grantOf(i, agent, now)
			value, err := json.Marshal(g)
			if err != nil {
				return err
			}
			// As package grant keeps it: one by one through its desk takes minutes.
			if err := tx.Put("grant", ostiary.Row{Key: g.ID, Group: g.Principal, Expires: g.Expires.Add(keptAfter), Value: value}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	all, err := grant.NewDesk(grant.DeskOptions{Store: p.store, Clock: time.Now}).List(ctx, grant.Filter{})
	if err == nil && len(all) != n {
		err = fmt.Errorf("of %d grants %d are there", n, len(all))
	}
	return err
}

func grantOf(i int, agent string, now time.Time) grant.Grant {
	if i >= ofAgent {
		agent = fmt.Sprintf("other-%d", i/ofAgent)
	}
	pattern := "echo/put"
	if i > 0 {
		pattern = "echo/p*"
	}
	return grant.Grant{
		ID: fmt.Sprintf("g-%016d", i), Principal: agent, Pattern: pattern, By: "bench", Channel: "cli", Reason: "to be measured",
		Created: now, Expires: now.Add(20 * time.Hour),
	}
}

func (r *grantRound) inProcess(ctx context.Context, dir, agent string) (err error) {
	p, err := openInProcess(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.store.Close()) }()
	g := p.grants()
	c := askingCall(agent)
	var settled ostiary.Decision
	look := func() (err error) {
		settled, err = g.Check(ctx, c)
		if err != nil || !settled.Settles {
			return fmt.Errorf("the call is not settled by a grant: %w", err)
		}
		return nil
	}
	if err := look(); err != nil { // reads them all
		return err
	}
	if r.Warm, err = each(50_000, look); err != nil {
		return err
	}
	p.skip = 300 * time.Millisecond
	r.Cold, err = each(2_000, look)
	p.skip, p.ahead = 0, 0
	if err != nil {
		return err
	}
	if err := r.uses(look, func() error { return settled.Hold.Commit() }); err != nil {
		return err
	}
	if r.Others, err = p.changes(ctx, agent+"-else", look); err != nil {
		return err
	}
	r.Own, err = p.changes(ctx, agent, look)
	return err
}

// askingCall is one that a person must decide, or a grant.
func askingCall(agent string) *ostiary.Call {
	c := plainCall()
	c.Principal.ID, c.Target, c.Effect = agent, "put", ostiary.EffectDestructive
	c.Rule = &ostiary.Rule{
		Pattern: "echo/put", Effect: ostiary.EffectDestructive, Closed: true, Ask: "destructive calls ask",
		Grant: ostiary.GrantRule{Max: 24 * time.Hour},
	}
	return c
}

// uses takes one use after another.
func (r *grantRound) uses(look, take func() error) error {
	const n = 300
	for range n {
		if err := add(&r.Behind, look); err != nil {
			return err
		}
		if err := add(&r.Use, take); err != nil {
			return err
		}
	}
	r.Behind, r.Use = r.Behind/n, r.Use/n
	return nil
}

// changes looks behind changes of a grant.
func (p *inProcess) changes(ctx context.Context, of string, look func() error) (d time.Duration, err error) {
	const n = 200
	for i := range n {
		one := grantOf(0, of, time.Now())
		one.ID, one.Uses = "g-"+of, i+1
		value, err := json.Marshal(one)
		if err != nil {
			return 0, err
		}
		err = p.store.Update(ctx, func(tx ostiary.Tx) error {
			return tx.Put("grant", ostiary.Row{Key: one.ID, Group: one.Principal, Expires: one.Expires.Add(keptAfter), Value: value})
		})
		if err != nil {
			return 0, err
		}
		p.ahead += time.Second // so that the store is asked
		if err := add(&d, look); err != nil {
			return 0, err
		}
	}
	return d / n, nil
}

// add adds the CPU time of f.
func add(to *time.Duration, f func() error) error {
	d, err := each(1, f)
	*to += d
	return err
}

// atTheDoor drives a real door, both tools in turn.
func (r *grantRound) atTheDoor(ctx context.Context, o options, state string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute+10*o.window) // ends what hangs
	defer cancel()
	s, err := launch(ctx, consentDoor(o, state))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	const parts = 4
	var sums [2]sample
	for turn := range parts + 1 {
		for i, tool := range []string{"echo", "put"} {
			got, err := s.drive(tool, small, 8, o.window/parts)
			if err != nil {
				return err
			}
			if turn > 0 { // the first warms up
				sums[i].Calls += got.Calls
				sums[i].CPU += got.CPU
			}
		}
	}
	r.Plain, r.Granted = sums[0].cpuPerCall(), sums[1].cpuPerCall()
	return nil
}

// consentDoor is the real program over a state that is there.
func consentDoor(o options, state string) []string {
	return []string{
		o.ostiary, "run", "--config", filepath.Join(filepath.Dir(o.policy), "consent.yaml"), "--name", "echo",
		"--state", state, "--", filepath.Join(o.scratch, "echo"),
	}
}
