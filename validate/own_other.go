//go:build !linux

package validate

import "os"

// longestName is not known here.
func longestName(string) int { return 0 }

func nearby(string) bool { return false }

// isLink reports whether a symbolic link has this name.
func isLink(name string, _ bool) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}
