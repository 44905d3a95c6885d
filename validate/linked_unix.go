//go:build unix

package validate

import (
	"os"
	"syscall"
)

// linked reports whether a file has more than one name.
func linked(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return !ok || !info.IsDir() && s.Nlink > 1
}
