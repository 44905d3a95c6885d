package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/ostiary/ostiary"
)

// claim is what somebody says a log once was.
type claim struct {
	Head
	by string
}

// inventory is all logs at one moment and what they say about each other. It is
// taken before the logs are read, so that a log can only have grown since.
type inventory struct {
	ids       []string
	bytes     int64
	alive     map[string]bool
	opened    map[string]bool // logs with a first record
	committed map[string]bool // logs that a later one commits to
	heads     []claim
	damaged   map[string]claim             // logs that a later one found damaged, as they were then
	sums      map[string][sha256.Size]byte // root hashes over the records that were read
}

func takeInventory(root string, key note.Verifier) (*inventory, error) {
	lock, err := lockShared(root)
	if err != nil {
		return nil, err
	}
	if lock != nil {
		defer lock.Close()
	}
	v := &inventory{
		alive: map[string]bool{}, opened: map[string]bool{}, committed: map[string]bool{}, damaged: map[string]claim{}, sums: map[string][sha256.Size]byte{},
	}
	if v.ids, err = logIDs(root); err != nil {
		return nil, err
	}
	for _, id := range v.ids {
		dir := filepath.Join(root, id)
		if v.alive[id], err = isAlive(dir); err != nil {
			return nil, err
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".jsonl") {
				v.bytes += info.Size()
			}
		}
		records, sum, err := readOpening(filepath.Join(dir, segmentName(0)), key)
		if err != nil {
			return nil, err
		}
		v.sums[id] = sum
		v.opened[id] = len(records) > 0
		for i, r := range records {
			for _, h := range r.Heads {
				v.heads = append(v.heads, claim{h, fmt.Sprintf("log %s, record %d", id, i)})
				if h.Log < id {
					v.committed[h.Log] = true
				}
			}
			for _, fix := range r.Repaired {
				if fix.Damaged {
					v.damaged[fix.Log] = claim{Head{Log: fix.Log, Size: fix.Size}, fmt.Sprintf("log %s, record %d", id, i)}
				}
			}
		}
	}
	return v, nil
}

// readOpening reads the first record of a log and those behind it that carry
// more heads, as far as a checkpoint of this key covers them: anybody can make a
// directory with a line in it. What is wrong is left to the check of the log itself.
func readOpening(path string, v note.Verifier) (records []Record, sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, sum, nil
	}
	if err != nil {
		return nil, sum, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, sum, err
	}
	var t tree
	var uncovered []Record
	lines := newLineReader(f, 0, info.Size(), make([]byte, 4<<10))
	for {
		line, err := lines.line()
		if err != nil {
			return records, sum, nil
		}
		if bytes.HasPrefix(line, []byte(checkpointPrefix)) {
			cp, err := parseCheckpointLine(line)
			if err != nil || cp.size != t.size || cp.root != t.root() || !cp.signedBy(v) {
				return records, sum, nil
			}
			records, uncovered, sum = append(records, uncovered...), nil, cp.root
			continue
		}
		var r Record
		if json.Unmarshal(line, &r) != nil || r.Kind != KindOpen && len(r.Heads) == 0 {
			return records, sum, nil
		}
		t.add(tlog.RecordHash(line))
		uncovered = append(uncovered, r)
	}
}

// changed reports a log whose first lines are not those that were read at first.
func (v *inventory) changed(root, id string, key note.Verifier) *Broken {
	_, sum, err := readOpening(filepath.Join(root, id, segmentName(0)), key)
	if err == nil && (sum == v.sums[id] || v.alive[id] && !v.opened[id]) {
		return nil
	}
	return &Broken{Log: id, Segment: segmentName(0), Line: 1, N: 0, What: "was changed while it was verified"}
}

// successor reports whether a later log has its first record.
func (v *inventory) successor(id string) bool {
	at, _ := slices.BinarySearch(v.ids, id)
	for _, later := range v.ids[at+1:] {
		if v.opened[later] {
			return true
		}
	}
	return false
}

// claims returns what is claimed of each log, smallest size first.
func (v *inventory) claims(outside []claim) map[string][]claim {
	all := map[string][]claim{}
	for _, c := range slices.Concat(v.heads, outside) {
		all[c.Log] = append(all[c.Log], c)
	}
	for _, list := range all {
		slices.SortStableFunc(list, func(a, b claim) int {
			if a.Size < b.Size {
				return -1
			}
			if a.Size > b.Size {
				return 1
			}
			return 0
		})
	}
	return all
}

// missing lists the logs that are claimed and not there.
func missing(claims map[string][]claim, seen map[string]bool) []Broken {
	var broken []Broken
	for id, list := range claims {
		if last := list[len(list)-1]; !seen[id] {
			broken = append(broken, Broken{Log: id, N: -1, What: fmt.Sprintf("is missing; %s knows %d records of it", last.by, last.Size)})
		}
	}
	slices.SortFunc(broken, func(a, b Broken) int { return strings.Compare(a.Log, b.Log) })
	return broken
}

// outsideClaims reads checkpoints that were kept elsewhere. One that this key did
// not sign is an error: it may show that the key was replaced.
func outsideClaims(text []byte, v note.Verifier) ([]claim, error) {
	var claims []claim
	if bytes.HasPrefix(text, []byte(origin)) {
		c, err := outsideClaim(string(text), "the outside checkpoint", v)
		return append(claims, c), err
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || tornLine(line) {
			continue
		}
		by := fmt.Sprintf("line %d of the outside checkpoints", i+1)
		var kept struct{ Checkpoint string }
		if err := json.Unmarshal([]byte(line), &kept); err != nil {
			return nil, notOutside(by, "is not one")
		}
		c, err := outsideClaim(kept.Checkpoint, by, v)
		if err != nil {
			return nil, err
		}
		claims = append(claims, c)
	}
	return claims, nil
}

// tornLine reports whether a crash cut the line short while it was written.
func tornLine(line string) bool {
	return (strings.HasPrefix(line, checkpointPrefix) || strings.HasPrefix(checkpointPrefix, line)) && !strings.Contains(line, `"}`)
}

func outsideClaim(text, by string, v note.Verifier) (claim, error) {
	cp, err := parseNote(text)
	if err != nil {
		return claim{}, notOutside(by, "is not one")
	}
	if !cp.signedBy(v) {
		return claim{}, notOutside(by, "was signed with another key than this state directory has")
	}
	return claim{cp.head(), by}, nil
}

func notOutside(by, what string) error {
	return &ostiary.Error{
		Code:    ostiary.CodeAuditBroken,
		Message: by + " " + what + "; find out whether the file or the key was replaced",
	}
}
