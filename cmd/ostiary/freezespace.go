package main

import (
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/freeze"
	"github.com/ostiary/ostiary/store"
)

// fromKeptSpace does what only makes things stricter, and does it once more in the
// space that is kept for this if the disk of the state directory is full.
func fromKeptSpace(p program, s stateFlag, do func() error) error {
	err := do()
	if !audit.DiskFull(err) && !store.DiskFull(err) {
		return err
	}
	dir, none := s.dir()
	if none != nil {
		return err
	}
	had, kept := freeze.ReleaseSpace(dir)
	if !had {
		return errors.Join(err, kept)
	}
	fmt.Fprintln(p.err, "ostiary: warning: the disk of the state directory is full, and the space that was kept there for this is used now: clear the disk, or the next freeze may fail")
	return do()
}
