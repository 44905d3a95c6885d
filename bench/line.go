package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"
)

const (
	small = 256
	large = 16 << 10
)

// variant is one way from the client to the echo server.
type variant struct {
	name, tool string
	argv       func(round int) []string
}

// round is what one variant gave in one round.
type round struct {
	One, Eight, EightLarge, Many sample
	Start, First                 time.Duration // from launch to the handshake, and to the first call's answer
	IdleMB, LoadedMB             float64
}

// line is the whole measurement; Rounds[i] are those of Variants[i].
type line struct {
	FileSystem string
	Variants   []string
	Rounds     [][]round
	Disk       []disk
}

func variants(o options) []variant {
	echo := filepath.Join(o.scratch, "echo")
	direct := func(int) []string { return []string{echo} }
	through := func(name string) func(int) []string {
		return func(int) []string { return []string{filepath.Join(o.scratch, name), echo} }
	}
	all := []variant{
		{"direct", "echo", direct},
		{"byte relay", "echo", through("relay")},
		{"SDK relay", "echo", through("sdkrelay")},
	}
	if o.ostiary == "" {
		return all
	}
	door := func(what string) func(int) []string {
		return func(round int) []string {
			state := filepath.Join(o.scratch, fmt.Sprintf("state-%s-%d", what, round))
			return []string{o.ostiary, "run", "--config", o.policy, "--name", "echo", "--state", state, "--", echo}
		}
	}
	return append(all,
		variant{doorReads, "echo", door("reads")},
		variant{doorEffects, "put", door("effects")})
}

const (
	doorReads   = "ostiary, closed-world read"
	doorEffects = "ostiary, effect"
)

func measureLine(ctx context.Context, o options) (line, error) {
	all := variants(o)
	m := line{FileSystem: fileSystem(o.scratch), Rounds: make([][]round, len(all))}
	for _, v := range all {
		m.Variants = append(m.Variants, v.name)
	}
	for n := range o.rounds {
		log.Printf("round %d of %d", n+1, o.rounds)
		d, err := measureDisk(o.scratch, o.window)
		if err != nil {
			return m, err
		}
		m.Disk = append(m.Disk, d)
		for i, v := range all {
			r, err := oneRound(ctx, v, v.argv(n), o.window)
			if err != nil {
				return m, fmt.Errorf("%s: %w", v.name, err)
			}
			m.Rounds[i] = append(m.Rounds[i], r)
		}
		// Logs of a round are not needed by the next.
		if err := removeStates(o.scratch); err != nil {
			return m, err
		}
	}
	return m, nil
}

func oneRound(ctx context.Context, v variant, argv []string, window time.Duration) (r round, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute+10*window) // ends what hangs
	defer cancel()
	began := time.Now()
	s, err := launch(ctx, argv)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	r.Start = s.start
	if _, err := s.drive(v.tool, small, 1, 0); err != nil { // one call
		return r, err
	}
	r.First = time.Since(began)
	if r.IdleMB, err = resident(s.cmd.Process.Pid); err != nil {
		return r, err
	}
	if _, err := s.drive(v.tool, small, 8, window/4); err != nil { // warm up
		return r, err
	}
	for _, step := range []struct {
		to            *sample
		size, callers int
	}{{&r.One, small, 1}, {&r.Eight, small, 8}, {&r.EightLarge, large, 8}, {&r.Many, small, 32}} {
		if *step.to, err = s.drive(v.tool, step.size, step.callers, window); err != nil {
			return r, err
		}
	}
	r.LoadedMB, err = resident(s.cmd.Process.Pid)
	return r, err
}

func removeStates(dir string) error {
	states, err := filepath.Glob(filepath.Join(dir, "state-*"))
	for _, state := range states {
		err = errors.Join(err, os.RemoveAll(state))
	}
	return err
}
