package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

func printConsent(w io.Writer, c consent) {
	printDoors(w, c)
	printLines(w, c)
	printGates(w, c)
	printGrants(w, c)
	printPending(w, c.Pending)
}

// spread is a median, and where it lies.
type spread struct{ mid, least, most float64 }

func (s spread) percent() string {
	return fmt.Sprintf("%+.1f %% (%+.1f … %+.1f)", s.mid, s.least, s.most)
}

func middle[N int64 | float64 | time.Duration](all []N) N { return quantile(all, 50) }

func quantile[N int64 | float64 | time.Duration](all []N, percent int) N {
	s := slices.Sorted(slices.Values(all))
	return s[min(len(s)*percent/100, len(s)-1)]
}

// more is how much more CPU a door used than its controls, in percent: the median
// of the rounds, each the median of its turns against those of the controls beside
// them. It lies between least and most in 95 of 100 draws of as many rounds.
func more(rounds []doorRound, controls [][]doorRound, of func(doorRound) doorSample) spread {
	all := make([]float64, len(rounds))
	for n := range rounds {
		turns := of(rounds[n]).Turns
		ratios := make([]float64, len(turns))
		for i := range turns {
			var control time.Duration
			for _, c := range controls {
				control += of(c[n]).Turns[i]
			}
			ratios[i] = 100 * (float64(turns[i])*float64(len(controls))/float64(control) - 1)
		}
		all[n] = middle(ratios)
	}
	random := rand.New(rand.NewPCG(uint64(len(all)), 95)) //nolint:gosec // to draw, not to hide
	drawn := make([]float64, 2000)
	for i := range drawn {
		again := make([]float64, len(all))
		for n := range again {
			again[n] = all[random.IntN(len(all))]
		}
		drawn[i] = middle(again)
	}
	slices.Sort(drawn)
	return spread{middle(all), drawn[len(drawn)*25/1000], drawn[len(drawn)*975/1000]}
}

func reads(r doorRound) doorSample   { return r.Read }
func effects(r doorRound) doorSample { return r.Effect }

func (c consent) door(name string) []doorRound {
	if i := slices.Index(c.Doors, name); i >= 0 {
		return c.Rounds[i]
	}
	return nil
}

// cpu is the median own CPU time of a call.
func (c consent) cpu(name string, of func(doorRound) doorSample) time.Duration {
	return median(c.door(name), func(r doorRound) time.Duration { return middle(of(r).Turns) })
}

func printDoors(w io.Writer, c consent) {
	fmt.Fprintf(w, "What a person's say costs calls that ask nobody: medians of %d rounds of %d turns (where 95 of 100 such medians lie), 8 callers, on %s.\n"+
		"The filters of what comes back and the pins are in the door with it too, and not in the one without it: this table and the next tell what all of that costs.\n\n",
		len(c.Rounds[0]), turns, c.FileSystem)
	fmt.Fprintln(w, "| own CPU of a call that asks nobody | read, µs | more than its controls | effect, µs | more than its controls | resident MB, idle | own CPU idle, µs a second |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|")
	for i, name := range c.Doors {
		var controls [][]doorRound
		for _, other := range controlsOf(name) {
			if r := c.door(other); r != nil {
				controls = append(controls, r)
			}
		}
		r := c.Rounds[i]
		read, effect := "", ""
		if controls != nil {
			read, effect = more(r, controls, reads).percent(), more(r, controls, effects).percent()
		}
		fmt.Fprintf(w, "| %s | %.1f | %s | %.1f | %s | %.1f | %.0f |\n", name,
			micros(c.cpu(name, reads)), read, micros(c.cpu(name, effects)), effect,
			median(r, func(r doorRound) float64 { return r.IdleMB }),
			micros(median(r, func(r doorRound) time.Duration { return r.IdleCPU })))
	}
	fmt.Fprintln(w)
}

