//go:build !unix

package validate

import "os"

// linked reports whether a file has more than one name; here that is not known.
func linked(info os.FileInfo) bool { return !info.IsDir() }
