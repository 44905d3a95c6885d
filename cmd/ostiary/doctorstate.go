package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/freeze"
	show "github.com/ostiary/ostiary/internal/visible"
	"github.com/ostiary/ostiary/store"
)

// private looks at the owner and mode of everything in the state directory and
// reports whether it may be opened. The door refuses what is looser; here all of it
// is named at once.
func (x *examination) private() bool {
	info, err := os.Stat(x.State)
	if errors.Is(err, fs.ErrNotExist) {
		x.say("state", isWarn, "start a server behind the door (`ostiary run"+x.again+" -- COMMAND`), which makes it, or name another directory with --state",
			"there is no state directory %s yet", x.State)
		return false
	}
	if err != nil || !info.IsDir() {
		x.say("state", isWrong, "name the state directory with --state, and run this as the user who runs the door", "%s is no directory that can be read", x.State)
		return false
	}
	before := x.Fails
	x.mode("state", x.State, 0o700)
	x.mode("state", filepath.Join(x.State, "audit"), 0o700)
	x.mode("key", filepath.Join(x.State, "key"), 0o600)
	for _, name := range []string{"store.sqlite", "store.sqlite-wal", "store.sqlite-shm", "store.made", "store.lock"} {
		x.mode("store", filepath.Join(x.State, name), 0o600)
	}
	if x.Fails > before {
		return false
	}
	x.say("state", isFine, "", "%s is yours alone (0700)", x.State)
	if _, err := os.Lstat(filepath.Join(x.State, "key")); err == nil {
		x.say("key", isFine, "", "the signing key is yours alone (0600)")
	}
	return true
}

// mode says if a file or directory, where it is there, is another's or open to others.
func (x *examination) mode(check, path string, most fs.FileMode) {
	info, err := os.Lstat(path)
	if path == x.State {
		info, err = os.Stat(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		x.say(check, isWrong, "run this as the user who runs the door", "%s cannot be looked at: %v", path, err)
		return
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch perm := info.Mode().Perm(); {
	case info.Mode()&fs.ModeSymlink != 0:
		x.say(check, isWrong, "find out who put it there, then put the thing itself there", "%s is a symbolic link", path)
	case !ok || int(owner.Uid) != os.Geteuid():
		x.say(check, isWrong, "run this as the user who runs the door; if you did, use a directory of that user", "%s belongs to another user", path)
	case perm&^most != 0:
		x.say(check, isWrong, fmt.Sprintf("find out who could read or change it, then run chmod %o %s", most, path), "%s has mode %#o; the door accepts %#o at most", path, perm, most)
	}
}

// store opens the store if there is one, and says what is in force.
func (x *examination) store(ctx context.Context, p program) {
	if _, err := os.Lstat(filepath.Join(x.State, "store.sqlite")); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(filepath.Join(x.State, "store.made")); errors.Is(err, fs.ErrNotExist) {
			x.say("store", isFine, "", "there is no store yet; the first door makes it")
			return
		}
	}
	s, err := store.Open(store.Options{Dir: x.State, Logger: logger(p.err, false)})
	if err != nil {
		x.wrong("store", err)
		return
	}
	defer s.Close() //nolint:errcheck // nothing was written
	x.say("store", isFine, "", "the store is yours alone (0600), opens, and has the schema of this version")
	x.freezes(ctx, s)
	x.waiting(ctx, s)
}

func (x *examination) freezes(ctx context.Context, s ostiary.Store) {
	all, err := freeze.NewDesk(freeze.DeskOptions{Store: s}).List(ctx)
	switch {
	case err != nil:
		x.wrong("freeze", err)
	case len(all) == 0:
		x.say("freeze", isFine, "", "nothing is frozen")
	default:
		var ids []string
		for _, f := range all[:min(len(all), 5)] {
			ids = append(ids, show.Line(f.Scope.ID(), 80))
		}
		x.say("freeze", isWarn, "`ostiary freeze"+x.again+" --list` says since when and why, `ostiary unfreeze"+x.again+"` lifts one",
			"%s in force: %s", counted(len(all), "freeze"), strings.Join(ids, ", "))
	}
}

// unnoted is the journal of a desk that only looks.
type unnoted struct{}

func (unnoted) Note(ostiary.Event) error {
	return &ostiary.Error{Code: ostiary.CodeAuditUnavailable, Message: "the doctor changes nothing"}
}

func (x *examination) waiting(ctx context.Context, s ostiary.Store) {
	desk, err := approval.NewDesk(approval.DeskOptions{Store: s, Journal: unnoted{}, Clock: time.Now})
	if err != nil {
		x.wrong("approvals", err)
		return
	}
	switch all, err := desk.List(ctx, approval.Filter{States: []approval.State{approval.Pending}}); {
	case err != nil:
		x.wrong("approvals", err)
	case len(all) == 0:
		x.say("approvals", isFine, "", "no call waits for a person")
	default:
		x.say("approvals", isWarn, "`ostiary approvals"+x.again+"` shows them", "%s for a person, the oldest since %s",
			counted(len(all), "request")+" waiting", all[0].Created.Local().Format("2006-01-02 15:04:05-07:00"))
	}
}

// verifyFor is how long the doctor reads evidence.
const verifyFor = 10 * time.Second

func (x *examination) evidence(ctx context.Context) {
	if _, err := (stateFlag{State: x.State}).logsOf(); err != nil {
		x.say("evidence", isWarn, "start a server behind the door (`ostiary run"+x.again+" -- COMMAND`)", "there is no evidence yet")
		return
	}
	last := func(f audit.Found) error { x.newest = f.Record.Time; x.recorded(f.Record.Custody); return nil }
	if err := audit.Tail(ctx, x.State, audit.TailOptions{Last: 1}, last); err != nil {
		x.wrong("evidence", readable(err))
		return
	}
	limited, done := context.WithTimeout(ctx, verifyFor)
	defer done()
	rep, err := audit.Verify(limited, x.State, audit.VerifyOptions{})
	switch {
	case err != nil && limited.Err() != nil:
		x.say("evidence", isWarn, "run `ostiary audit verify"+x.again+"`, which takes its time", "there is more evidence than can be verified in %s", verifyFor)
	case err != nil:
		x.wrong("evidence", readable(err))
	case len(rep.Broken) > 0:
		x.say("evidence", isWrong, "keep a copy of the state directory as it is, then run `ostiary audit verify"+x.again+"`", "the evidence was changed: %s", rep.Broken[0])
	default:
		x.say("evidence", isFine, "", "%s in %s are as they were signed", counted(int(rep.Records), "record"), counted(rep.Logs, "log"))
	}
}
