package incident

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// end judges what needs the whole archive.
func (c *check) end() {
	c.rep.Logs = len(c.logs)
	for _, l := range c.logs {
		c.rep.Records += l.records
		c.rep.Bodies += l.bodies
		c.rep.Dropped += l.dropped
	}
	if c.key == nil {
		if !c.isBroken(keyName) {
			c.broken(keyName, 0, "is missing")
		}
		return
	}
	c.takeManifest()
	if m := c.rep.Manifest; m != nil {
		c.rep.Found = m.Found
		c.rep.Logs = len(m.Logs)
		c.compareFiles(m)
		c.compareLogs(m)
		c.compareHeads(m)
	}
	c.compareKept()
	slices.SortStableFunc(c.rep.Broken, func(a, b Broken) int { return cmp.Compare(c.place(a.File), c.place(b.File)) })
}

// place orders what is broken: the key, then the files as they stand, then what is
// missing.
func (c *check) place(file string) int {
	if file == keyName {
		return -1
	}
	if at, ok := c.order[file]; ok {
		return at
	}
	return len(c.names)
}

// takeManifest believes a manifest that the key signed.
func (c *check) takeManifest() {
	n := len(c.names)
	switch {
	case c.manifest == nil:
		c.broken(manifestName, 0, "is missing: the end of the archive was cut off")
		return
	case c.note == nil:
		c.broken(noteName, 0, "is missing: nobody signed the manifest")
		return
	case c.names[n-2] != manifestName || c.names[n-1] != noteName:
		c.broken(c.names[n-1], 0, "stands behind the signed manifest")
	}
	if err := audit.Sealed(string(c.note), sha256.Sum256(c.manifest), c.key); err != nil {
		c.broken(c.changedOf(), 0, "%v: the manifest or its signature was changed", err)
		return
	}
	m := new(Manifest)
	if !strictly(c.manifest, m) || m.V != Format {
		c.broken(manifestName, 0, "is of another version than this program knows: verify with a newer one")
		return
	}
	c.rep.Manifest = m
}

// changedOf tells which of manifest and signature was changed, as far as that can
// be told: a note for another manifest that is otherwise good blames the manifest.
func (c *check) changedOf() string {
	if audit.SealedAny(string(c.note), c.key) {
		return manifestName
	}
	return noteName
}

func (c *check) compareFiles(m *Manifest) {
	listed := make(map[string]bool, len(m.Files))
	for i, want := range m.Files {
		listed[want.Name] = true
		got, ok := c.sums[want.Name]
		switch {
		case !ok:
			c.broken(want.Name, 0, "is missing")
		case got != want && !c.isBroken(want.Name):
			c.broken(want.Name, 0, "is not as it was signed")
		case got == want && c.order[want.Name] != i && len(c.rep.Broken) == 0:
			c.broken(want.Name, 0, "does not stand in its place")
		}
	}
	for _, name := range c.names {
		if !listed[name] && name != manifestName && name != noteName {
			c.broken(name, 0, "is not in the signed manifest: it was added")
		}
	}
	if m.Key != c.keyAs {
		c.broken(manifestName, 0, "names another key")
	}
}

// compareLogs holds the logs against what the manifest counts.
func (c *check) compareLogs(m *Manifest) {
	listed := map[string]bool{}
	for _, want := range m.Logs {
		listed[want.Log] = true
		l := c.logs[want.Log]
		file := "logs/" + want.Log + "/checkpoint"
		switch {
		case want.Size == 0 && l == nil:
		case l == nil:
			if !c.isBroken(file) {
				c.broken(file, 0, "is missing")
			}
		case l.head.Size != want.Size || l.head.Root != want.Root:
			c.broken(file, 0, "is not the one that the manifest names")
		case l.next["opening"] == 0 || l.records != want.Records || l.bodies != want.Bodies || l.dropped != want.Dropped:
			if len(c.rep.Broken) == 0 {
				c.broken(manifestName, 0, "counts other records of log %s than are here", want.Log)
			}
		}
	}
	for id := range c.logs {
		if !listed[id] {
			c.broken("logs/"+id+"/checkpoint", 0, "is not in the signed manifest: it was added")
		}
	}
}

// compareHeads looks for logs that others know.
func (c *check) compareHeads(m *Manifest) {
	for _, h := range c.heads {
		if h.Size == 0 && c.logs[h.Log] == nil {
			continue // it had no record when it was seen, and may have none now
		}
		if what := c.continues(h.Head); what != "" {
			c.foundOr(m, h.Log, "log "+h.Log+" "+what+"; "+h.By+" knows it")
		}
	}
}

// continues says why the log is not what somebody knows, "" if it is.
func (c *check) continues(h audit.Head) string {
	l := c.logs[h.Log]
	switch {
	case l == nil:
		return "is missing"
	case h.Size == 0:
		return ""
	case h.Size > l.head.Size:
		return "ends before"
	case l.known[h.Size] == "":
		return "has no proof for what was known of it"
	case l.known[h.Size] != h.Root:
		return "has another history"
	}
	return ""
}

// foundOr is what the export found already, or else something that was changed since.
func (c *check) foundOr(m *Manifest, log, what string) {
	for _, f := range m.Found {
		if strings.HasPrefix(f, "log "+log) {
			return
		}
	}
	if len(c.rep.Broken) == 0 { // else it follows from that
		c.broken("", 0, "lacks evidence: %s", what)
	}
}

// compareKept holds the archive against checkpoints that were kept elsewhere.
func (c *check) compareKept() {
	if len(c.o.Checkpoint) == 0 {
		return
	}
	kept, err := audit.Kept(c.o.Checkpoint, c.key)
	if err != nil {
		c.broken(keyName, 0, "did not sign what was kept elsewhere: %s", ostiary.AsError(err).Message)
		return
	}
	if c.rep.Pinned == PinnedByNothing {
		c.rep.Pinned = PinnedByCheckpoint
	}
	for _, k := range kept {
		l := c.logs[k.Log]
		switch {
		case l == nil && (c.rep.Manifest == nil || opened(k.Log).After(c.rep.Manifest.Made)):
			c.rep.Unproved++ // a log of later
		case l == nil:
			c.foundOr(c.rep.Manifest, k.Log, "log "+k.Log+" is missing; "+k.By+" knows it")
		case l.known[k.Size] == k.Root:
			c.rep.Proved++
		case l.known[k.Size] != "":
			c.broken("logs/"+k.Log+"/checkpoint", 0, "has another history of the first %d records than %s", k.Size, k.By)
		default:
			c.rep.Unproved++
		}
	}
}

// opened is when a log was opened, which its name says.
func opened(log string) time.Time {
	t, err := time.Parse("20060102T150405.000000000", strings.Replace(log[:min(len(log), 25)], "-", ".", 1))
	if err != nil {
		return time.Time{}
	}
	return t
}
