package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	show "github.com/ostiary/ostiary/internal/visible"
)

// configCommand is about the file as such; what it means for a server's tools is
// the matter of policy.
type configCommand struct {
	Check  configCheckCommand  `cmd:"" help:"Read a policy file and say everything that is wrong with it."`
	Schema configSchemaCommand `cmd:"" help:"Print the JSON Schema of the policy file, for editors."`
}

type configSchemaCommand struct{}

func (configSchemaCommand) Run(p program) error {
	_, err := p.out.Write(config.JSONSchema())
	return err
}

type configCheckCommand struct {
	File        string `arg:"" help:"The policy file."`
	JSON        bool   `name:"json" help:"Print one JSON object."`
	SkipSecrets bool   "help:\"Do not look up ${env:…} and ${file:…}, to check a file where its secrets are not.\""
}

// configReport is what config check --json prints.
type configReport struct {
	OK      bool          `json:"ok"`
	File    string        `json:"file"`
	Digest  string        `json:"digest,omitempty"`
	Summary *configCounts `json:"summary,omitempty"`
	Errors  []configError `json:"errors"`
}

type configCounts struct {
	Principals int `json:"principals"`
	Upstreams  int `json:"upstreams"`
	Deny       int `json:"deny"`
	Rules      int `json:"rules"`
}

type configError struct {
	Code    ostiary.Code `json:"code"`
	Line    int          `json:"line,omitempty"`
	Column  int          `json:"column,omitempty"`
	Message string       `json:"message"`
}

func (c *configCheckCommand) Run(p program) error {
	file, err := c.check()
	r := configReport{OK: err == nil, File: c.File, Errors: []configError{}}
	if err == nil {
		r.Digest = fmt.Sprintf("%x", file.Digest)
		r.Summary = &configCounts{len(file.Principals), len(file.Upstreams), len(file.Deny), len(file.Rules)}
	}
	if !c.JSON {
		if err != nil {
			return shownErrors(err)
		}
		_, err := fmt.Fprintf(p.out, "%s: OK: %s, %s, %s, %s\n", visible(c.File), counted(r.Summary.Rules, "rule"), counted(r.Summary.Deny, "deny row"),
			counted(r.Summary.Upstreams, "upstream"), counted(r.Summary.Principals, "principal"))
		return err
	}
	for _, e := range flatten(err) {
		if e == nil {
			continue
		}
		oe := ostiary.AsError(e)
		line, column := placeIn(oe.Message)
		r.Errors = append(r.Errors, configError{Code: oe.Code, Line: line, Column: column, Message: oe.Message})
	}
	return errors.Join(p.printJSON(r), toldUnless(r.OK))
}

// shownErrors makes the errors fit for a terminal: they quote the file, with the
// place on lines of its own.
func shownErrors(err error) error {
	var all []error
	for _, e := range flatten(err) {
		if e == nil {
			continue
		}
		oe := *ostiary.AsError(e)
		oe.Message, oe.Reason = show.Block(oe.Message, 40, 16<<10), visible(oe.Reason)
		if oe.Err != nil {
			oe.Err = errors.New(visible(oe.Err.Error()))
		}
		all = append(all, &oe)
	}
	return errors.Join(all...)
}

// check reads the file as `run` does: its text, its place, its rows.
func (c *configCheckCommand) check() (*config.File, error) {
	file, err := config.Load(c.File, config.Options{SkipSecrets: c.SkipSecrets})
	if err != nil {
		return nil, err
	}
	w, err := wiring(os.TempDir(), "", config.Upstream{Cwd: file.Dir}, logger(io.Discard, false))
	if err != nil {
		return nil, err
	}
	_, err = file.NewPolicy(w, nil)
	return file, errors.Join(err, config.Placement(file, nil))
}

var placeAt = regexp.MustCompile(`^[^\n]*?:(\d+):(\d+): `)

// placeIn reads the place that a message of a configuration begins with.
func placeIn(message string) (line, column int) {
	if m := placeAt.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		column, _ = strconv.Atoi(m[2])
	}
	return line, column
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// printed is the error of a command that has said everything already.
type printed struct{}

func (printed) Error() string   { return "see above" }
func (printed) Unwrap() []error { return nil }

func toldUnless(ok bool) error {
	if ok {
		return nil
	}
	return printed{}
}

func printJSON(to io.Writer, v any) error {
	e := json.NewEncoder(to)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// ago says how old something is.
func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return counted(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return counted(int(d.Hours()), "hour") + " ago"
	}
	return counted(int(d.Hours()/24), "day") + " ago"
}
