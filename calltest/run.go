package calltest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// Options are what cases need of their surroundings.
type Options struct {
	// Program is an executable that parses SQL when it is started with the
	// argument sql-helper, as the command ostiary does. Required.
	Program string
	// Pattern chooses among the cases of a directory by their files; nil is all.
	Pattern *regexp.Regexp

	// look, if set, gets the run with the guard.
	look func(*testCase, *played)
}

// Result is what came of one case.
type Result struct {
	File     string
	Threat   string
	Failures []Failure
	Duration time.Duration
}

// OK reports whether everything was as the case says.
func (r Result) OK() bool { return len(r.Failures) == 0 }

// String names the case and each failure with its place, what was expected, what
// came, and why.
func (r Result) String() string {
	var b strings.Builder
	word := "ok  "
	if !r.OK() {
		word = "FAIL"
	}
	fmt.Fprintf(&b, "%s %s: %s (%s)", word, r.File, r.Threat, r.Duration.Round(time.Millisecond))
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "\n  %s:%d: %s", r.File, f.Line, f.Section)
		if f.Pointer != "" {
			fmt.Fprintf(&b, " %s", f.Pointer)
		}
		fmt.Fprintf(&b, "\n    expected  %s\n    came      %s", f.Want, f.Got)
		for i, line := range strings.Split(strings.TrimSpace(f.Why), "\n") {
			if line == "" {
				continue
			}
			head := "          "
			if i == 0 {
				head = "because   "
			}
			fmt.Fprintf(&b, "\n    %s%s", head, line)
		}
	}
	return b.String()
}

// Run runs one case. The error says that the case could not be judged: it cannot
// be read, is not written in the grammar (one *ostiary.Error with a place for
// everything wrong), or the house for it does not open.
func Run(ctx context.Context, file string, o Options) (Result, error) {
	began := time.Now()
	r := Result{File: file}
	if o.Program == "" {
		return r, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "cases need the program that parses SQL for the door"}
	}
	info, err := os.Stat(file)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxCase) {
		err = fmt.Errorf("it is no file of at most %d bytes", maxCase)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return r, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err, Message: file + ": the case cannot be read"}
	}
	c, err := parse(file, data)
	if err != nil {
		return r, err
	}
	r.Threat = c.threat
	p, err := c.play(ctx, o, c.policy, false)
	if err != nil {
		return r, c.broken(err, p)
	}
	r.Failures = c.judge(p)
	if o.look != nil {
		o.look(c, p)
	}
	if c.hasControl() && p.failed == nil {
		policy := c.control
		if policy == nil {
			policy = c.policy
		}
		p, err := c.play(ctx, o, policy, true)
		if err != nil {
			return r, c.broken(err, p)
		}
		r.Failures = append(r.Failures, c.judgeControl(p)...)
	}
	r.Duration = time.Since(began)
	return r, nil
}

// broken says that a case could not be played.
func (c *testCase) broken(err error, p *played) error {
	var e *ostiary.Error
	if errors.As(err, &e) && p == nil {
		return err // of the policy, with its place in the case
	}
	if p != nil && p.log != "" {
		err = fmt.Errorf("%w\n%s", err, strings.TrimSpace(p.log))
	}
	return &ostiary.Error{Code: ostiary.CodeInternal, Err: err, Message: c.file + ": the case could not be played"}
}

// Dir runs the cases below a directory, in the order of their names, and calls
// each with every result. No case at all is an error, and so is a case that
// cannot be judged; the others are run all the same.
func Dir(ctx context.Context, dir string, o Options, each func(Result)) error {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".txtar" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err, Message: "the directory of the cases cannot be read"}
	}
	var errs []error
	ran := 0
	for _, file := range files {
		if o.Pattern != nil && !o.Pattern.MatchString(file) {
			continue
		}
		if ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(ctx))...)
		}
		ran++
		r, err := Run(ctx, file, o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		each(r)
	}
	if ran == 0 {
		errs = append(errs, &ostiary.Error{Code: ostiary.CodeConfigInvalid,
			Message: fmt.Sprintf("%s: of %d cases (*.txtar) none was run: nothing was tested", dir, len(files))})
	}
	return errors.Join(errs...)
}
