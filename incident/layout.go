package incident

import (
	"errors"
	"fmt"
	"regexp"
)

// The bounds of an archive. What is read is held one file at a time.
const (
	maxFile  = 64 << 20
	maxFiles = 200_000
	maxTotal = 64 << 30
	// growth is how much larger than its bytes on the disk an archive may become,
	// beyond a first allowance. Records hold hashes, which do not shrink.
	growth    = 200
	allowance = 64 << 20
)

const logID = `\d{8}T\d{6}-\d{9}-[0-9a-f]{8}`

// layout is every name that a file of an archive may have. There are no folders,
// links or other kinds.
var layout = regexp.MustCompile(`^(README\.txt|key\.pub|manifest\.(json|note)` +
	`|logs/` + logID + `/(checkpoint|(consistency|opening|records|context)-\d{6}\.jsonl)` +
	`|policy/[0-9a-f]{64}(\.masked)?\.yaml` +
	`|tools/\d{6}\.json` +
	`|state/[a-z]{1,20}-\d{6}\.jsonl)$`)

var (
	ofLog    = regexp.MustCompile(`^logs/(` + logID + `)/([a-z]+)`)
	ofPolicy = regexp.MustCompile(`^policy/([0-9a-f]{64})\.yaml$`)
)

var errStrange = errors.New("no archive holds such a file")

// refused says why an entry with this name is not read, nil if it is.
func refused(name string, seen map[string]int) error {
	if _, twice := seen[name]; twice {
		return errors.New("stands twice in the archive")
	}
	if !layout.MatchString(name) {
		return errStrange
	}
	if len(seen) >= maxFiles {
		return fmt.Errorf("is one of more than %d files", maxFiles)
	}
	return nil
}
