package incident

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ostiary/ostiary/audit"
)

// logState is how far the files of one log were read.
type logState struct {
	head audit.Head
	root tlog.Hash
	// next is the least number that the next record of each kind of file may have.
	next                     map[string]int64
	records, bodies, dropped int64
	known                    map[int64]string // proved earlier sizes and their roots
}

// mostHeads bounds what is remembered of other logs.
const mostHeads = 1 << 20

// logFile takes a file of a log. Without its checkpoint nothing of it is proved.
func (c *check) logFile(name string, data []byte) error {
	m := ofLog.FindStringSubmatch(name)
	id, kind := m[1], m[2]
	if kind == "checkpoint" {
		c.takeCheckpoint(name, id, data)
		return nil
	}
	l := c.logs[id]
	if l == nil {
		if at := "logs/" + id + "/checkpoint"; !c.isBroken(at) && c.key != nil {
			c.broken(name, 0, "stands without the checkpoint of its log before it")
		}
		return nil
	}
	in := &lineFile{check: c, name: name, log: l, kind: kind, rest: data}
	if kind == "consistency" {
		return in.consistency()
	}
	return in.records()
}

func (c *check) takeCheckpoint(name, id string, data []byte) {
	if c.key == nil {
		return // that was said
	}
	head, err := audit.OpenCheckpoint(string(data), c.key)
	if err != nil {
		c.broken(name, 0, "%v", err)
		return
	}
	root, err := audit.ParseHash(head.Root)
	if err != nil || head.Log != id {
		c.broken(name, 0, "is the checkpoint of another log")
		return
	}
	c.logs[id] = &logState{head: head, root: root, next: map[string]int64{}, known: map[int64]string{head.Size: head.Root}}
}

// lineFile reads the lines of one file.
type lineFile struct {
	*check
	name string
	log  *logState
	kind string
	rest []byte
	line int
}

// next returns the next line; nil at the end.
func (f *lineFile) next() ([]byte, error) {
	if len(f.rest) == 0 {
		return nil, nil
	}
	line, rest, ok := bytes.Cut(f.rest, []byte("\n"))
	f.line++
	if !ok {
		return nil, errors.New("ends within a line")
	}
	f.rest = rest
	return line, nil
}

func (f *lineFile) fail(format string, args ...any) error {
	f.broken(f.name, f.line, format, args...)
	return nil
}

// records checks records, bodies and proofs up to the first that is wrong.
func (f *lineFile) records() error {
	line, err := f.next()
	for line != nil && err == nil {
		var r audit.Record
		if json.Unmarshal(line, &r) != nil || r.Log != f.log.head.Log || r.N < 0 {
			return f.fail("is not a record of this log")
		}
		if r.N < f.log.next[f.kind] || f.kind == "opening" && r.N != f.log.next[f.kind] {
			return f.fail("record %d does not stand in its place", r.N)
		}
		f.log.next[f.kind] = r.N + 1
		leaf := tlog.RecordHash(line)
		at := f.line
		if line, err = f.next(); err != nil {
			break
		}
		body := bytes.HasPrefix(line, []byte(`{"body":`))
		if body {
			if r.Body == "" || audit.BodyDigest(line) != r.Body {
				return f.fail("the body is not the one that record %d commits to", r.N)
			}
			if line, err = f.next(); err != nil {
				break
			}
		}
		hashes, ok := readProof(line)
		if !ok {
			f.line = at
			return f.fail("record %d has no proof behind it", r.N)
		}
		if tlog.CheckRecord(hashes, f.log.head.Size, f.log.root, r.N, leaf) != nil {
			f.line = at
			return f.fail("record %d is not proved to stand in the log: the record or its proof was changed", r.N)
		}
		switch f.kind {
		case "records":
			f.count(&r, body)
		case "opening":
			for _, h := range r.Heads {
				if len(f.heads) >= mostHeads {
					return errors.New("it names more logs than any state directory has")
				}
				f.heads = append(f.heads, audit.Claim{Head: h, By: fmt.Sprintf("log %s, record %d", r.Log, r.N)})
			}
		}
		line, err = f.next()
	}
	if err != nil {
		return f.fail("%v", err)
	}
	return nil
}

func (f *lineFile) count(r *audit.Record, body bool) {
	f.log.records++
	switch {
	case body:
		f.log.bodies++
	case r.Body != "":
		f.log.dropped++
	}
}

func readProof(line []byte) (tlog.RecordProof, bool) {
	var p proof
	if !strictly(line, &p) {
		return nil, false
	}
	return readHashes(p.Proof)
}

// readHashes reads the hashes of a proof; none has more than a tree has levels.
func readHashes(texts []string) ([]tlog.Hash, bool) {
	if len(texts) > 64 {
		return nil, false
	}
	hashes := make([]tlog.Hash, len(texts))
	for i, t := range texts {
		var err error
		if hashes[i], err = audit.ParseHash(t); err != nil {
			return nil, false
		}
	}
	return hashes, true
}

// consistency checks the proofs that the log continues what others know.
func (f *lineFile) consistency() error {
	for {
		line, err := f.next()
		if err != nil {
			return f.fail("%v", err)
		}
		if line == nil {
			return nil
		}
		var c consistent
		if !strictly(line, &c) {
			return f.fail("is not a proof")
		}
		hashes, ok := readHashes(c.Proof)
		root, err := audit.ParseHash(c.Root)
		if !ok || err != nil || c.Size <= 0 || c.Size > f.log.head.Size ||
			tlog.CheckTree(hashes, f.log.head.Size, f.log.root, c.Size, root) != nil {
			return f.fail("the log is not proved to continue its first %d records", c.Size)
		}
		f.log.known[c.Size] = c.Root
	}
}

// strictly reads one JSON value without unknown members or anything behind it.
func strictly(text []byte, v any) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v) == nil && strings.TrimSpace(string(text[d.InputOffset():])) == ""
}
