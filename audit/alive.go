package audit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Alive reports whether the process that owns a log still lives. It is false only
// if that is certain: the log is let go of, or there is none of this name in the
// state directory. Whatever cannot be found out counts as alive, so that nobody
// takes over what another process may still be doing.
//
// It writes nothing. For some microseconds it shares the lock of a log whose
// process has died; a door that opens just then takes that log for one that
// lives, and its repair waits for the next start. It may be called by many
// goroutines at once.
func Alive(stateDir, logID string) bool {
	if !validLogID(logID) {
		return false
	}
	d, err := os.Open(filepath.Join(stateDir, "audit", logID))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer d.Close() // lets go of the lock
	for {
		err := unix.Flock(int(d.Fd()), unix.LOCK_SH|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err != nil
		}
	}
}
