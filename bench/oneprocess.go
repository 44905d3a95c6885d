package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/gateway"
)

// lineRound is the CPU time of a call through a line, with and without what a
// person decides, in one process: what two processes differ by without a reason
// falls away, and so does what the client and the server's pipes cost.
type lineRound struct{ With, Without []time.Duration }

// lineCalls is how many calls a turn has, lineTurns how many turns a round, and
// lineCallers how many call at once.
const (
	lineCalls   = 1600
	lineTurns   = 12
	lineCallers = 8
)

// echoTool is the tool that is called, as a list has it.
const echoTool = `{"name":"echo"}`

// measureLines drives two lines in turn, each with a log of its own on the disk.
func measureLines(ctx context.Context, o options) (reads, effects []lineRound, err error) {
	f, err := config.Load(o.policy, config.Options{})
	if err != nil {
		return nil, nil, err
	}
	var lines []*ostiary.Line // without it, with it
	for _, with := range []bool{false, true} {
		state := filepath.Join(o.scratch, fmt.Sprintf("state-line-%t", with))
		if err := os.MkdirAll(state, 0o700); err != nil {
			return nil, nil, err
		}
		w, err := wiring(state, benchAgent)
		if err != nil {
			return nil, nil, err
		}
		line, _, _, pins, closing, err := parts(f, w, with)
		if err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, closing()) }()
		if pins != nil { // no server is asked for its tools here
			sight := gateway.Sight{Upstream: "echo", Principal: benchAgent}
			if err := pins.See(ctx, sight, gateway.KindTool, []gateway.Entry{{Name: "echo", Text: []byte(echoTool)}}); err != nil {
				return nil, nil, err
			}
		}
		lines = append(lines, line)
	}
	random := rand.New(rand.NewPCG(1, 7)) //nolint:gosec // to spread, not to hide
	for n := range o.rounds {
		log.Printf("consent: one process, round %d of %d", n+1, o.rounds)
		for kind, of := range map[ostiary.Effect]*[]lineRound{ostiary.EffectRead: &reads, ostiary.EffectWrite: &effects} {
			var r lineRound
			for turn := range lineTurns + 1 {
				for _, i := range random.Perm(2) {
					cost, err := callsThrough(ctx, lines[i], kind)
					if err != nil {
						return nil, nil, err
					}
					switch {
					case turn == 0: // warms up
					case i == 0:
						r.Without = append(r.Without, cost)
					default:
						r.With = append(r.With, cost)
					}
				}
			}
			*of = append(*of, r)
		}
	}
	return reads, effects, nil
}

// callsThrough is this process's CPU time of a call.
func callsThrough(ctx context.Context, line *ostiary.Line, effect ostiary.Effect) (time.Duration, error) {
	run := func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		return &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{"content":[{"type":"text","text":"plain"}]}`)}, nil
	}
	before, err := cpuTime(os.Getpid())
	if err != nil {
		return 0, err
	}
	var all sync.WaitGroup
	refused := make(chan ostiary.Decision, lineCallers)
	for caller := range lineCallers {
		all.Go(func() {
			for i := range lineCalls / lineCallers {
				c := plainCall()
				c.ID = fmt.Sprintf("call-%d-%d", caller, i)
				c.Effect, c.Rule.Effect = effect, effect
				c.Definition = sha256.Sum256([]byte(echoTool))
				if _, d := line.Do(ctx, c, run); d.Verdict != ostiary.Allow {
					refused <- d
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case d := <-refused:
		return 0, fmt.Errorf("a call was refused: %w: %s", d.Code, d.Message)
	default:
	}
	after, err := cpuTime(os.Getpid())
	return (after - before) / lineCalls, err
}

// turnsOf makes rounds of doors of them, to be compared as these are.
func turnsOf(rounds []lineRound, of func(lineRound) []time.Duration) []doorRound {
	all := make([]doorRound, len(rounds))
	for i, r := range rounds {
		all[i].Read.Turns = of(r)
	}
	return all
}
