package validate

import (
	"path"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary/internal/nonblock"
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
// look a name up takes some microseconds, and so does each directory above it, which the
// kernel walks through. Below an overlay may lie anything, as a file system in user space
// that loads from the network, so dir itself may not be one; a container's root is.
func nearby(dir string) bool {
	if !path.IsAbs(dir) || !nonblock.Disk(fileSystem(dir)) {
		return false
	}
	for at := path.Clean(dir); at != "/"; {
		at = path.Dir(at)
		if k := fileSystem(at); !nonblock.Disk(k) && k != unix.OVERLAYFS_SUPER_MAGIC {
			return false
		}
	}
	return true
}

// fileSystem is the magic number of the file system of dir; 0 if that is not known.
func fileSystem(dir string) uint32 {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0
	}
	return uint32(s.Type)
}

// isLink reports whether a symbolic link has this name. Where it is near, Go's scheduler is
// not told of the system call, which else costs more than the call; see package nonblock.
func isLink(name string, near bool) bool {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return false
	}
	var first [1]byte // of where it leads
	for here := unix.AT_FDCWD; ; {
		// Only a call by its name keeps what an argument points to.
		var errno unix.Errno
		if near {
			_, _, errno = unix.RawSyscall6(unix.SYS_READLINKAT, uintptr(here), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&first)), 1, 0, 0)
		} else {
			_, _, errno = unix.Syscall6(unix.SYS_READLINKAT, uintptr(here), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&first)), 1, 0, 0)
		}
		if errno != unix.EINTR {
			return errno == 0
		}
	}
}
