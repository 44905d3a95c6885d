// Package demo is `ostiary demo`: it behaves like an agent that was talked into
// things, in front of the real door, and shows what comes of it.
//
// Promise: nothing is staged. The server is a process, the door is a process of
// the same program that a user starts, the policy is a file, the evidence is a
// log on disk. Every attack is first made without the door, so that a verdict
// that says no is worth something. Every verdict is compared with what it must
// be, and a wrong one is an error. All of it happens in one folder, takes bounded
// time, and leaves neither processes nor, unless it is asked to, files.
//
// What it does not show: that an attack that is not among its calls fails.
package demo

import (
	"context"
	_ "embed" // for the policy
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/demo/server"
)

// Policy is the file that the door is started with, the example of the README.
//
//go:embed policy.yaml
var Policy string

// Options are what a demonstration needs. What has no stated default is required.
type Options struct {
	// Program is our own executable: `PROGRAM run` is the door and
	// `PROGRAM demo-server WORKSPACE` the server.
	Program string
	// Dir is an empty folder to work in, kept afterwards; "" makes one and removes it.
	Dir string
	// Calls are what is tried; nil means Calls().
	Calls []Call
	// Verify reads the evidence of a state directory.
	Verify func(ctx context.Context, state string) (Verified, error)
	Out    io.Writer
	// JSON writes one object a line, Color colours the text.
	JSON, Color bool
	// Progress hears what takes a while, and "" when it is over; it may be nil.
	Progress func(what string)
}

// Verified is what verification found.
type Verified struct {
	Records, Checkpoints int64
	// Broken says what was changed and where; "" if nothing was. Record is its
	// number.
	Broken string
	Record int64
}

// most is how long a demonstration may take.
const most = 3 * time.Minute

// show is a demonstration under way.
type show struct {
	Options
	began      time.Time
	dir, state string
	wrong      []string
	print      printer
}

// Run makes the calls, shows what came of them, and returns an error if any of it
// is not what it must be.
func Run(ctx context.Context, o Options) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("the demonstration took longer than %s", most))
	defer cancel()
	if o.Calls == nil {
		o.Calls = Calls()
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	s := &show{Options: o, began: time.Now(), wrong: []string{}}
	remove, err := s.makeDir()
	if err != nil {
		return failed("the folder of the demonstration cannot be made", err)
	}
	defer func() { err = errors.Join(err, remove()) }()
	if err := s.run(ctx); err != nil {
		o.Progress("")
		return failed("the demonstration could not be carried out", err)
	}
	if len(s.wrong) > 0 {
		return failed("this is not what must happen: "+strings.Join(s.wrong, "; "), nil)
	}
	return nil
}

func failed(what string, err error) error {
	return &ostiary.Error{Code: ostiary.CodeInternal, Message: what, Err: err}
}

func (s *show) makeDir() (remove func() error, err error) {
	remove = func() error { return nil }
	if s.dir = s.Dir; s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "ostiary-demo-"); err != nil {
			return nil, err
		}
		dir := s.dir
		remove = func() error { return os.RemoveAll(dir) }
	} else {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return nil, err
		}
		if entries, err := os.ReadDir(s.dir); err != nil || len(entries) > 0 {
			return nil, errors.Join(err, fmt.Errorf("%s is not empty: name another folder", s.dir))
		}
	}
	if s.dir, err = filepath.Abs(s.dir); err == nil {
		s.dir, err = filepath.EvalSymlinks(s.dir)
	}
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	s.state = filepath.Join(s.dir, "state")
	return remove, nil
}

func (s *show) run(ctx context.Context) error {
	if s.JSON {
		s.print = &lines{out: s.Out}
	} else {
		s.print = &page{out: s.Out, color: s.Color, short: strings.NewReplacer(s.dir, "DIR")}
	}
	file, policy, err := s.writePolicy()
	if err != nil {
		return err
	}
	if err := s.print.begin(s.dir, policy); err != nil {
		return err
	}
	without, err := s.withoutDoor(ctx)
	if err != nil {
		return fmt.Errorf("without the door: %w", err)
	}
	if err := s.print.control(*without); err != nil {
		return err
	}
	ws, err := playground(s.dir, "play")
	if err != nil {
		return err
	}
	door, err := link(ws, func() (*client, error) {
		return dial(ctx, s.dir, s.Program, "run", "--config", file, "--name", "demo", "--state", s.state,
			"--", s.Program, "demo-server", ws)
	})
	if err != nil {
		return err
	}
	shown, err := s.withDoor(ctx, door)
	if err := errors.Join(err, door.close()); err != nil {
		return err
	}
	if err := s.evidence(ctx, shown); err != nil {
		return err
	}
	return s.print.end(ending{
		Calls: len(s.Calls), Wrong: s.wrong, Seconds: time.Since(s.began).Seconds(), Kept: s.Dir,
	})
}

// writePolicy writes the policy as it is, but for a sort that lies elsewhere.
func (s *show) writePolicy() (file, text string, err error) {
	text = Policy
	const sort = "/usr/bin/sort"
	if _, err := os.Stat(sort); err != nil {
		found, err := exec.LookPath("sort")
		if err != nil {
			return "", "", fmt.Errorf("the policy allows one program, sort, which is not on this machine: %w", err)
		}
		text = strings.ReplaceAll(text, sort, found)
	}
	file = filepath.Join(s.dir, "policy.yaml")
	return file, text, os.WriteFile(file, []byte(text), 0o600)
}

func playground(dir, name string) (ws string, err error) {
	base := filepath.Join(dir, name)
	if err := os.Mkdir(base, 0o700); err != nil {
		return "", err
	}
	return server.Make(base)
}

// expect notes what is not as it must be.
func (s *show) expect(ok bool, format string, args ...any) bool {
	if !ok {
		s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
	}
	return ok
}
