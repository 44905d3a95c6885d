package freeze

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A door goes on in the space that its log has taken ahead, while a freeze needs
// space of its own: the first step of a log, and some pages of the store. So that
// who fills the disk is not out of reach, space is kept for it in a file.
const (
	spaceName  = "reserve"
	spaceBytes = 8 << 20 // twice the first step of a log
)

// KeepSpace takes disk space in a file of the state directory, for a freeze while
// the disk is full. It does little if the file is there. On a disk with less than
// twice the space it takes nothing: it would be taken from what [ReleaseSpace]
// just gave to a freeze that is under way.
func KeepSpace(dir string) error {
	path := filepath.Join(dir, spaceName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	have, err := taken(f)
	if have || err != nil {
		return errors.Join(err, f.Close())
	}
	if err = take(f); err != nil { // a part would serve nobody
		err = errors.Join(err, os.Remove(path))
	}
	return errors.Join(err, f.Close())
}

// ReleaseSpace gives back what KeepSpace took, and reports whether there was any.
func ReleaseSpace(dir string) (bool, error) {
	err := os.Remove(filepath.Join(dir, spaceName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// taken tells holes, as a copy may have them, from space.
func taken(f *os.File) (bool, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return false, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return false, fmt.Errorf("%s is not a file", f.Name())
	}
	return st.Size >= spaceBytes && st.Blocks*512 >= spaceBytes, nil
}

func take(f *os.File) error {
	var disk unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &disk); err != nil {
		return err
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < 2*spaceBytes {
		return fmt.Errorf("%w: %d MiB are free, %d are needed", unix.ENOSPC, free>>20, 2*spaceBytes>>20)
	}
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, spaceBytes)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EOPNOTSUPP): // what is written takes space as well
			_, err := f.WriteAt(make([]byte, spaceBytes), 0)
			return errors.Join(err, f.Sync())
		default:
			return err
		}
	}
}
