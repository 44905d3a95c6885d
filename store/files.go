package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The files of a store. Nothing but SQLite may open the first three while the
// store is open: closing any descriptor of them lets go of SQLite's locks.
const (
	fileDB   = "store.sqlite"
	fileLock = "store.lock" // who writes next, see turn.go
	fileMade = "store.made" // says that there was a store here
)

// files are the paths of a store and which files they were when it was opened.
type files struct {
	dir  string
	path [3]string // store.sqlite, -wal, -shm
	id   [3]fileID
}

type fileID struct{ dev, ino uint64 }

func newFiles(dir string) (*files, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, unavailable("cannot find the state directory", err)
	}
	db := filepath.Join(dir, fileDB)
	return &files{dir: dir, path: [3]string{db, db + "-wal", db + "-shm"}}, nil
}

func (f *files) db() string { return f.path[0] }

// privateDir makes the directory if it is missing, and checks that nobody but
// this user can enter it.
func (f *files) privateDir() error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return unavailable("cannot make the state directory", err)
	}
	var st unix.Stat_t
	if err := unix.Stat(f.dir, &st); err != nil {
		return unavailable("cannot look at the state directory", err)
	}
	return private(f.dir, &st, unix.S_IFDIR, "chmod 700 ")
}

// remember checks all files and notes which they are. SQLite keeps the three of
// them until the last connection of all processes ends, so from now on each must
// stay the same.
func (f *files) remember() error {
	for i, path := range f.path {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return unavailable("cannot look at "+path, err)
		}
		if err := private(path, &st, unix.S_IFREG, "chmod 600 "); err != nil {
			return err
		}
		f.id[i] = fileID{st.Dev, st.Ino}
	}
	return nil
}

// check finds out, in a few microseconds, whether the files are still those
// that were opened, and private.
func (f *files) check() error {
	for i, path := range f.path {
		var st unix.Stat_t
		switch err := unix.Lstat(path, &st); {
		case errors.Is(err, fs.ErrNotExist):
			return gone(path, "is not there any more")
		case err != nil:
			return unavailable("cannot look at "+path, err)
		case f.id[i] != fileID{st.Dev, st.Ino}:
			return gone(path, "is another file than the one that was opened")
		}
		if err := private(path, &st, unix.S_IFREG, "chmod 600 "); err != nil {
			return err
		}
	}
	return nil
}

// present reports whether the store is there. If it is, all that is there of it
// must be private; if not, nothing may tell that there was one.
func (f *files) present() (bool, error) {
	made := filepath.Join(f.dir, fileMade)
	found := map[string]bool{}
	for _, path := range []string{f.path[1], f.path[2], made, filepath.Join(f.dir, fileLock), f.db()} { // the database last: others may just be making it
		var st unix.Stat_t
		switch err := unix.Lstat(path, &st); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return false, unavailable("cannot look at "+path, err)
		}
		if err := private(path, &st, unix.S_IFREG, "chmod 600 "); err != nil {
			return false, err
		}
		found[path] = true
	}
	if !found[f.db()] {
		for _, path := range []string{f.path[1], made} {
			if found[path] {
				return false, gone(f.db(), "is not there, but "+path+" is")
			}
		}
	}
	return found[f.db()], nil
}

// mark leaves the word that there was a store, so that a lost one is missed.
func (f *files) mark() error {
	path := filepath.Join(f.dir, fileMade)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return unavailable("cannot write "+path, err)
	}
	_, err = file.WriteString("As long as this file is here, Ostiary does not start with an empty " + fileDB + ".\n")
	if err = errors.Join(err, file.Sync(), file.Close(), syncDir(f.dir)); err != nil {
		return unavailable("cannot write "+path, err)
	}
	return nil
}

func private(path string, st *unix.Stat_t, kind uint32, repair string) error {
	switch perm := st.Mode & 0o777; {
	case st.Mode&unix.S_IFMT != kind:
		return unsafeState(path, "is a link or something else that it should not be", "find out who put it there, then remove it")
	case int(st.Uid) != os.Geteuid():
		return unsafeState(path, fmt.Sprintf("belongs to the user with the number %d", st.Uid), "use a directory of the user who runs the door")
	case perm&0o077 != 0:
		return unsafeState(path, fmt.Sprintf("has mode %#o", perm), "look at who could read or change it, then run "+repair+path)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
