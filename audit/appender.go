package audit

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// group is what becomes durable together: the records of everybody who waited
// while the group before was being written.
type group struct {
	lines []byte
	spans []span        // of the records in lines; bodies lie between
	turn  chan struct{} // closed when the group before was written
	done  chan struct{}
	err   error // valid after done is closed
}

type span struct{ from, to int }

// append takes a place in line for a record and its body, either of which ends
// with a newline, and returns after both are durable or never will be. Nothing
// comes behind the last one.
func (l *Log) append(tail, body []byte, last bool) error {
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
	lead := first && !l.writing
	l.writing = l.writing || lead
	from := len(g.lines)
	g.lines = strconv.AppendInt(append(g.lines, recordPrefix...), l.n, 10)
	g.lines = append(g.lines, tail...)
	g.spans = append(g.spans, span{from, len(g.lines) - 1})
	g.lines = append(g.lines, body...)
	l.n++
	if last {
		l.stopped = errClosed
	}
	full := l.filling && (last || len(g.spans) >= l.expect)
	l.mu.Unlock()
	if full {
		signal(l.full)
	}
	switch {
	case lead:
		l.lead()
	case first:
		<-g.turn
		l.lead()
	default:
		<-g.done
	}
	return g.err
}

// spare makes a group with the buffers of one that was written.
func (l *Log) spare() *group {
	g := &group{turn: make(chan struct{}), done: make(chan struct{})}
	if old := l.used; old != nil && cap(old.lines) <= 4<<20 {
		g.lines, g.spans = old.lines[:0], old.spans[:0]
	}
	l.used = nil
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
	l.over()
	l.mu.Unlock()
	signal(l.full)
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

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake already
	}
}

// appender is what belongs to whoever leads, unless it says otherwise.
type appender struct {
	segment *segment
	tree    tree
	prev    [sha256.Size]byte // hash of the last checkpoint's line
	failed  error             // of a write or sync; nothing is written after it
	used    *group            // under Log.mu: buffers to use again
	expect  int               // under Log.mu: how many the last group had
	filling bool              // under Log.mu: gather waits for more
	writing bool              // under Log.mu: somebody leads

	full     chan struct{} // cap 1: the group that gather waits for has its size
	patience *time.Timer

	text, prefixes []byte
}

func newAppender(l *Log) (*appender, error) {
	s, err := newSegments(l)
	return &appender{segment: s, full: make(chan struct{}, 1), patience: time.NewTimer(0)}, err
}

// lead writes the next group: whoever came first to it does it for all, after
// the group before and before the group behind. A writer of its own would be
// woken and would wake the caller with every record.
func (l *Log) lead() {
	g, err := l.gather(), l.failed
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
	if err == nil {
		l.used = &group{lines: g.lines, spans: g.spans}
	}
	next := l.next
	l.writing = next != nil
	l.over()
	l.mu.Unlock()
	close(g.done)
	if next != nil {
		close(next.turn)
	}
}

// gather takes the next group. Those whom the group before released come again
// soon: while many do, it waits a moment for as many as last time, since one
// large group costs hardly more than a small one.
func (l *Log) gather() *group {
	for waited := false; ; waited = true {
		l.mu.Lock()
		l.filling = false
		if g := l.next; waited || l.stopped != nil || len(g.spans) >= l.expect || l.expect < crowd {
			l.next, l.expect = nil, len(g.spans)
			l.mu.Unlock()
			return g
		}
		l.filling = true
		l.mu.Unlock()
		l.patience.Reset(gatherTime)
		select {
		case <-l.full:
		case <-l.patience.C:
		}
	}
}

const (
	// gatherTime is less than most disks need for one sync.
	gatherTime = 100 * time.Microsecond
	// crowd is the size of a group from which on waiting for the next is worth it;
	// a few callers who met by chance are not kept.
	crowd = 4
)

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