func printLines(w io.Writer, c consent) {
	fmt.Fprintln(w, "| the line alone, in one process | CPU µs without it | with it | more than without it |")
	fmt.Fprintln(w, "|---|--:|--:|--:|")
	row := func(what string, rounds []lineRound) {
		with := turnsOf(rounds, func(r lineRound) []time.Duration { return r.With })
		without := turnsOf(rounds, func(r lineRound) []time.Duration { return r.Without })
		of := func(all []doorRound) float64 {
			return micros(median(all, func(r doorRound) time.Duration { return middle(r.Read.Turns) }))
		}
		fmt.Fprintf(w, "| %s | %.1f | %.1f | %s |\n", what, of(without), of(with), more(with, [][]doorRound{without}, reads).percent())
	}
	row("a read that asks nobody", c.LineReads)
	row("an effect that asks nobody", c.LineEffects)
	fmt.Fprintln(w)
}

func printGates(w io.Writer, c consent) {
	read, effect := c.cpu(doorWith, reads), c.cpu(doorWith, effects)
	fmt.Fprintln(w, "| the gates alone, a call that asks nobody | CPU µs | of a read's | of an effect's | CPU µs behind a pause |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|")
	var sum gateCost
	row := func(g gateCost) {
		fmt.Fprintf(w, "| %s | %.2f | %.1f %% | %.1f %% | %.1f |\n", g.Gate, micros(g.Warm), share(g.Warm, read), share(g.Warm, effect), micros(g.Cold))
	}
	for _, g := range c.Gates {
		row(g)
		sum.Warm, sum.Cold = sum.Warm+g.Warm, sum.Cold+g.Cold
	}
	sum.Gate = "together"
	row(sum)
	fmt.Fprintln(w)
}

func share(part, of time.Duration) float64 { return 100 * float64(part) / float64(of) }

func printGrants(w io.Writer, c consent) {
	fmt.Fprintln(w, "| grants in the store | look, CPU µs | of a plain effect's | behind a use | of a granted call's | behind a pause | behind a change of another's grant | of an own | a use | plain effect | granted call |")
	fmt.Fprintln(w, "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, s := range c.Grants {
		of := func(figure func(grantRound) time.Duration) time.Duration { return median(s.Rounds, figure) }
		warm, behind := of(func(r grantRound) time.Duration { return r.Warm }), of(func(r grantRound) time.Duration { return r.Behind })
		plain, granted := of(func(r grantRound) time.Duration { return r.Plain }), of(func(r grantRound) time.Duration { return r.Granted })
		fmt.Fprintf(w, "| %d | %.2f | %.1f %% | %.1f | %.1f %% | %.1f | %.0f | %.0f | %.0f | %.0f | %.0f |\n", s.Grants,
			micros(warm), share(warm, plain), micros(behind), share(behind, granted),
			micros(of(func(r grantRound) time.Duration { return r.Cold })), micros(of(func(r grantRound) time.Duration { return r.Others })), micros(of(func(r grantRound) time.Duration { return r.Own })),
			micros(of(func(r grantRound) time.Duration { return r.Use })), micros(plain), micros(granted))
	}
	fmt.Fprint(w, "\nA look is wanted to take at most 5 % of the call.\n\n")
}

func printPending(w io.Writer, p pending) {
	fmt.Fprintf(w, "| with %d requests that wait | p50 ms | p99 ms | most | CPU ms | wanted |\n", p.Requests)
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|---|")
	row := func(what string, all, cpu []time.Duration, want string) {
		used := ""
		if cpu != nil {
			used = fmt.Sprintf("%.0f", millis(middle(cpu)))
		}
		fmt.Fprintf(w, "| %s (%d times) | %.1f | %.1f | %.1f | %s | %s |\n", what, len(all),
			millis(quantile(all, 50)), millis(quantile(all, 99)), millis(slices.Max(all)), used, want)
	}
	row("a list of all, inside a process", p.List, p.ListCPU, "p50 below 100")
	row("the whole command `ostiary approvals`", p.Command, p.CommandCPU, "p50 below 100")
	row("`ostiary approvals --limit 0`, all of them", p.CommandAll, nil, "")
	row("`ostiary approvals --json`, all of them", p.CommandJSON, nil, "")
	row("the same with nothing to list", p.CommandEmpty, nil, "")
	row("decision in one process to the answer of the call in another", p.Decided, nil, "p99 below 150")
	row("the same from when the decision was durable", p.Durable, nil, "")
	row("start of `ostiary approve ID --yes` to the answer of the call", p.Approve, nil, "")
	fmt.Fprintln(w)
}

func millis(d time.Duration) float64 { return micros(d) / 1e3 }
