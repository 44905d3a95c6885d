package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// disk is what the disk itself gives to one writer that does nothing else.
type disk struct {
	PerSecond float64
	P50       time.Duration
}

// measureDisk writes records of 350 bytes one behind the other into a file that
// was filled beforehand, each followed by fdatasync, as the log at one caller does.
func measureDisk(dir string, window time.Duration) (d disk, err error) {
	f, err := os.Create(filepath.Join(dir, "fdatasync"))
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	const size = 4 << 20
	if _, err := f.Write(make([]byte, size)); err != nil {
		return d, err
	}
	if err := f.Sync(); err != nil {
		return d, err
	}
	record := make([]byte, 350)
	for i := range record {
		record[i] = 'x'
	}
	var each []time.Duration
	began := time.Now()
	for at := int64(0); time.Since(began) < window; at = (at + int64(len(record))) % (size - int64(len(record))) {
		start := time.Now()
		if _, err := f.WriteAt(record, at); err != nil {
			return d, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return d, err
		}
		each = append(each, time.Since(start))
	}
	d.PerSecond = float64(len(each)) / time.Since(began).Seconds()
	slices.Sort(each)
	d.P50 = each[len(each)/2]
	return d, nil
}

// fileSystem names the file system of dir, because a figure of a disk in memory
// says nothing about durable records.
func fileSystem(dir string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "unknown (" + err.Error() + ")"
	}
	switch st.Type {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay"
	case unix.TMPFS_MAGIC:
		return "tmpfs: in memory, so nothing here is durable; use -dir"
	}
	return "another"
}
