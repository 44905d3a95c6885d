package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// take looks at one line of a log: a record, a body or a checkpoint.
func (p *pass) take(line []byte) {
	if p.good.closed {
		p.fail(p.here(), "there is a line behind the end of a closed log")
		return
	}
	// A line with a small change at its beginning still counts as what it was, so
	// that the right record is named. That it is not as it was is found later.
	switch {
	case near(line, recordPrefix):
		p.takeRecord(line)
	case near(line, bodyPrefix):
		p.takeBody(line)
	case near(line, checkpointPrefix):
		p.takeCheckpoint(line)
	default:
		p.suspect(p.here(), "the line is neither a record nor a body nor a checkpoint")
	}
}

// near reports whether a line begins with prefix, a few bytes excepted.
func near(line []byte, prefix string) bool {
	if len(line) < len(prefix) {
		return false
	}
	same := 0
	for i := range len(prefix) {
		if line[i] == prefix[i] {
			same++
		}
	}
	return same*4 >= len(prefix)*3
}

func (p *pass) takeRecord(line []byte) {
	p.drop()
	at := place{p.segment, p.line, p.tree.size}
	number, _, _ := bytes.Cut(line[len(recordPrefix):], []byte(","))
	var digits [20]byte
	if !bytes.Equal(number, strconv.AppendInt(digits[:0], at.n, 10)) {
		p.suspect(at, fmt.Sprintf("record %.20s stands where record %d was expected", number, at.n))
	}
	if at.n == 0 && !bytes.Contains(line, []byte(`,"kind":"open"`)) {
		p.suspect(at, "the first record of the log does not open it")
	}
	leaf := tlog.RecordHash(line)
	p.tree.add(leaf)
	if p.hear != nil {
		p.hear(at.n, leaf)
	}
	p.group = append(p.group, at)
	p.leaves = append(p.leaves, leaf[:leafPrefix]...)
	p.want = append(p.want[:0], bodyOf(line)...)
	p.isClose = bytes.Contains(line, []byte(`,"kind":"close"`))
}

// bodyOf returns the commitment at the end of a record's line, or nil.
func bodyOf(line []byte) []byte {
	const before, size, after = `,"body":"`, 44, `"}`
	from := len(line) - len(before) - size - len(after)
	if from < 0 || string(line[from:from+len(before)]) != before || !bytes.HasSuffix(line, []byte(after)) {
		return nil
	}
	return line[from+len(before) : len(line)-len(after)]
}

func (p *pass) takeBody(line []byte) {
	sum := sha256.Sum256(line)
	var text [44]byte
	base64.StdEncoding.Encode(text[:], sum[:])
	switch {
	case len(p.want) == 0:
		p.suspect(place{p.segment, p.line, p.tree.size}, "the record before this body is missing")
	case !bytes.Equal(p.want, text[:]):
		p.suspect(p.here(), "the body is not the one that its record commits to")
	default:
		p.bodies++
	}
	p.want = p.want[:0]
}

// drop counts a body that a record commits to and that is not there.
func (p *pass) drop() {
	if len(p.want) > 0 {
		p.dropped++
		p.want = p.want[:0]
	}
}

func (p *pass) takeCheckpoint(line []byte) {
	p.drop()
	at := p.here()
	cp, err := parseCheckpointLine(line)
	switch {
	case err != nil:
		p.fail(at, "the checkpoint cannot be read: "+err.Error())
		return
	case p.exact && !cp.signedBy(p.verifier):
		p.fail(at, "the checkpoint was not signed with this key")
		return
	case cp.log != p.id:
		p.fail(at, "the checkpoint belongs to log "+cp.log)
		return
	}
	p.compare(cp, at)
	switch {
	case p.result != nil:
	case p.first != nil:
		p.result = p.first
	case cp.prev != p.prev:
		p.fail(at, "the checkpoint does not follow the one before")
	case cp.size != p.tree.size:
		p.fail(at, fmt.Sprintf("the checkpoint covers %d records, and %d are here", cp.size, p.tree.size))
	case cp.root != p.tree.root():
		p.fail(at, "the records are not those that were signed")
	default:
		p.settle(cp, at, line)
	}
}

// compare finds the first record of the group that the checkpoint does not list.
func (p *pass) compare(cp *signedCheckpoint, at place) {
	listed := int64(len(cp.prefixes) / leafPrefix)
	start := cp.size - listed // where the group began when it was signed
	for i, r := range p.group {
		if r.n < start {
			if i+1 == len(p.group) || p.group[i+1].n == start {
				p.fail(r, "the checkpoint behind this record is missing")
				return
			}
			continue
		}
		from := (r.n - start) * leafPrefix
		if r.n >= cp.size {
			p.fail(r, "the record was not there when its group was signed")
			return
		}
		if !bytes.Equal(cp.prefixes[from:from+leafPrefix], p.leaves[i*leafPrefix:(i+1)*leafPrefix]) {
			p.fail(r, "the record is not the one that was signed")
			return
		}
	}
	if gone := cp.size - p.tree.size; gone > 0 {
		at.n++
		p.fail(at, fmt.Sprintf("%d records before this checkpoint are missing", gone))
	}
}

// settle takes a good checkpoint and looks whether others know this size of the
// log otherwise.
func (p *pass) settle(cp *signedCheckpoint, at place, line []byte) {
	for len(p.claims) > 0 && p.claims[0].Size <= cp.size {
		c := p.claims[0]
		if c.Size < cp.size || c.Root != cp.root.String() {
			p.fail(at, fmt.Sprintf("%s knows another history of the first %d records", c.by, c.Size))
			return
		}
		p.claims = p.claims[1:]
	}
	p.prev = sha256.Sum256(line)
	p.last, p.lastAt = cp, at
	p.checkpoints++
	p.closed = p.isClose
	p.group, p.leaves = p.group[:0], p.leaves[:0]
	edges := append(p.good.tree.edges[:0], p.tree.edges...)
	p.good = p.mark
	p.good.tree.edges = edges
}

// verdict is the first broken place, once the pass has ended.
func (p *pass) verdict() *Broken {
	g := &p.good
	switch {
	case g.last != nil && !g.last.signedBy(p.verifier):
		return p.broken(g.lastAt, "the checkpoint was not signed with this key")
	case p.result != nil:
		return p.result
	case len(g.claims) > 0:
		c := g.claims[len(g.claims)-1]
		return &Broken{Log: p.id, N: g.tree.size, What: fmt.Sprintf("it ends after %d records, and %s knows %d", g.tree.size, c.by, c.Size)}
	}
	return nil
}
