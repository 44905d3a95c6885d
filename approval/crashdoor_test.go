package approval

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/store"
)

// steps are what a door does between a person's answer and the end of a call, in
// their order, with what a kill right behind each leaves: the state of the request
// and how many effects there are.
var steps = []struct {
	name  string
	left  State
	there int
}{
	{"settled", Approved, 0},
	{"intended", Approved, 0}, // the intent is durable
	{"taking", Approved, 0},   // within the transaction that takes the approval
	{"written", Used, 0},      // and its use is not noted yet
	{"noted", Used, 0},
	{"effect", Used, 1},
	{"recorded", Used, 1}, // the outcome is durable, and the agent has no answer
}

// doors are the ways in which a child takes calls through the line. Those that are
// not "door" are wrong on purpose: the tests must see it.
var doors = map[string]func(*ostiary.Decision){
	"door": func(*ostiary.Decision) {},
	// late takes the approval behind the effect, as who only looks whether a call was
	// approved and marks it afterwards.
	"late": func(d *ostiary.Decision) {
		if d.Hold != nil {
			take := d.Hold.Commit
			d.Hold = &ostiary.Hold{Done: func() { _ = take() }}
		}
	},
	// open lets pass what nobody approved.
	"open": func(d *ostiary.Decision) { *d = ostiary.Allowed() },
}

func evidence(dir string) (*audit.Log, error) {
	return audit.Open(audit.Options{
		Dir: dir, Logger: slog.New(slog.DiscardHandler),
		Redact: func(*ostiary.Call) []byte { return nil }, RedactText: func(s string) string { return s },
	})
}

// door is one process in front of a server: the real line, store and evidence. at is
// told of each step.
type door struct {
	dir   string
	line  *ostiary.Line
	at    func(step string)
	close func()
}

func openDoor(role, dir string, at func(step string)) (*door, error) {
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	log, err := evidence(dir)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	g, err := New(Options{
		Store: slowStore{s, at}, Journal: slowJournal{log, at}, Policy: "sha256:p1", Wait: time.Millisecond, Expire: time.Hour, Pending: 1000,
		Mask: func(c *ostiary.Call) []byte { return c.Arguments },
	})
	if err != nil {
		return nil, errors.Join(err, log.Close(), s.Close())
	}
	line, err := ostiary.New(ostiary.Options{
		Gates: []ostiary.Gate{asking{}}, Settler: slowSettler{g, doors[role], at}, Recorder: slowRecorder{log, at}, Timeout: time.Minute, Now: time.Now,
	})
	return &door{dir: dir, line: line, at: at, close: func() { g.Close(); _ = log.Close(); _ = s.Close() }}, err
}

// call takes a call through the line; its effect is one byte in a file.
func (d *door) call(args string) ostiary.Decision {
	_, got := d.line.Do(context.Background(), call(args), func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		f, err := os.OpenFile(effectFile(d.dir, args), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if _, err := f.Write([]byte{'x'}); err != nil {
			return nil, err
		}
		d.at("effect")
		return &ostiary.Result{Status: ostiary.StatusOK, Text: "deleted"}, nil
	})
	return got
}

// behindDoor is a child that is killed. A line is the arguments of a call and the
// step at which it says so and goes no further, "-" for none.
func behindDoor(role, dir string) error {
	stop := ""
	in := bufio.NewReader(os.Stdin)
	d, err := openDoor(role, dir, func(step string) {
		if step == stop {
			fmt.Println(step)
			_, _ = in.ReadString('\n') // until it is killed
		}
	})
	if err != nil {
		return err
	}
	defer d.close()
	fmt.Println("ready")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil
		}
		var args string
		args, stop, _ = strings.Cut(strings.TrimSpace(line), " ")
		if got := d.call(args); got.Verdict == ostiary.Allow {
			fmt.Println("ran")
		} else {
			fmt.Println(got.Code)
		}
	}
}

type asking struct{}

func (asking) Name() string { return "policy" }
func (asking) Check(context.Context, *ostiary.Call) (ostiary.Decision, error) {
	return asks()[0], nil
}

// The slow ones tell of steps; everything else is the real thing.
type slowSettler struct {
	*Gate
	change func(*ostiary.Decision)
	at     func(string)
}

func (s slowSettler) Settle(ctx context.Context, c *ostiary.Call, asks []ostiary.Decision) (ostiary.Decision, error) {
	d, err := s.Gate.Settle(ctx, c, asks)
	if s.change(&d); d.Verdict != ostiary.Allow {
		return d, err
	}
	s.at("settled")
	if d.Hold != nil && d.Hold.Commit != nil {
		commit := d.Hold.Commit
		d.Hold.Commit = func() error {
			err := commit()
			s.at("noted")
			return err
		}
	}
	return d, nil
}

type slowStore struct {
	*store.SQLite
	at func(string)
}

func (s slowStore) Update(ctx context.Context, f func(ostiary.Tx) error) error {
	err := s.SQLite.Update(ctx, func(tx ostiary.Tx) error {
		err := f(tx)
		s.at("taking")
		return err
	})
	s.at("written")
	return err
}

type slowJournal struct {
	*audit.Log
	at func(string)
}

func (j slowJournal) Note(e ostiary.Event) error {
	err := j.Log.Note(e)
	if e.Name == "approval_approved" {
		j.at("noted first")
	}
	return err
}

type slowRecorder struct {
	*audit.Log
	at func(string)
}

func (r slowRecorder) Begin(c *ostiary.Call) (ostiary.Entry, error) {
	e, err := r.Log.Begin(c)
	return slowEntry{e, r.at}, err
}

type slowEntry struct {
	ostiary.Entry
	at func(string)
}

func (e slowEntry) Intent(d ostiary.Decision) error {
	err := e.Entry.Intent(d)
	e.at("intended")
	return err
}

func (e slowEntry) End(o ostiary.Outcome) error {
	err := e.Entry.End(o)
	if o.Decision.Verdict == ostiary.Allow {
		e.at("recorded")
	}
	return err
}
