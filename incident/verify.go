package incident

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// VerifyOptions say what is known from elsewhere. The zero value is fine.
type VerifyOptions struct {
	// Key is a copy of key.pub that was kept elsewhere.
	Key string
	// Checkpoint are checkpoints that were kept elsewhere, as in
	// [audit.VerifyOptions].
	Checkpoint []byte
	// Progress hears how many bytes of the archive were read; it may be nil.
	Progress func(n int64)
}

// How the key of an archive is known.
const (
	PinnedByNothing    = ""           // only the archive itself names it
	PinnedByKey        = "key"        // it is the one that was given
	PinnedByCheckpoint = "checkpoint" // it signed a checkpoint that was kept elsewhere
)

// Report is what [Verify] found.
type Report struct {
	// Manifest is nil if it cannot be believed.
	Manifest *Manifest
	// Pinned says how the key is known.
	Pinned string
	// Proved is how many checkpoints kept elsewhere the logs continue, Unproved
	// how many the archive has no proof for.
	Proved, Unproved int
	Files            int
	Bytes            int64 // unpacked
	Logs             int
	// Records were proved; Bodies of them are there, Dropped had been removed.
	Records, Bodies, Dropped int64
	// Broken is what was changed since the export, Found what the export itself
	// says was broken before. The first one is the first in the archive.
	Broken []Broken
	Found  []string
}

// Broken is a place in an archive.
type Broken struct {
	File string // empty if the archive as a whole is meant
	Line int    // from 1; 0 if the file is meant
	What string
}

// String says it in one line.
func (b Broken) String() string {
	switch {
	case b.File == "":
		return "the archive " + b.What
	case b.Line > 0:
		return fmt.Sprintf("%s:%d %s", b.File, b.Line, b.What)
	}
	return b.File + " " + b.What
}

// Err is nil if nothing is broken, else an error with
// [ostiary.CodeIncidentBroken] that names the first broken place.
func (r *Report) Err() error {
	switch {
	case len(r.Broken) > 0:
		return &ostiary.Error{Code: ostiary.CodeIncidentBroken,
			Message: "the archive is not as it was exported: " + r.Broken[0].String() + "; ask for it again, or export again from the state directory",
			Reason:  places(len(r.Broken))}
	case len(r.Found) > 0:
		return &ostiary.Error{Code: ostiary.CodeIncidentBroken,
			Message: "the archive is as it was exported, and the evidence was broken already then: " + r.Found[0] + "; compare the state directory with a backup"}
	}
	return nil
}

func places(n int) string {
	if n == 1 {
		return "1 place is broken"
	}
	return fmt.Sprintf("%d places are broken", n)
}

// Verify checks an archive by itself. It reads it once, as a stream, writes
// nothing, and holds one of its files at a time. An error means that the archive
// could not be read, or that it is none: [ostiary.CodeIncidentBroken] for one that
// no export makes (strange names, links, too large, growing too much).
func Verify(ctx context.Context, archive io.Reader, o VerifyOptions) (*Report, error) {
	c := &check{rep: &Report{}, order: map[string]int{}, sums: map[string]File{}, logs: map[string]*logState{}, o: o}
	err := unpack(ctx, archive, o.Progress, c.file)
	if err != nil {
		return nil, err
	}
	c.end()
	return c.rep, nil
}

// mostBroken bounds the report of an archive that is broken everywhere.
const mostBroken = 100

// check looks at one file after the other.
type check struct {
	o     VerifyOptions
	rep   *Report
	key   note.Verifier
	keyAs string
	names []string
	order map[string]int  // of the names
	sums  map[string]File // as they are
	logs  map[string]*logState
	heads []audit.Claim // what opening records say of other logs

	manifest, note []byte
}

func (c *check) broken(file string, line int, format string, args ...any) {
	if len(c.rep.Broken) < mostBroken {
		c.rep.Broken = append(c.rep.Broken, Broken{file, line, fmt.Sprintf(format, args...)})
	}
}

// isBroken reports whether something in the file was named.
func (c *check) isBroken(file string) bool {
	for _, b := range c.rep.Broken {
		if b.File == file {
			return true
		}
	}
	return false
}

// file takes the next file of the archive. An error refuses the archive.
func (c *check) file(name string, data []byte) error {
	if err := refused(name, c.order); err != nil {
		return fmt.Errorf("%.100q %w", name, err)
	}
	c.order[name] = len(c.names)
	c.names = append(c.names, name)
	c.rep.Files++
	c.rep.Bytes += int64(len(data))
	sum := sha256.Sum256(data)
	c.sums[name] = File{Name: name, Bytes: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	switch {
	case name == keyName:
		c.takeKey(string(data))
	case name == manifestName:
		c.manifest = append([]byte{}, data...)
	case name == noteName:
		c.note = append([]byte{}, data...)
	case strings.HasPrefix(name, "logs/"):
		if c.key == nil && !c.isBroken(keyName) {
			return fmt.Errorf("%s comes before the key", name)
		}
		return c.logFile(name, data)
	case ofPolicy.MatchString(name):
		if ofPolicy.FindStringSubmatch(name)[1] != c.sums[name].SHA256 {
			c.broken(name, 0, "is not the policy with this digest")
		}
	}
	return nil
}

// takeKey reads the key and compares it with what is known from elsewhere.
func (c *check) takeKey(text string) {
	key, err := audit.OpenKey(text)
	if err != nil {
		c.broken(keyName, 0, "is not a public key")
		return
	}
	c.key, c.keyAs = key, strings.TrimSpace(text)
	if c.o.Key != "" {
		if strings.TrimSpace(c.o.Key) != c.keyAs {
			c.broken(keyName, 0, "is another key than the one that was given: this archive was not signed by the door that you know")
			return
		}
		c.rep.Pinned = PinnedByKey
	}
}
