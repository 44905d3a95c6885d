package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
