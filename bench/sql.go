package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/validate/sqlhelper"
)

// sqlRound is what the SQL helper cost in one round.
type sqlRound struct {
	// Before is how many helpers ran before the first text was judged, through
	// the real door; After is how many ran behind it.
	Before, After int
	First, Warm   time.Duration
	// FirstMB is resident after the first text, LongMB at the end, after the longest
	// texts that it takes, and PeakMB the most that was ever resident.
	FirstMB, LongMB, PeakMB float64
}

const (
	plainSQL    = "SELECT region, sum(amount) FROM sales WHERE at > now() - interval '7 days' GROUP BY region"
	longestText = 64 << 10 // of which the helper takes no more
	sqlPolicy   = "  - {tool: echo/echo, effect: read, world: closed, args: {/text: {sql: {dialect: postgresql, tables: [sales]}}}}\n"
)

// longSQL is a text that is as long as one may be.
func longSQL() string {
	const head, more, tail = "SELECT 1 WHERE 1 IN (1", ",1", ")"
	return head + strings.Repeat(more, (longestText-len(head)-len(tail))/len(more)) + tail
}

func measureSQL(ctx context.Context, o options) ([]sqlRound, error) {
	rounds := make([]sqlRound, o.rounds)
	for n := range rounds {
		stdlog.Printf("sql: round %d of %d", n+1, o.rounds)
		if err := sqlThroughTheDoor(ctx, o, &rounds[n]); err != nil {
			return nil, err
		}
		if err := sqlAlone(ctx, o, &rounds[n]); err != nil {
			return nil, err
		}
	}
	return rounds, removeStates(o.scratch)
}

// sqlThroughTheDoor counts the helpers of a real door before and behind its first text.
func sqlThroughTheDoor(ctx context.Context, o options, r *sqlRound) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute) // ends what hangs
	defer cancel()
	file := filepath.Join(o.scratch, "sql.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nrules:\n"+sqlPolicy+"  - {tool: echo/put, effect: write, world: closed}\n"), 0o600); err != nil {
		return err
	}
	s, err := launch(ctx, []string{
		o.ostiary, "run", "--config", file, "--name", "echo", "--state", filepath.Join(o.scratch, "state-sql"),
		"--", filepath.Join(o.scratch, "echo"),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	if _, err := s.drive("put", small, 1, 0); err != nil { // its rule has no SQL
		return err
	}
	before, err := helpers(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	s.id++
	line := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"text":%q}}}`, s.id, plainSQL)
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		return err
	}
	if answer, err := s.line(); err != nil || !strings.Contains(string(answer), "sum(amount)") {
		return fmt.Errorf("the SQL was not let through: %w %s", err, answer)
	}
	after, err := helpers(s.cmd.Process.Pid)
	r.Before, r.After = len(before), len(after)
	return err
}

// sqlAlone measures the helper as a child of this process, started as the door
// starts it.
func sqlAlone(ctx context.Context, o options, r *sqlRound) (err error) {
	h, err := sqlhelper.New(sqlhelper.Options{Command: []string{o.ostiary, "sql-helper"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	judge := func(text string) (time.Duration, error) {
		began := time.Now()
		_, err := h.Parse(ctx, "postgresql", text)
		return time.Since(began), err
	}
	if r.First, err = judge(plainSQL); err != nil {
		return err
	}
	pids, err := helpers(os.Getpid())
	if err != nil {
		return err
	}
	if len(pids) != 1 {
		return fmt.Errorf("%d helpers run, want one", len(pids))
	}
	if r.FirstMB, err = resident(pids[0]); err != nil {
		return err
	}
	var warm []time.Duration
	for range 100 {
		took, err := judge(plainSQL)
		if err != nil {
			return err
		}
		warm = append(warm, took)
	}
	slices.Sort(warm)
	r.Warm = warm[len(warm)/2]
	for range 10 {
		if _, err := judge(longSQL()); err != nil {
			return err
		}
	}
	if r.LongMB, err = resident(pids[0]); err != nil {
		return err
	}
	r.PeakMB, err = residentPeak(pids[0])
	return err
}

// helpers are the SQL helpers among the children of a process.
func helpers(pid int) ([]int, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil, err
	}
	var all []int
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has ended
		}
		for _, field := range strings.Fields(string(b)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				return nil, err
			}
			line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
			if err == nil && strings.Contains(string(line), "\x00sql-helper\x00") {
				all = append(all, child)
			}
		}
	}
	return all, nil
}

func printSQL(w io.Writer, rounds []sqlRound) {
	mb := func(figure func(sqlRound) float64) float64 { return median(rounds, figure) }
	fmt.Fprintf(w, "The SQL helper (PostgreSQL), medians of %d rounds.\n\n", len(rounds))
	fmt.Fprintln(w, "| the SQL helper | |")
	fmt.Fprintln(w, "|---|--:|")
	fmt.Fprintf(w, "| helpers that run before the first SQL text / behind it | %d / %d |\n",
		median(rounds, func(r sqlRound) int { return r.Before }), median(rounds, func(r sqlRound) int { return r.After }))
	fmt.Fprintf(w, "| first text, start included, ms | %.0f |\n", micros(median(rounds, func(r sqlRound) time.Duration { return r.First }))/1e3)
	fmt.Fprintf(w, "| further texts, p50 µs | %.0f |\n", micros(median(rounds, func(r sqlRound) time.Duration { return r.Warm })))
	fmt.Fprintf(w, "| resident MB after the first text | %.0f |\n", mb(func(r sqlRound) float64 { return r.FirstMB }))
	fmt.Fprintf(w, "| resident MB after ten texts of 64 KiB, the longest it takes | %.0f |\n", mb(func(r sqlRound) float64 { return r.LongMB }))
	fmt.Fprintf(w, "| the most that was resident, MB | %.0f |\n", mb(func(r sqlRound) float64 { return r.PeakMB }))
	fmt.Fprintf(w, "| the bound at which it is ended, MB of data | %.0f |\n\n", float64(1<<30)/1e6)
}
