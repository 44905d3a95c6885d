// Command bench measures what the door costs on the line: the same calls, in one
// run, to a raw echo server direct, through an unguarded relay that copies bytes,
// through the official SDK's client and server back to back, and through the real
// ostiary binary with every default on and only the rates raised. Rounds are
// interleaved and medians taken, because a small machine is noisy; read the
// ratios, not the absolute figures. Nothing here asserts: a timed test that fails
// on a busy machine teaches people to ignore it.
//
// Run it by make measure. See docs/measurements.md for how the figures are meant.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type options struct {
	ostiary string
	policy  string
	only    string
	before  string
	json    string
	rounds  int
	window  time.Duration
	scratch string // made and removed by main
}

// sections are what can be measured by itself.
var sections = []string{"line", "rules", "log", "sql", "consent", "http", "detect", "redact"}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	if len(os.Args) > 1 && os.Args[1] == doorWord {
		if err := serveDoor(context.Background(), os.Args[2:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	var o options
	flag.StringVar(&o.ostiary, "ostiary", "bin/ostiary", "the `binary` to measure; empty measures only the controls")
	flag.StringVar(&o.policy, "policy", "bench/policy.yaml", "its configuration `file`")
	flag.StringVar(&o.only, "only", "", "measure only `line`, rules, log, sql, consent, http, detect or redact")
	flag.StringVar(&o.before, "before", "", "an older `binary` to compare calls with that ask nobody (consent)")
	flag.StringVar(&o.json, "json", "", "also write every sample to this `file`")
	flag.IntVar(&o.rounds, "rounds", 5, "interleaved rounds; medians are reported")
	flag.DurationVar(&o.window, "window", time.Second, "how long each figure is measured in a round")
	dir := flag.String("dir", "", "`folder` for state and logs, on the disk to measure (default: the system's temporary one)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, *dir); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, o options, dir string) (err error) {
	if o.rounds < 1 || o.window <= 0 {
		return errors.New("-rounds and -window must be more than nothing")
	}
	if o.only != "" && !slices.Contains(sections, o.only) {
		return fmt.Errorf("-only %s: say %s", o.only, strings.Join(sections, ", "))
	}
	for _, program := range []string{o.ostiary, o.before} {
		if _, err := os.Stat(program); program != "" && errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is not there: run make build, or measure only the controls with -ostiary ''", program)
		}
	}
	if o.scratch, err = os.MkdirTemp(dir, "ostiary-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.scratch)) }()
	for _, name := range []string{"echo", "relay", "sdkrelay", "web"} {
		if o.only == "detect" || o.only == "redact" { // it calls none of them
			break
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(o.scratch, name), "./internal/peers/cmd/"+name)
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", name, err, text)
		}
	}
	var all report
	wanted := func(part string, door bool) bool {
		return (o.only == "" || o.only == part) && (!door || o.ostiary != "")
	}
	if wanted("line", false) {
		if all.Line, err = measureLine(ctx, o); err != nil {
			return err
		}
		printLine(os.Stdout, all.Line)
	}
	if wanted("rules", true) {
		if all.Rules, err = measureRules(ctx, o); err != nil {
			return err
		}
		printRules(os.Stdout, all.Rules)
	}
	if wanted("log", false) {
		if all.Log, err = measureLog(ctx, o); err != nil {
			return err
		}
		printLog(os.Stdout, fileSystem(o.scratch), all.Log)
	}
	if wanted("sql", true) {
		if all.SQL, err = measureSQL(ctx, o); err != nil {
			return err
		}
		printSQL(os.Stdout, all.SQL)
	}
	if wanted("consent", true) {
		if all.Consent, err = measureConsent(ctx, o); err != nil {
			return err
		}
		printConsent(os.Stdout, *all.Consent)
	}
	if wanted("http", false) {
		if all.HTTP, err = measureWeb(ctx, o); err != nil {
			return err
		}
		printWeb(os.Stdout, all.HTTP)
	}
	if wanted("detect", false) {
		if all.Detect, err = measureDetect(ctx); err != nil {
			return err
		}
		printDetect(os.Stdout, all.Detect)
	}
	if wanted("redact", false) {
		if all.Redact, err = measureRedact(ctx, o); err != nil {
			return err
		}
		printRedact(os.Stdout, all.Redact)
	}
	return writeJSON(o.json, all)
}
