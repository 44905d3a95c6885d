package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ostiary/ostiary"
)

// socket is the file of a Unix socket that this process serves.
type socket struct {
	*net.UnixListener
	path string
	made fs.FileInfo
	lock *os.File
}

// socketBytes is what the address of a socket may have (unix(7)), its end included.
const socketBytes = 108

// openSocket listens at path, for this user alone or for a group too. The
// directory must be one in which nobody else can put something into its place. A
// file that a dead process has left is replaced.
func openSocket(path, group string) (_ *socket, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	gid, err := groupID(group)
	if err != nil {
		return nil, err
	}
	if err := safePlace(filepath.Dir(path)); err != nil {
		return nil, err
	}
	s := &socket{path: path}
	if s.lock, err = lockedFor(path); err != nil {
		return nil, err
	}
	if err := free(path); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	if err := s.listen(gid); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// listen makes the socket where nobody else can reach it, and moves it into its
// place when its mode is right: between bind and chmod everybody could connect.
func (s *socket) listen(gid int) error {
	dir, name := filepath.Split(s.path)
	hidden := filepath.Join(dir, "."+name+".new")
	at := filepath.Join(hidden, "s")
	if len(at) >= socketBytes || len(s.path) >= socketBytes {
		return unusable(s.path, fmt.Sprintf("its path is too long for a socket, which may have %d bytes", socketBytes-len(at)+len(s.path)-1), "choose a shorter one")
	}
	if err := errors.Join(os.RemoveAll(hidden), os.Mkdir(hidden, 0o700)); err != nil {
		return unusable(s.path, "its directory cannot be written: "+err.Error(), "let the user of the door write there")
	}
	defer os.RemoveAll(hidden) //nolint:errcheck // it is empty then
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return unusable(s.path, err.Error(), "choose another path")
	}
	l.SetUnlinkOnClose(false)
	mode := fs.FileMode(0o600)
	if gid >= 0 {
		mode = 0o660
		err = os.Chown(at, -1, gid)
	}
	if err != nil {
		return errors.Join(unusable(s.path, "it cannot be given to the group: "+err.Error(), "make the user of the door a member of the group"), l.Close())
	}
	if err = os.Chmod(at, mode); err == nil {
		if s.made, err = os.Lstat(at); err == nil {
			err = os.Rename(at, s.path)
		}
	}
	if err != nil {
		return errors.Join(unusable(s.path, err.Error(), "choose another path"), l.Close())
	}
	s.UnixListener = l
	return nil
}

// release takes the file away, if it is still ours, and gives the place free. The
// listener is closed then.
func (s *socket) release() (err error) {
	if s == nil {
		return nil
	}
	if now, lerr := os.Lstat(s.path); lerr == nil && os.SameFile(now, s.made) {
		err = os.Remove(s.path)
	}
	return errors.Join(err, s.lock.Close())
}

// lockedFor holds the place for as long as this process lives. The lock's file
// stays: who removes it could hold another one than the next.
func lockedFor(path string) (*os.File, error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, unusable(path, "its lock cannot be made: "+err.Error(), "let the user of the door write in its directory")
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(unusable(path, "another door is open there", "end that one, or choose another path"), lock.Close())
	}
	return lock, nil
}

// free refuses a path where something else stands than what a dead process left.
func free(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return unusable(path, err.Error(), "choose another path")
	case info.Mode()&fs.ModeSymlink != 0:
		return unusable(path, "it is a symbolic link, so another place would be opened", "find out who put it there, and name the place itself")
	case info.Mode()&fs.ModeSocket == 0:
		return unusable(path, "something else than a socket is there", "choose another path")
	}
	ctx, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		return errors.Join(unusable(path, "another program listens there", "end it, or choose another path"), c.Close())
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return nil
	}
	return unusable(path, err.Error(), "find out who listens there, or choose another path")
}

// safePlace refuses a directory in which somebody else than we and root could put
// another socket into the place of ours: by writing there, or above.
func safePlace(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return unusable(dir, "there is no such directory", "make it, for the user of the door alone or with its group: mkdir -m 0750")
	}
	for _, first := range []string{real, dir} {
		for at := first; ; at = filepath.Dir(at) {
			info, err := os.Stat(at)
			if err != nil {
				return unusable(at, err.Error(), "choose another directory")
			}
			owner, ok := info.Sys().(*syscall.Stat_t)
			sticky := at != first && info.Mode()&fs.ModeSticky != 0
			switch {
			case !ok || owner.Uid != 0 && int(owner.Uid) != os.Geteuid():
				return placeUnsafe(at, "belongs to another user", "choose a directory of the user of the door, or of root")
			case info.Mode().Perm()&0o022 != 0 && !sticky:
				return placeUnsafe(at, "can be written by others", "run chmod go-w "+at+", or choose another directory")
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return nil
}

// reachable reports whether members of the group can come as far as the socket.
func (s *socket) reachable(gid int) bool {
	info, err := os.Stat(filepath.Dir(s.path))
	if err != nil {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return info.Mode().Perm()&0o001 != 0 || ok && int(owner.Gid) == gid && info.Mode().Perm()&0o010 != 0
}

// groupID is the number of a group: its name, or "gid:1000"; -1 for none.
func groupID(group string) (int, error) {
	if group == "" {
		return -1, nil
	}
	text, numbered := strings.CutPrefix(group, "gid:")
	if !numbered {
		g, err := user.LookupGroup(group)
		if err != nil {
			return -1, &ostiary.Error{Code: ostiary.CodeConfigInvalid,
				Message: fmt.Sprintf("serve.socket_group: there is no group %s: make it, or write gid:NUMBER", visible(group))}
		}
		text = g.Gid
	}
	gid, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return -1, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "serve.socket_group: write the name of a group, or gid:NUMBER"}
	}
	return int(gid), nil
}

func unusable(path, why, next string) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid,
		Message: fmt.Sprintf("cannot open the socket %s: %s: %s", visible(path), visible(why), next)}
}

func placeUnsafe(dir, why, next string) error {
	return &ostiary.Error{Code: ostiary.CodeStateUnsafe,
		Message: fmt.Sprintf("the directory %s %s, who could put another socket into the place of the door's: %s", visible(dir), why, visible(next))}
}
