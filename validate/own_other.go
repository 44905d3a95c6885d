//go:build !linux

package validate

import "os"

// longestName is not known here.
func longestName(string) int { return 0 }

// isLink reports whether a symbolic link has this name.
func isLink(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}
