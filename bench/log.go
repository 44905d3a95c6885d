package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// writers are how many callers wait for their record at once.
var writers = [...]int{1, 32, 256}

// logRound is one round: the disk alone, then the log for each number of writers.
type logRound struct {
	Disk disk
	Log  [len(writers)]logSample
}

// logSample is what one window of records gave.
type logSample struct {
	Records  int
	Elapsed  time.Duration
	P50, P99 time.Duration // until a record is durable
	// PerCommit is how many records shared a write and an fdatasync, Bytes what a
	// record takes with its share of checkpoints.
	PerCommit, Bytes float64
}

func (s logSample) perSecond() float64 { return float64(s.Records) / s.Elapsed.Seconds() }

func measureLog(ctx context.Context, o options) ([]logRound, error) {
	rounds := make([]logRound, o.rounds)
	for n := range rounds {
		stdlog.Printf("log: round %d of %d", n+1, o.rounds)
		var err error
		if rounds[n].Disk, err = measureDisk(o.scratch, o.window); err != nil {
			return nil, err
		}
		for i, w := range writers {
			dir := filepath.Join(o.scratch, fmt.Sprintf("state-log-%d-%d", n, w))
			if rounds[n].Log[i], err = appendFor(ctx, dir, w, o.window); err != nil {
				return nil, fmt.Errorf("%d writers: %w", w, err)
			}
		}
		if err := removeStates(o.scratch); err != nil {
			return nil, err
		}
	}
	return rounds, nil
}

// appendFor lets writers append for the window, closes the log and verifies it:
// what does not verify must not look fast.
func appendFor(ctx context.Context, dir string, writers int, window time.Duration) (s logSample, err error) {
	l, err := audit.Open(audit.Options{
		Dir: dir, Version: "bench", Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Redact:     func(c *ostiary.Call) []byte { return c.Arguments },
		RedactText: func(s string) string { return s },
	})
	if err != nil {
		return s, err
	}
	took, failed := make([][]time.Duration, writers), make([]error, writers)
	began := time.Now()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for time.Since(began) < window && ctx.Err() == nil {
				start := time.Now()
				if failed[w] = appendRead(l); failed[w] != nil {
					return
				}
				took[w] = append(took[w], time.Since(start))
			}
		})
	}
	all.Wait()
	s.Elapsed = time.Since(began)
	if err := errors.Join(append(failed, ctx.Err(), l.Close())...); err != nil {
		return s, err
	}
	each := slices.Concat(took...)
	slices.Sort(each)
	s.Records, s.P50, s.P99 = len(each), each[len(each)/2], each[len(each)*99/100]
	report, err := audit.Verify(ctx, dir, audit.VerifyOptions{})
	if err != nil {
		return s, err
	}
	if len(report.Broken) > 0 || report.Records < int64(s.Records) {
		return s, fmt.Errorf("the log does not verify: %d of %d records, broken: %v", report.Records, s.Records, report.Broken)
	}
	s.PerCommit = float64(report.Records) / float64(report.Checkpoints)
	s.Bytes = float64(report.Bytes) / float64(report.Records)
	return s, nil
}

// appendRead is the evidence of one closed-world read: one record with a body.
func appendRead(l *audit.Log) error {
	e, err := l.Begin(&ostiary.Call{
		ID: "call", Received: time.Now(), Principal: ostiary.Principal{ID: "alice", Client: "/usr/bin/agent"},
		Session: "4711@1700000000", Upstream: "files", Method: "tools/call", Class: ostiary.ClassTool, Target: "read_file",
		Rule:   &ostiary.Rule{Pattern: "files/read_*", Source: "policy.yaml:14", Effect: ostiary.EffectRead, Closed: true},
		Effect: ostiary.EffectRead, Closed: true, Arguments: []byte(`{"path":"notes/today.txt"}`),
	})
	if err != nil {
		return err
	}
	return e.End(ostiary.Outcome{
		Decision: ostiary.Allowed(), Status: ostiary.StatusOK, Duration: time.Millisecond,
		Result: &ostiary.Result{Status: ostiary.StatusOK, Text: "hello"},
	})
}

func printLog(w io.Writer, fileSystem string, rounds []logRound) {
	fmt.Fprintf(w, "The log, medians of %d rounds, on %s.\n\n", len(rounds), fileSystem)
	fmt.Fprintln(w, "| durable signed records | a second | of the disk's rate | p50 / p99 µs until durable | records a commit | bytes a record | wanted |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|---|")
	rate := median(rounds, func(r logRound) float64 { return r.Disk.PerSecond })
	fmt.Fprintf(w, "| *the disk's own fdatasync, one writer* | %.0f | 1.0 | %.0f | | | |\n",
		rate, micros(median(rounds, func(r logRound) time.Duration { return r.Disk.P50 })))
	for i, n := range writers {
		name, want := fmt.Sprintf("%d writers", n), ""
		if n == 1 {
			name = "1 writer"
		}
		if n == writers[len(writers)-1] {
			want = "at least 10 times"
		}
		fmt.Fprintf(w, "| %s | %.0f | %.1f | %.0f / %.0f | %.1f | %.0f | %s |\n", name,
			median(rounds, func(r logRound) float64 { return r.Log[i].perSecond() }),
			median(rounds, func(r logRound) float64 { return r.Log[i].perSecond() / r.Disk.PerSecond }),
			micros(median(rounds, func(r logRound) time.Duration { return r.Log[i].P50 })),
			micros(median(rounds, func(r logRound) time.Duration { return r.Log[i].P99 })),
			median(rounds, func(r logRound) float64 { return r.Log[i].PerCommit }),
			median(rounds, func(r logRound) float64 { return r.Log[i].Bytes }), want)
	}
	fmt.Fprintln(w)
}
