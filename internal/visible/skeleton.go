package visible

import (
	"strings"
	"unicode"
)

// Skeleton returns s as it is drawn: letters and signs that pose as others become
// those, and what is not drawn by itself is left out. Two names with one skeleton
// look alike; the skeleton is no name itself.
func Skeleton(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me, unicode.Cc, unicode.Co):
		case lookalikes[r] != 0:
			b.WriteRune(lookalikes[r])
		case poses(r) != 0:
			b.WriteRune(poses(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
