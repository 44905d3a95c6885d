package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"
)

type report struct {
	Line    line
	Rules   []ruleSet    `json:",omitempty"`
	Log     []logRound   `json:",omitempty"`
	SQL     []sqlRound   `json:",omitempty"`
	Consent *consent     `json:",omitempty"`
	HTTP    *webMeasured `json:",omitempty"`
	Redact  *redaction   `json:",omitempty"`
	Detect  *detection   `json:",omitempty"`
}

func writeJSON(file string, all report) error {
	if file == "" {
		return nil
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o600)
}

// median of one figure over the rounds.
func median[R any, N cmp.Ordered](rounds []R, figure func(R) N) N {
	all := make([]N, len(rounds))
	for i, r := range rounds {
		all[i] = figure(r)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// figures are the medians of one variant.
type figures struct {
	one, eight, many        float64 // calls/s
	p50, p99, cpu, cpuLarge time.Duration
	first                   time.Duration // from launch to the answer of the first call
	idle, loaded            float64
}

func figuresOf(rounds []round) figures {
	return figures{
		one:      median(rounds, func(r round) float64 { return r.One.perSecond() }),
		eight:    median(rounds, func(r round) float64 { return r.Eight.perSecond() }),
		many:     median(rounds, func(r round) float64 { return r.Many.perSecond() }),
		p50:      median(rounds, func(r round) time.Duration { return r.One.P50 }),
		p99:      median(rounds, func(r round) time.Duration { return r.One.P99 }),
		cpu:      median(rounds, func(r round) time.Duration { return r.Eight.cpuPerCall() }),
		cpuLarge: median(rounds, func(r round) time.Duration { return r.EightLarge.cpuPerCall() }),
		first:    median(rounds, func(r round) time.Duration { return r.First }),
		idle:     median(rounds, func(r round) float64 { return r.IdleMB }),
		loaded:   median(rounds, func(r round) float64 { return r.LoadedMB }),
	}
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func printLine(w io.Writer, m line) {
	by := map[string]figures{}
	fmt.Fprintf(w, "Medians of %d interleaved rounds; %s, %d cores, %s; state on %s.\n\n",
		len(m.Disk), runtime.GOARCH, runtime.NumCPU(), runtime.Version(), m.FileSystem)
	fmt.Fprintln(w, "| over stdio | calls/s, 1 caller | 8 | 32 | p50 / p99 µs, 1 caller | own CPU µs a call, 256 B | 16 KiB | first answer after ms | resident MB, idle | after load |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for i, name := range m.Variants {
		f := figuresOf(m.Rounds[i])
		by[name] = f
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.0f | %.0f / %.0f | %.1f | %.0f | %.0f | %.1f | %.1f |\n", name, f.one, f.eight, f.many,
			micros(f.p50), micros(f.p99), micros(f.cpu), micros(f.cpuLarge), micros(f.first)/1e3, f.idle, f.loaded)
	}
	sync := median(m.Disk, func(d disk) time.Duration { return d.P50 })
	fmt.Fprintf(w, "| *the disk's own fdatasync* | %.0f | | | %.0f | | | | | |\n\n",
		median(m.Disk, func(d disk) float64 { return d.PerSecond }), micros(sync))

	reads, ok := by[doorReads]
	if !ok {
		return
	}
	effects, direct, relay, sdk := by[doorEffects], by["direct"], by["byte relay"], by["SDK relay"]
	fmt.Fprintln(w, "| of the door | closed-world read | effect | wanted |")
	fmt.Fprintln(w, "|---|--:|--:|---|")
	ratio := func(what, want string, a, b, of float64) {
		fmt.Fprintf(w, "| %s | %.0f %% | %.0f %% | %s |\n", what, 100*a/of, 100*b/of, want)
	}
	ratio("own CPU at 256 B, of the SDK relay's", "below 50 %", micros(reads.cpu), micros(effects.cpu), micros(sdk.cpu))
	ratio("own CPU at 16 KiB, of the SDK relay's", "", micros(reads.cpuLarge), micros(effects.cpuLarge), micros(sdk.cpuLarge))
	ratio("calls/s at 32 callers, of the byte relay's", "at least 25 %, 15 %", reads.many, effects.many, relay.many)
	ratio("calls/s at 32 callers, of the SDK relay's", "", reads.many, effects.many, sdk.many)
	fmt.Fprintf(w, "| p50 added to direct, µs | %.0f | %.0f | at most %.0f (one fdatasync + 150), %.0f (two) |\n",
		micros(reads.p50-direct.p50), micros(effects.p50-direct.p50), micros(sync)+150, 2*micros(sync)+150)
	fmt.Fprintf(w, "| resident MB, idle | %.1f | %.1f | below 40 |\n\n", reads.idle, effects.idle)
}

func printRules(w io.Writer, sets []ruleSet) {
	fmt.Fprintln(w, "| rules | calls/s, 8 callers | own CPU µs a call | with a condition | first answer after ms | resident MB, idle |")
	fmt.Fprintln(w, "|--:|--:|--:|--:|--:|--:|")
	for _, s := range sets {
		fmt.Fprintf(w, "| %d | %.0f | %.1f | %.1f | %.0f | %.1f |\n", s.Rules,
			median(s.Rounds, func(r ruleRound) float64 { return r.Eight.perSecond() }),
			micros(median(s.Rounds, func(r ruleRound) time.Duration { return r.Eight.cpuPerCall() })),
			micros(median(s.Rounds, func(r ruleRound) time.Duration { return r.Conditioned.cpuPerCall() })),
			micros(median(s.Rounds, func(r ruleRound) time.Duration { return r.Start }))/1e3,
			median(s.Rounds, func(r ruleRound) float64 { return r.IdleMB }))
	}
	fmt.Fprintln(w)
}
