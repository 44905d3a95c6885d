package validate

import "golang.org/x/sys/unix"

// longestName is how many bytes a name in dir has at most; 0 if that is not known.
// A file system in user space need not keep to what it says.
func longestName(dir string) int {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Type == unix.FUSE_SUPER_MAGIC {
		return 0
	}
	return int(s.Namelen)
}

// isLink reports whether a symbolic link has this name.
func isLink(name string) bool {
	var s unix.Stat_t
	for {
		if err := unix.Lstat(name, &s); err != unix.EINTR {
			return err == nil && s.Mode&unix.S_IFMT == unix.S_IFLNK
		}
	}
}
