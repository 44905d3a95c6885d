package audit

import (
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// file is what a segment needs of the disk. Tests fail it on purpose.
type file interface {
	WriteAt(p []byte, off int64) (int, error)
	// Sync returns after data and size are on the disk (fdatasync).
	Sync() error
	// Reserve takes disk space for [off, off+n), makes the file that long, and returns
	// when that is on the disk. It may run beside a Sync and takes no error away from it.
	Reserve(off, n int64) error
	// Forget lets the system drop [off, off+n) from its memory, where that is on the disk.
	Forget(off, n int64)
	Truncate(size int64) error
	Close() error
}

// createFile makes a file that did not exist, mode 0600.
func createFile(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	again, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &diskFile{File: f, again: again, pages: pageWriter{near: nearFile(f), now: time.Now}}, nil
}

// diskFile is a file that is opened twice: the kernel tells of a failed writeback once to
// each opening. On one alone, a reservation would be told what ends the log, and the sync
// of the records that were lost would succeed.
type diskFile struct {
	*os.File
	again *os.File // for Reserve
	pages pageWriter
}

// WriteAt implements [io.WriterAt].
func (f *diskFile) WriteAt(p []byte, off int64) (int, error) { return f.pages.writeAt(f.File, p, off) }

// Sync implements file.
func (f *diskFile) Sync() error { return dataSync(f.File) }

func dataSync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (f *diskFile) Reserve(off, n int64) error {
	for {
		err := unix.Fallocate(int(f.again.Fd()), 0, off, n)
		switch {
		case err == nil:
			return dataSync(f.again)
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EOPNOTSUPP):
			return nil // the file then grows with each write, which is slower and as safe
		default:
			return err
		}
	}
}

func (f *diskFile) Forget(off, n int64) {
	_ = unix.Fadvise(int(f.again.Fd()), off, n, unix.FADV_DONTNEED) // it is only advice
}

func (f *diskFile) Close() error { return errors.Join(f.File.Close(), f.again.Close()) }

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// writeNew makes a file that did not exist and returns when it is durable.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// writeWhole replaces a file so that a reader sees the old or the new text.
func writeWhole(path string, data []byte, rand io.Reader) error {
	var id [4]byte
	if _, err := io.ReadFull(rand, id[:]); err != nil {
		return err
	}
	tmp := path + ".new-" + hex.EncodeToString(id[:])
	if err := writeNew(tmp, data); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return syncDir(filepath.Dir(path))
}

// lockFile waits for the exclusive lock of path, which it makes if needed.
// Closing the file lets go of the lock, and so does the end of the process.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}
}

// lockLog takes the lock of a log's directory, which its process holds as long
// as it lives. Without an error, alive tells whether another process holds it;
// then the returned directory is nil.
func lockLog(dir string) (d *os.File, alive bool, err error) {
	d, err = os.Open(dir)
	if err != nil {
		return nil, false, err
	}
	for {
		err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return d, false, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return nil, true, d.Close()
		default:
			return nil, false, errors.Join(err, d.Close())
		}
	}
}
