package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/store"
)

// desk is where a person decides on the command line: the state that the doors
// share, and the evidence of what was decided. Close it.
type desk struct {
	Store ostiary.Store
	// Journal opens a log of this process with the first event, so that who only
	// reads writes nothing.
	Journal ostiary.Journal
	// Who decides: the user as the operating system proves it, and the channel.
	Who   struct{ Name, Channel string }
	Clock func() time.Time
	// State is the absolute state directory, File the policy or the defaults.
	State string
	File  *config.File
	// again is what a next command needs to get here: stateFlag.again.
	again string

	close []func() error
}

// openDesk opens the state directory, which must be there: what is decided in a
// directory that no door uses would have no effect. The policy file may be "";
// it says which secrets to keep out of the log and where checkpoints go.
func openDesk(ctx context.Context, p program, s stateFlag, policyFile string) (*desk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := s.there()
	if err != nil {
		return nil, err
	}
	file, err := loadConfig(policyFile)
	if err != nil {
		return nil, err
	}
	peer, err := auth.OSPeer("/proc")
	if err != nil {
		return nil, err
	}
	log := logger(p.err, false)
	st, err := store.Open(store.Options{Dir: dir, Logger: log})
	if err != nil {
		return nil, err
	}
	j := &lazyJournal{open: func() (*audit.Log, error) {
		return file.OpenAudit(config.Wiring{State: dir, Version: version, Log: log, Now: time.Now, Rand: rand.Reader})
	}}
	d := &desk{Store: st, Journal: j, Clock: time.Now, State: dir, File: file, again: s.again(), close: []func() error{j.close, st.Close}}
	d.Who.Name, d.Who.Channel = peer.User, "cli"
	return d, nil
}

// Close ends the log, if there is one, and the store.
func (d *desk) Close() error {
	var errs []error
	for _, f := range d.close {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// there returns the state directory, and an error with the next step if it does
// not exist.
func (s stateFlag) there() (string, error) {
	dir, err := s.dir()
	if err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: fmt.Sprintf(
			"there is no state directory %s: start a server behind the door (`ostiary run -- COMMAND`), or name another directory with --state", visible(dir))}
	case err != nil:
		return "", &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Err: errors.New(visible(err.Error())),
			Message: "the state directory cannot be read; run this as the user who runs the door"}
	case !info.IsDir():
		return "", misusedFlag("--state %s is not a directory", dir)
	}
	return dir, nil
}

// lazyJournal opens the log when there is something to note.
type lazyJournal struct {
	open func() (*audit.Log, error)
	mu   sync.Mutex
	log  *audit.Log
}

// Note implements [ostiary.Journal].
func (j *lazyJournal) Note(e ostiary.Event) error {
	l, err := j.opened()
	if err != nil {
		return err
	}
	return l.Note(e)
}

func (j *lazyJournal) opened() (_ *audit.Log, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.log == nil {
		j.log, err = j.open()
	}
	return j.log, err
}

func (j *lazyJournal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.log == nil {
		return nil
	}
	return j.log.Close()
}
