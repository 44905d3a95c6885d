package audit

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// group is what becomes durable together: the records of everybody who waited
// while the group before was being written, and of those who were soon to come.
type group struct {
	lines []byte
	spans []span        // of the records in lines; bodies lie between
	calls int           // whose last record is here
	timed bool          // Log.patience runs for it
	turn  chan struct{} // closed when who came first must lead or somebody has
	mine  bool          // who came first must lead; valid after turn is closed
	done  chan struct{}
	err   error // valid after done is closed
}

type span struct{ from, to int }

// standing is what a record means for those behind it.
type standing uint8

const (
	within standing = iota
	leaves          // the last record of a call
	last            // nothing comes behind it
)

// append takes a place in line for a record and its body, either of which ends
// with a newline, and returns after both are durable or never will be.
func (l *Log) append(tail, body []byte, at standing) error {
	l.mu.Lock()
	if l.stopped != nil {
		err := l.stopped
		l.mu.Unlock()
		return err
	}
	g := l.next
	first := g == nil
	if first {
		g = l.spare()
		l.next = g
	}
	from := len(g.lines)
	g.lines = strconv.AppendInt(append(g.lines, recordPrefix...), l.n, 10)
	g.lines = append(g.lines, tail...)
	g.spans = append(g.spans, span{from, len(g.lines) - 1})
	g.lines = append(g.lines, body...)
	l.n++
	switch at {
	case leaves:
		g.calls++
	case last:
		l.stopped = errClosed
	}
	lead := l.mayLead(g)
	l.mu.Unlock()
	switch {
	case lead:
		l.lead(g)
	case first:
		if <-g.turn; g.mine {
			l.lead(g)
		}
	default:
		<-g.done
	}
	return g.err
}

// forget says that a record will not come.
func (l *Log) forget(at standing) {
	if at == leaves {
		l.mu.Lock()
		l.underway--
		l.mu.Unlock()
	}
}

// mayLead takes the next group if nobody leads and it need not wait for more. It
// is called with the lock held.
func (l *Log) mayLead(g *group) bool {
	if l.writing {
		return false
	}
	// Those who came together come together again: they wait for each other, since
	// one large group costs hardly more than a small one. Who is alone waits for
	// nobody.
	if l.stopped == nil && l.underway > 1 && len(g.spans) < l.expect {
		if !g.timed {
			g.timed = true
			l.patience.Reset(gatherTime)
		}
		return false
	}
	l.take(g)
	return true
}

func (l *Log) take(g *group) {
	if g.timed {
		l.patience.Stop()
	}
	l.next, l.writing = nil, true
}

// hand lets who came first to a group lead it. It is called with the lock held.
func (l *Log) hand(g *group) {
	g.mine = true
	close(g.turn)
}

// hurry ends the waiting for more.
func (l *Log) hurry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.next; g != nil && g.timed && !l.writing {
		l.take(g)
		l.hand(g)
	}
}

// While one group is written the next is filled, so two have buffers. Those of a
// group that was very long are not kept.
const (
	usedMost  = 2
	usedBytes = 4 << 20
)

// spare makes a group with the buffers of one that was written.
func (l *Log) spare() *group {
	g := &group{turn: make(chan struct{}), done: make(chan struct{})}
	if n := len(l.used); n > 0 {
		old := l.used[n-1]
		g.lines, g.spans = old.lines[:0], old.spans[:0]
		l.used[n-1], l.used = nil, l.used[:n-1]
	}
	return g
}

func (l *Log) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped
}

// stop refuses everything from now on. A failure stays the reason.
func (l *Log) stop(why error) {
	l.mu.Lock()
	if l.stopped == nil || errors.Is(l.stopped, errClosed) {
		l.stopped = why
	}
	if g := l.next; g != nil && l.mayLead(g) {
		l.hand(g)
	}
	l.over()
	l.mu.Unlock()
}

// over says that the log has ended when nothing will be written any more. It is
// called with the lock held.
func (l *Log) over() {
	if l.stopped == nil || l.writing || l.next != nil {
		return
	}
	select {
	case <-l.ended:
	default:
		close(l.ended)
	}
}

// appender is what belongs to whoever leads, unless it says otherwise.
type appender struct {
	segment *segment
	tree    tree
	prev    [sha256.Size]byte // hash of the last checkpoint's line
	failed  error             // of a write or sync; nothing is written after it
	used    []*group          // under Log.mu: buffers to use again, usedMost at most
	writing bool              // under Log.mu: somebody leads

	underway int // under Log.mu: calls that began and whose last record is not durable
	expect   int // under Log.mu: how many the last group had, and came while it was written
	patience *time.Timer

	text, prefixes []byte
}

func newAppender(l *Log) (*appender, error) {
	s, err := newSegments(l)
	a := &appender{segment: s}
	if err == nil {
		a.patience = time.AfterFunc(time.Hour, l.hurry)
		a.patience.Stop()
	}
	return a, err
}

// gatherTime is how long a group waits at most for more. When they do not come,
// the next group does not wait for them.
const gatherTime = 400 * time.Microsecond

// lead writes a group: one of those who wait for it does it for all. A writer of
// its own would be woken and would wake the caller with every record.
func (l *Log) lead(g *group) {
	err := l.failed
	if err == nil {
		if err = l.commit(g); err != nil {
			err = unavailable("the log has stopped for good after a failed write", err)
			l.failed = err
			l.stop(err)
			l.opts.Logger.Error("audit: the log has stopped, no call may run", "log", l.id, "err", err)
		}
	}
	g.err = err
	l.mu.Lock()
	if err == nil && len(l.used) < usedMost && cap(g.lines) <= usedBytes {
		l.used = append(l.used, &group{lines: g.lines, spans: g.spans})
	}
	l.writing = false
	l.underway -= g.calls
	l.expect = len(g.spans)
	if next := l.next; next != nil {
		l.expect += len(next.spans)
		if l.mayLead(next) {
			l.hand(next)
		}
	}
	l.over()
	l.mu.Unlock()
	close(g.done)
	if !g.mine {
		close(g.turn)
	}
}

// commit makes a group durable with a signed checkpoint over everything so far.
func (l *Log) commit(g *group) error {
	a := l.appender
	a.prefixes = a.prefixes[:0]
	for _, s := range g.spans {
		leaf := tlog.RecordHash(g.lines[s.from:s.to])
		a.prefixes = append(a.prefixes, leaf[:leafPrefix]...)
		a.tree.add(leaf)
	}
	cp := checkpoint{
		log: l.id, size: a.tree.size, root: a.tree.root(), time: checkpointTime(l.opts.Clock()),
		leaves: sha256.Sum256(a.prefixes), prev: a.prev,
	}
	var err error
	if a.text, err = appendSigned(a.text[:0], &cp, l.key.signer); err != nil {
		return err
	}
	from := len(g.lines)
	g.lines = appendCheckpointLine(g.lines, a.text, a.prefixes)
	a.prev = sha256.Sum256(g.lines[from:])
	g.lines = append(g.lines, '\n')
	if err := a.segment.write(g.lines); err != nil {
		return err
	}
	l.outside.offer(a.text)
	return nil
}
