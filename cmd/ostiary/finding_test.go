package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// leaving is a call and what a filter finds in its result.
type leaving struct {
	Call, Upstream, Method, Target string
	Tool                           bool
	Findings                       []ostiary.Finding
	// More are findings that are only counted.
	More int
}

// leaveFindings takes calls through a line whose filter finds what it is told, one JSON
// object after another, and leaves the evidence in the usual state directory.
func leaveFindings(in io.Reader) error {
	dir, err := stateFlag{}.dir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	log, err := audit.Open(audit.Options{Dir: dir, Redact: func(c *ostiary.Call) []byte { return c.Arguments }, RedactText: func(s string) string { return s }})
	if err != nil {
		return err
	}
	d := json.NewDecoder(in)
	for {
		var one leaving
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			return log.Close()
		} else if err != nil {
			return errors.Join(err, log.Close())
		}
		if err := one.leave(log); err != nil {
			return errors.Join(err, log.Close())
		}
	}
}

func (one *leaving) leave(log *audit.Log) error {
	line, err := ostiary.New(ostiary.Options{
		Gates: []ostiary.Gate{letting{}}, Filters: []ostiary.Filter{one}, Recorder: log, Timeout: time.Minute, Now: time.Now,
	})
	if err != nil {
		return err
	}
	c := &ostiary.Call{
		ID: one.Call, Received: time.Now(), Principal: ostiary.Principal{ID: "alice"}, Session: "17@4711", Upstream: one.Upstream,
		Method: one.Method, Class: ostiary.ClassList, Target: one.Target, Rule: &ostiary.Rule{Pattern: "files/*"}, Effect: ostiary.EffectRead,
	}
	if one.Tool {
		c.Class = ostiary.ClassTool
	}
	_, decision := line.Do(context.Background(), c, func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		return &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{}`)}, nil
	})
	if decision.Verdict != ostiary.Allow {
		return ostiary.AsError(decision.Code)
	}
	return nil
}

// Name and Apply implement [ostiary.Filter].
func (*leaving) Name() string { return "redact" }

func (one *leaving) Apply(_ context.Context, _ *ostiary.Call, r *ostiary.Result) error {
	for _, f := range one.Findings {
		r.Find(f)
	}
	for range one.More {
		r.Find(ostiary.Finding{Stage: "redact", Rule: "jwt"})
	}
	return nil
}

// letting is a gate that lets everything pass.
type letting struct{}

func (letting) Name() string { return "policy" }
func (letting) Check(context.Context, *ostiary.Call) (ostiary.Decision, error) {
	return ostiary.Allowed(), nil
}
