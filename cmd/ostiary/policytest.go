package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/calltest"
)

type policyTestCommand struct {
	Dir  string `arg:"" help:"Directory of the cases; those of its subdirectories are run too."`
	JSON bool   `name:"json" help:"Print one JSON object a case."`
	Only string `name:"run" placeholder:"PATTERN" help:"Run only the cases whose file names match this regular expression."`
}

// caseResult is what policy test --json prints for a case.
type caseResult struct {
	File       string             `json:"file"`
	Threat     string             `json:"threat"`
	OK         bool               `json:"ok"`
	DurationMS int64              `json:"duration_ms"`
	Failures   []calltest.Failure `json:"failures"`
}

func (c *policyTestCommand) Run(ctx context.Context, p program) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o := calltest.Options{Program: self}
	if c.Only != "" {
		if o.Pattern, err = regexp.Compile(c.Only); err != nil {
			return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err, Message: "--run takes a regular expression"}
		}
	}
	ran, bad := 0, 0
	err = calltest.Dir(ctx, c.Dir, o, func(r calltest.Result) {
		ran++
		if !r.OK() {
			bad++
		}
		if !c.JSON {
			fmt.Fprintln(p.out, r)
			return
		}
		out := caseResult{File: r.File, Threat: r.Threat, OK: r.OK(), DurationMS: r.Duration.Milliseconds(), Failures: r.Failures}
		if out.Failures == nil {
			out.Failures = []calltest.Failure{}
		}
		// A reader that has gone makes the summary fail too.
		_ = printJSON(p.out, out)
	})
	if !c.JSON && ran > 0 {
		fmt.Fprintf(p.out, "%s: %d ok, %d failed\n", counted(ran, "case"), ran-bad, bad)
	}
	return errors.Join(err, toldUnless(bad == 0))
}
