package audit

import (
	"math"

	"golang.org/x/sys/unix"
)

// Free is how many bytes the file system of the log has left for this user. It is
// used by many goroutines at once.
func (l *Log) Free() (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(l.dir, &s); err != nil {
		return 0, unavailable("the file system of the log does not tell how full it is", err)
	}
	free := s.Bavail * uint64(s.Bsize) //nolint:gosec // a size is no negative number
	return int64(min(free, math.MaxInt64)), nil
}
