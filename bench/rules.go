package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"
)

// ruleSet is what a configuration with so many rules cost; the server lists the
// same tools whatever the configuration says.
type ruleSet struct {
	Rules  int
	Rounds []ruleRound
}

type ruleRound struct {
	Eight, Conditioned sample
	Start              time.Duration
	IdleMB             float64
}

const (
	fewRules  = 10
	manyRules = 10_000 // a door takes no more tools of a server
	// The server has two tools without being asked for more, and the policy a rule for each.
	ownTools = 2
)

// measureRules runs the binary with few and with many rules, each for a tool of
// its own, every second one with a condition.
func measureRules(ctx context.Context, o options) ([]ruleSet, error) {
	sets := []ruleSet{{Rules: fewRules}, {Rules: manyRules}}
	base, err := os.ReadFile(o.policy)
	if err != nil {
		return nil, err
	}
	for i := range sets {
		if err := os.WriteFile(rulesFile(o, sets[i].Rules), policyOf(base, sets[i].Rules-ownTools), 0o600); err != nil {
			return nil, err
		}
	}
	for n := range o.rounds {
		log.Printf("rules: round %d of %d", n+1, o.rounds)
		for i := range sets {
			r, err := rulesRound(ctx, o, sets[i].Rules, n)
			if err != nil {
				return nil, fmt.Errorf("%d rules: %w", sets[i].Rules, err)
			}
			sets[i].Rounds = append(sets[i].Rounds, r)
		}
	}
	return sets, removeStates(o.scratch)
}

func rulesRound(ctx context.Context, o options, rules, n int) (r ruleRound, err error) {
	state := filepath.Join(o.scratch, fmt.Sprintf("state-rules-%d-%d", rules, n))
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute+10*o.window) // ends what hangs
	defer cancel()
	began := time.Now()
	s, err := launch(ctx, []string{
		o.ostiary, "run", "--config", rulesFile(o, rules), "--name", "echo", "--state", state,
		"--", filepath.Join(o.scratch, "echo"), "-extra", fmt.Sprint(manyRules - ownTools),
	})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	// Rules are compiled against the catalog, so the first call waits for it.
	if _, err := s.drive("t00001", small, 1, 0); err != nil {
		return r, err
	}
	r.Start = time.Since(began)
	if r.IdleMB, err = resident(s.cmd.Process.Pid); err != nil {
		return r, err
	}
	for tool, to := range map[string]*sample{"t00001": &r.Eight, "t00002": &r.Conditioned} {
		if _, err := s.drive(tool, small, 8, o.window/4); err != nil {
			return r, err
		}
		if *to, err = s.drive(tool, small, 8, o.window); err != nil {
			return r, err
		}
	}
	return r, nil
}

func rulesFile(o options, rules int) string {
	return filepath.Join(o.scratch, fmt.Sprintf("rules-%d.yaml", rules))
}

// policyOf adds rows to the rules of the benchmark's own policy.
func policyOf(base []byte, rules int) []byte {
	var rows bytes.Buffer
	rows.WriteString("rules:\n")
	for i := range rules {
		fmt.Fprintf(&rows, "  - {tool: echo/t%05d, effect: read, world: closed", i+1)
		if i%2 == 1 {
			fmt.Fprintf(&rows, ", when: 'call.args.text.size() < %d'", large+i)
		}
		rows.WriteString("}\n")
	}
	return bytes.Replace(base, []byte("rules:\n"), rows.Bytes(), 1)
}
