package validate

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// longestName is how many bytes a name in dir has at most; 0 if that is not known.
// A file system in user space need not keep to what it says.
func longestName(dir string) int {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Type == unix.FUSE_SUPER_MAGIC {
		return 0
	}
	return int(s.Namelen)
}

// nearby reports whether dir lies on a disk or in the memory of this machine, where to
// look a name up takes some microseconds.
func nearby(dir string) bool {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return false
	}
	switch uint32(s.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC:
		return true
	}
	return false
}

// isLink reports whether a symbolic link has this name. Where it is near, Go's scheduler is
// not told of the system call, which else costs more than the call; see package nonblock.
func isLink(name string, near bool) bool {
	ask := unix.Syscall6
	if near {
		ask = unix.RawSyscall6
	}
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return false
	}
	var first [1]byte // of where it leads
	here := unix.AT_FDCWD
	for {
		_, _, errno := ask(unix.SYS_READLINKAT, uintptr(here), uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&first)), 1, 0, 0)
		if errno != unix.EINTR {
			return errno == 0
		}
	}
}
