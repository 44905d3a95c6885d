package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// consent is what it costs that a person decides: for calls that nobody is asked
// about, with many requests that wait, and for calls under a grant.
type consent struct {
	FileSystem string
	Doors      []string
	// Rounds[i] are those of Doors[i].
	Rounds [][]doorRound
	Gates  []gateCost
	// LineReads and LineEffects are the rounds in one process.
	LineReads, LineEffects []lineRound
	Grants                 []grantSet
	Pending                pending
}

// doorRound is one door in one round. The others are driven in turn with it.
type doorRound struct {
	Read, Effect doorSample
	IdleMB       float64
	IdleCPU      time.Duration // a second, while nobody calls
}

// doorSample has one CPU time a call for each turn.
type doorSample struct{ Turns []time.Duration }

// The doors, and whose turns each is compared with: itself without the gates, or
// the program of before.
const (
	doorWithout = "the door without it"
	doorAgain   = "the same again, which shows the noise"
	doorWith    = "the door with it"
	doorBinary  = "ostiary run"
	doorBefore  = "ostiary run of before"
)

// controlsOf are the doors that another is compared with, if any.
func controlsOf(door string) []string {
	switch door {
	case doorWith:
		return []string{doorWithout, doorAgain}
	case doorAgain:
		return []string{doorWithout}
	case doorBinary:
		return []string{doorBefore}
	}
	return nil
}

// turns is how many turns each door has in a round, a quarter of a window each for
// reads and effects: as long as a door believes what it knows of its store, so that
// a turn does not begin with a question to the store more often than calls do.
const turns = 8

func measureConsent(ctx context.Context, o options) (c *consent, err error) {
	c = &consent{FileSystem: fileSystem(o.scratch)}
	if err := c.doors(ctx, o); err != nil {
		return c, err
	}
	if err := removeStates(o.scratch); err != nil {
		return c, err
	}
	if c.LineReads, c.LineEffects, err = measureLines(ctx, o); err != nil {
		return c, err
	}
	if c.Gates, c.Grants, err = measureGrants(ctx, o); err != nil {
		return c, err
	}
	if c.Pending, err = measurePending(ctx, o); err != nil {
		return c, err
	}
	return c, removeStates(o.scratch)
}

func (c *consent) doors(ctx context.Context, o options) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	echo := filepath.Join(o.scratch, "echo")
	control := func(state, with string) []string {
		return []string{self, doorWord, "-consent=" + with, "-config", o.policy, "-state", state, "--", echo}
	}
	built := func(program, state string) []string {
		return []string{program, "run", "--config", o.policy, "--name", "echo", "--state", state, "--", echo}
	}
	c.Doors = []string{doorWithout, doorWith, doorAgain, doorBinary}
	argv := []func(state string) []string{
		func(s string) []string { return control(s, "false") },
		func(s string) []string { return control(s, "true") },
		func(s string) []string { return control(s, "false") },
		func(s string) []string { return built(o.ostiary, s) },
	}
	if o.before != "" {
		c.Doors = append(c.Doors, doorBefore)
		argv = append(argv, func(s string) []string { return built(o.before, s) })
	}
	c.Rounds = make([][]doorRound, len(c.Doors))
	for n := range o.rounds {
		log.Printf("consent: round %d of %d", n+1, o.rounds)
		rounds, err := doorsRound(ctx, o, n, argv)
		if err != nil {
			return err
		}
		for i, r := range rounds {
			c.Rounds[i] = append(c.Rounds[i], r)
		}
	}
	return nil
}

// doorsRound starts every door anew and lets them take turns, in an order that is
// drawn for each start and turn: whoever comes behind itself finds a warm machine.
func doorsRound(ctx context.Context, o options, n int, argv []func(string) []string) (rounds []doorRound, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute+20*time.Duration(len(argv))*o.window) // ends what hangs
	defer cancel()
	rounds = make([]doorRound, len(argv))
	all := make([]*session, len(argv))
	defer func() {
		for _, s := range all {
			if s != nil {
				err = errors.Join(err, s.end())
			}
		}
	}()
	random := rand.New(rand.NewPCG(uint64(n), 3)) //nolint:gosec // to spread, not to hide
	for _, i := range random.Perm(len(argv)) {
		state := filepath.Join(o.scratch, fmt.Sprintf("state-consent-%d-%d", n, i))
		if err := os.MkdirAll(state, 0o700); err != nil {
			return nil, err
		}
		if all[i], err = launch(ctx, argv[i](state)); err != nil {
			return nil, err
		}
		if _, err := all[i].drive("echo", small, 1, 0); err != nil { // one call
			return nil, err
		}
		if rounds[i].IdleMB, err = resident(all[i].cmd.Process.Pid); err != nil {
			return nil, err
		}
	}
	if err := idle(ctx, all, rounds, o.window); err != nil {
		return nil, err
	}
	for _, s := range all { // warm up
		for _, tool := range []string{"echo", "put"} {
			if _, err := s.drive(tool, small, 8, o.window/4); err != nil {
				return nil, err
			}
		}
	}
	for range turns {
		for _, i := range random.Perm(len(all)) {
			read, err := all[i].drive("echo", small, 8, o.window/4)
			if err != nil {
				return nil, err
			}
			effect, err := all[i].drive("put", small, 8, o.window/4)
			if err != nil {
				return nil, err
			}
			rounds[i].Read.Turns = append(rounds[i].Read.Turns, read.cpuPerCall())
			rounds[i].Effect.Turns = append(rounds[i].Effect.Turns, effect.cpuPerCall())
		}
	}
	return rounds, nil
}

// idle measures what the doors use while nobody calls. All wait at the same time.
func idle(ctx context.Context, all []*session, rounds []doorRound, window time.Duration) error {
	before := make([]time.Duration, len(all))
	for i, s := range all {
		var err error
		if before[i], err = cpuTime(s.cmd.Process.Pid); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := pause(ctx, window); err != nil {
		return err
	}
	for i, s := range all {
		after, err := cpuTime(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		rounds[i].IdleCPU = time.Duration(float64(after-before[i]) / time.Since(began).Seconds())
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
