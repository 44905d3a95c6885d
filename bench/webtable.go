package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// webShare is the ratio of one way to another: the median of the rounds, the least
// and the most.
type webShare struct{ mid, least, most float64 }

func (s webShare) String() string {
	return fmt.Sprintf("%.0f %% (%.0f … %.0f)", 100*s.mid, 100*s.least, 100*s.most)
}

// of gives one way's figure over another's, round by round: both were measured in
// the same minutes.
func (m *webMeasured) of(way, control string, cell int, figure func(webSample) float64) (webShare, bool) {
	i, k := slices.Index(m.Ways, way), slices.Index(m.Ways, control)
	if i < 0 || k < 0 {
		return webShare{}, false
	}
	var all []float64
	for n := range m.Rounds[i] {
		a, b := m.Rounds[i][n][cell], m.Rounds[k][n][cell]
		if a.Calls == 0 || b.Calls == 0 {
			return webShare{}, false
		}
		all = append(all, figure(a)/figure(b))
	}
	slices.Sort(all)
	return webShare{all[len(all)/2], all[0], all[len(all)-1]}, true
}

func perSecond(s webSample) float64 { return s.perSecond() }
func cpuEach(s webSample) float64   { return float64(s.cpuPerCall()) }

func printWeb(w io.Writer, m *webMeasured) {
	cells := webCells()
	rounds := 0
	if len(m.Rounds) > 0 {
		rounds = len(m.Rounds[0])
	}
	fmt.Fprintf(w, "Over HTTP, medians of %d interleaved rounds; %s, %d cores, %s; state on %s.\n\n",
		rounds, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), m.FileSystem)
	for _, era := range eras {
		fmt.Fprintf(w, "| %s | calls/s, 1 caller, 256 B | 16 KiB | 32 callers, 256 B | 16 KiB | p50 / p99 µs, 1 caller, 256 B | 32 callers | own CPU µs a call, 32 callers, 256 B | 16 KiB |\n", era)
		fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|")
		for i, name := range m.Ways {
			at := func(size, callers int, figure func(webSample) string) string {
				return figure(m.median(i, slices.Index(cells, webCell{era, size, callers})))
			}
			rate := func(s webSample) string { return m.shown(s, "%.0f", s.perSecond) }
			cpu := func(s webSample) string {
				return m.shown(s, "%.1f", func() float64 { return micros(s.cpuPerCall()) })
			}
			wait := func(s webSample) string {
				if s.Calls == 0 {
					return ""
				}
				return fmt.Sprintf("%.0f / %.0f", micros(s.P50), micros(s.P99))
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", name,
				at(small, 1, rate), at(large, 1, rate), at(small, webCallers, rate), at(large, webCallers, rate),
				at(small, 1, wait), at(small, webCallers, wait), at(small, webCallers, cpu), at(large, webCallers, cpu))
		}
		fmt.Fprintln(w)
	}
	m.printRatios(w, cells)
	if m.Idle != nil {
		fmt.Fprintf(w, "| %d idle sessions with open streams | |\n|---|--:|\n", m.Idle.Sessions)
		fmt.Fprintf(w, "| resident MB before them / with them / %.0f s later | %.1f / %.1f / %.1f |\n", idleWait.Seconds(), m.Idle.BeforeMB, m.Idle.MB, m.Idle.LaterMB)
		fmt.Fprintf(w, "| KB a session (at most 40) | %.1f |\n", m.Idle.perSession())
		fmt.Fprintf(w, "| own CPU idle, µs a second | %.0f |\n\n", micros(m.Idle.OwnCPU))
	}
	if m.Slow != nil {
		fmt.Fprintf(w, "| clients that read nothing, each with %d answers of 1 MiB to come | resident MB before | the most |\n|--:|--:|--:|\n", slowCalls)
		for _, s := range m.Slow.Steps {
			fmt.Fprintf(w, "| %d | %.1f | %.1f |\n", s.Clients, s.BeforeMB, s.MB)
		}
		fmt.Fprintln(w)
	}
}

func (m *webMeasured) shown(s webSample, format string, figure func() float64) string {
	if s.Calls == 0 {
		return ""
	}
	return fmt.Sprintf(format, figure())
}

// median is the sample whose figures are each the medians over the rounds.
func (m *webMeasured) median(way, cell int) (s webSample) {
	if cell < 0 || len(m.Rounds[way]) == 0 || m.Rounds[way][0][cell].Calls == 0 {
		return s
	}
	of := func(figure func(webSample) time.Duration) time.Duration {
		return median(m.Rounds[way], func(r []webSample) time.Duration { return figure(r[cell]) })
	}
	const calls = 1_000_000
	s.Calls = calls
	s.Elapsed = of(func(s webSample) time.Duration { return time.Duration(float64(s.Elapsed) / float64(s.Calls) * calls) })
	s.CPU = of(func(s webSample) time.Duration { return time.Duration(float64(s.CPU) / float64(s.Calls) * calls) })
	s.P50, s.P99 = of(func(s webSample) time.Duration { return s.P50 }), of(func(s webSample) time.Duration { return s.P99 })
	return s
}

func (m *webMeasured) printRatios(w io.Writer, cells []webCell) {
	if !slices.Contains(m.Ways, webReads) {
		return
	}
	fmt.Fprintln(w, "| of the door, median (least … most of the rounds) | era | size | read | effect | wanted |")
	fmt.Fprintln(w, "|---|---|--:|--:|--:|---|")
	for _, row := range []struct {
		what, control, want string
		callers             int
		figure              func(webSample) float64
	}{
		{"calls/s at 32 callers, of the bare reverse proxy's", webProxy, "at least 60 %", webCallers, perSecond},
		{"calls/s at 32 callers, of the SDK relay's", webSDK, "at least 200 %", webCallers, perSecond},
		{"own CPU at 32 callers, of the bare reverse proxy's", webProxy, "at most 150 %", webCallers, cpuEach},
		{"calls/s at 1 caller, of the bare reverse proxy's", webProxy, "", 1, perSecond},
		{"own CPU at 1 caller, of the bare reverse proxy's", webProxy, "", 1, cpuEach},
	} {
		for k, cell := range cells {
			if cell.Callers != row.callers {
				continue
			}
			reads, ok := m.of(webReads, row.control, k, row.figure)
			effects, too := m.of(webEffects, row.control, k, row.figure)
			if ok && too {
				fmt.Fprintf(w, "| %s | %s | %d B | %s | %s | %s |\n", row.what, cell.Era, cell.Size, reads, effects, row.want)
			}
		}
	}
	fmt.Fprintln(w)
}
