package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

func printConsent(w io.Writer, c consent) {
	printDoors(w, c)
	printGates(w, c)
	printGrants(w, c)
	printPending(w, c.Pending)
}

// spread is a median with the least and the most of the rounds.
type spread struct{ mid, least, most float64 }

func spreadOf(rounds []float64) spread {
	s := slices.Sorted(slices.Values(rounds))
	return spread{s[len(s)/2], s[0], s[len(s)-1]}
}

func (s spread) percent() string {
	return fmt.Sprintf("%+.1f %% (%+.1f … %+.1f)", s.mid, s.least, s.most)
}

func middle[N int64 | float64 | time.Duration](all []N) N { return quantile(all, 50) }

func quantile[N int64 | float64 | time.Duration](all []N, percent int) N {
	s := slices.Sorted(slices.Values(all))
	return s[min(len(s)*percent/100, len(s)-1)]
}

// more is how much more CPU a door used than its control, in percent, for each
// round: the median over the turns, each against the control's next to it.
func more(rounds, control []doorRound, of func(doorRound) doorSample) spread {
	all := make([]float64, len(rounds))
	for n := range rounds {
		a, b := of(rounds[n]).Turns, of(control[n]).Turns
		ratios := make([]float64, len(a))
		for i := range a {
			ratios[i] = 100 * (float64(a[i])/float64(b[i]) - 1)
		}
		all[n] = middle(ratios)
	}
	return spreadOf(all)
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
	fmt.Fprintf(w, "What a person's say costs calls that ask nobody: medians of %d rounds of %d turns (least … most of the rounds), 8 callers, on %s.\n\n",
		len(c.Rounds[0]), turns, c.FileSystem)
	fmt.Fprintln(w, "| own CPU of a call that asks nobody | read, µs | more than its control | effect, µs | more than its control | resident MB, idle | own CPU idle, µs a second | wanted |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|---|")
	for i, name := range c.Doors {
		r, control := c.Rounds[i], c.door(controlOf(name))
		read, effect, want := "", "", ""
		if control != nil {
			read, effect = more(r, control, reads).percent(), more(r, control, effects).percent()
		}
		if name == doorWith || name == doorBinary && control != nil {
			want = "at most +3 %"
		}
		fmt.Fprintf(w, "| %s | %.1f | %s | %.1f | %s | %.1f | %.0f | %s |\n", name,
			micros(c.cpu(name, reads)), read, micros(c.cpu(name, effects)), effect,
			median(r, func(r doorRound) float64 { return r.IdleMB }),
			micros(median(r, func(r doorRound) time.Duration { return r.IdleCPU })), want)
	}
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
