package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// logCheck verifies logs one after the other.
type logCheck struct {
	ctx      context.Context
	verifier note.Verifier
	report   *Report
	progress func(n int64)
	leaf     func(n int64, leaf tlog.Hash) // hears every leaf, again after a second look; may be nil
	good     mark                          // where the last log was good
	buf      []byte
}

// A log of a living process may be seen while a group is half written. It is then
// looked at again, this often and after this long.
const (
	liveTries = 50
	livePause = 2 * time.Millisecond
)

// log verifies one log and returns the first broken place. At first only the last
// signature is checked, because it vouches for every line before. Where something
// does not fit, every signature is checked, to name the first place.
func (c *logCheck) log(dir, id string, alive bool, claims []claim) (*Broken, error) {
	pass := newPass(c, dir, id, claims, false)
	for try := 0; ; try++ {
		broken, err := pass.scan()
		if err != nil {
			return nil, err
		}
		if broken == nil && !pass.unfinished {
			break
		}
		if !alive || try == liveTries {
			break
		}
		select {
		case <-c.ctx.Done():
			return nil, c.ctx.Err()
		case <-time.After(livePause):
		}
		pass.rewind()
	}
	broken := pass.verdict()
	c.good = pass.good
	if broken != nil {
		exact := newPass(c, dir, id, claims, true)
		if _, err := exact.scan(); err != nil {
			return nil, err
		}
		c.good = exact.good
		if first := exact.verdict(); first != nil {
			broken = first
		}
	}
	if broken == nil || broken.Segment == "" { // a missing segment ends a pass like the end of the log
		what, err := strayIn(dir)
		if err != nil {
			return nil, err
		}
		if what != "" {
			broken = &Broken{Log: id, N: pass.good.tree.size, What: what}
		}
	}
	r := c.report
	r.Records += pass.good.tree.size
	r.Checkpoints += pass.good.checkpoints
	r.Bodies += pass.good.bodies
	r.Dropped += pass.good.dropped
	switch {
	case alive:
		r.Live = append(r.Live, id)
	case pass.unfinished && broken == nil:
		r.Torn = append(r.Torn, id)
	}
	return broken, nil
}

// place is a line of a segment.
type place struct {
	segment int
	line    int
	n       int64
}

func (p place) before(q place) bool {
	return p.segment < q.segment || p.segment == q.segment && p.line < q.line
}

// mark is a state of a pass behind a good checkpoint.
type mark struct {
	tree        tree
	prev        [sha256.Size]byte
	last        *signedCheckpoint
	lastAt      place
	segment     int
	offset      int64
	line        int
	claims      []claim // still to be met
	checkpoints int64
	bodies      int64
	dropped     int64
	closed      bool
}

// pass reads a log from its beginning.
type pass struct {
	*logCheck
	dir, id string
	exact   bool // check every signature
	hear    func(n int64, leaf tlog.Hash)

	mark               // where the pass is
	good       mark    // where it was behind the last good checkpoint
	group      []place // the records since then
	leaves     []byte  // prefixes of their hashes
	want       []byte  // what the last record commits to, if its body may follow
	first      *Broken // the first line since then that cannot be right
	at         place   // its place
	result     *Broken // why the pass ended early
	unfinished bool    // it ended within a group
	isClose    bool    // the last record closes the log
}

func newPass(c *logCheck, dir, id string, claims []claim, exact bool) *pass {
	p := &pass{logCheck: c, dir: dir, id: id, exact: exact, hear: c.leaf}
	p.mark.claims = claims
	for len(p.mark.claims) > 0 && p.mark.claims[0].Size == 0 {
		p.mark.claims = p.mark.claims[1:]
	}
	p.good = p.mark
	return p
}

func (p *pass) rewind() {
	p.mark = p.good
	p.mark.tree.edges = slices.Clone(p.good.tree.edges)
	p.group, p.leaves, p.want = p.group[:0], p.leaves[:0], p.want[:0]
	p.first, p.result, p.unfinished, p.isClose = nil, nil, false, false
}

// scan reads on until the end of the log or the first broken place.
func (p *pass) scan() (*Broken, error) {
	for ; p.result == nil; p.segment, p.offset, p.line = p.segment+1, 0, 0 {
		more, err := p.scanSegment()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	return p.result, nil
}

// scanSegment reads one segment and reports whether there may be another one.
func (p *pass) scanSegment() (bool, error) {
	name := segmentName(p.segment)
	f, err := os.Open(filepath.Join(p.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	end, err := dataEnd(f)
	if err != nil {
		return false, err
	}
	if p.buf == nil {
		p.buf = make([]byte, 1<<20)
	}
	lines := newLineReader(f, p.offset, end, p.buf)
	start := p.offset
	for {
		line, err := lines.line()
		p.line++
		if errors.Is(err, errLongLine) {
			p.fail(p.here(), "the line is longer than any that the log writes")
			return false, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if err != nil {
			p.progress(lines.pos - start)
			return p.endOfSegment(f, len(line) > 0, end)
		}
		p.offset = lines.pos
		if p.line%1024 == 0 {
			p.progress(lines.pos - start)
			start = lines.pos
			if err := p.ctx.Err(); err != nil {
				return false, err
			}
		}
		p.take(line)
		if p.result != nil {
			p.progress(lines.pos - start)
			return false, nil
		}
	}
}

// endOfSegment judges what lies behind the last checkpoint of a segment.
func (p *pass) endOfSegment(f *os.File, partial bool, end int64) (bool, error) {
	p.line--
	if len(p.group) == 0 && p.first == nil && !partial {
		return true, nil // it ends with a checkpoint, or is empty
	}
	p.unfinished = true
	from := int64(0)
	if p.good.segment == p.segment {
		from = p.good.offset
	}
	what := "what follows the last checkpoint is not what a crash leaves behind"
	torn := !p.good.closed && end-from <= maxLine
	if torn {
		data := make([]byte, end-from)
		if _, err := f.ReadAt(data, from); err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		torn = tornAt(data, from)
	}
	if torn { // only the last segment may end so
		next, err := os.Open(filepath.Join(p.dir, segmentName(p.segment+1)))
		if err == nil {
			defer next.Close()
			if size, err := dataEnd(next); err != nil || size == 0 {
				return false, err
			}
			torn, what = false, "the segment ends without a checkpoint, and another one follows"
		}
	}
	if !torn {
		at := p.here()
		if len(p.group) > 0 {
			at = p.group[0]
		} else {
			at.line++
		}
		p.fail(at, what)
	}
	return false, nil
}

func (p *pass) here() place { return place{p.segment, p.line, p.tree.size - 1} }

// suspect notes a line that cannot be right. It is judged with its group.
func (p *pass) suspect(at place, what string) {
	if p.first == nil || at.before(p.at) {
		p.at, p.first = at, p.broken(at, what)
	}
}

func (p *pass) broken(at place, what string) *Broken {
	return &Broken{Log: p.id, Segment: segmentName(at.segment), Line: at.line, N: at.n, What: what}
}

// fail ends the pass with the first suspect, or with this place.
func (p *pass) fail(at place, what string) {
	p.suspect(at, what)
	p.result = p.first
}

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
