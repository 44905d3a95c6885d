package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"

	"github.com/ostiary/ostiary"
)

// stateFlag is shared by every command that looks at the state directory.
type stateFlag struct {
	State string `placeholder:"DIR" help:"State directory: keys, evidence, lists of tools (default: the XDG state directory)."`
}

// dir returns the absolute state directory.
func (s stateFlag) dir() (string, error) {
	if s.State != "" {
		return filepath.Abs(s.State)
	}
	if x := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(x) {
		return filepath.Join(x, "ostiary"), nil
	}
	home, err := homeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "state", "ostiary"), nil
}

// again is the flag as the next command needs it, as it was typed, after a space; "" where the
// directory is the one that is looked at without a flag.
func (s stateFlag) again() string {
	dir, err := s.dir()
	if usual, none := (stateFlag{}).dir(); err != nil || none == nil && usual == dir {
		return ""
	}
	return " --state " + oneWord(s.State)
}

// made returns the absolute state directory, which it makes if it is missing.
func (s stateFlag) made() (string, error) {
	dir, err := s.dir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: errors.New(visible(err.Error())), Message: fmt.Sprintf(
			"the state directory %s cannot be made, so nothing could be recorded and no server was started: name one that can be made with --state", visible(dir))}
	}
	return dir, nil
}

// homeDir is the home of the operating-system user, whatever $HOME says.
func homeDir() (string, error) {
	u, err := user.Current()
	if err != nil || u.HomeDir == "" {
		return "", &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err,
			Message: "the home directory of this user is not known: name the state directory with --state"}
	}
	return u.HomeDir, nil
}
