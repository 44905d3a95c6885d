package nonblock

import "golang.org/x/sys/unix"

// Disk reports whether the file systems with this magic number are on a disk or in the
// memory of this machine. To ask any other may be to wait for another program or machine,
// for good if that hangs. An overlay is none: below it may lie anything.
func Disk(magic uint32) bool {
	switch magic {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		return true
	}
	return false
}
