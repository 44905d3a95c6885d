package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"strings"

	"github.com/ostiary/ostiary"
)

// person is what somebody types who sits at the machine: a command of the same
// program, which the agent cannot call.
func (s *show) person(ctx context.Context, words []string) (typed string, err error) {
	words = append([]string{}, words...)
	for i, w := range words {
		switch w {
		case "{id}":
			if words[i], _, err = s.waiting(ctx); err != nil {
				return "", err
			}
		case "{me}":
			me, err := user.Current()
			if err != nil {
				return "", err
			}
			words[i] = me.Username
		}
	}
	if _, err := s.command(ctx, words...); err != nil {
		return "", err
	}
	for i, w := range words {
		if strings.ContainsRune(w, ' ') {
			words[i] = "'" + w + "'"
		}
	}
	return "ostiary " + strings.Join(words, " "), nil
}

// sees is what a call shows to the person whom it concerns: the preview of what waits
// for an answer, or how a definition changed.
func (s *show) sees(ctx context.Context, call Call) (string, error) {
	if call.Want != ostiary.CodePinChanged {
		_, preview, err := s.waiting(ctx)
		return preview, err
	}
	out, err := s.command(ctx, "pin", "diff", "demo/"+call.Tool, "--json")
	if err != nil {
		return "", err
	}
	var d struct {
		Differences []struct{ Pointer, New string }
	}
	if err := json.Unmarshal(out, &d); err != nil || len(d.Differences) != 1 {
		return "", errors.Join(err, fmt.Errorf("`ostiary pin diff --json` printed %q", out))
	}
	return d.Differences[0].Pointer + " is now: " + d.Differences[0].New, nil
}

// waiting is the request that waits for a person, and what it shows.
func (s *show) waiting(ctx context.Context) (id, preview string, err error) {
	out, err := s.command(ctx, "approvals", "--json")
	if err != nil {
		return "", "", err
	}
	for line := range bytes.Lines(out) {
		var r struct{ ID string }
		if err := json.Unmarshal(line, &r); err != nil {
			return "", "", fmt.Errorf("`ostiary approvals --json` printed %q: %w", line, err)
		}
		if id != "" {
			return "", "", fmt.Errorf("two requests wait for the person: %s and %s", id, r.ID)
		}
		id = r.ID
	}
	if id == "" {
		return "", "", fmt.Errorf("no request waits for the person")
	}
	if out, err = s.command(ctx, "approvals", "show", id, "--json"); err != nil {
		return "", "", err
	}
	var shown struct{ Preview struct{ Text string } }
	err = json.Unmarshal(out, &shown)
	return id, shown.Preview.Text, err
}

func (s *show) command(ctx context.Context, words ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.Program, append(words, "--state", s.state)...)
	cmd.Dir = s.dir
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ostiary %s: %w: %s", strings.Join(words, " "), err, strings.TrimSpace(problems.String()))
	}
	return out, nil
}
