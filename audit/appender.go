package audit

import (
	"crypto/sha256"
	"errors"
	"runtime"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// group is what becomes durable together: the records of everybody who waited
// while the group before was being written.
type group struct {
	lines []byte
	spans []span // of the records in lines; bodies lie between
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
	if g == nil {
		g = l.spare()
		l.next = g
	}
	from := len(g.lines)
	g.lines = strconv.AppendInt(append(g.lines, recordPrefix...), l.n, 10)
	g.lines = append(g.lines, tail...)
	g.spans = append(g.spans, span{from, len(g.lines) - 1})
	g.lines = append(g.lines, body...)
	l.n++
	if last {
		l.stopped = errClosed
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // it is awake already
	}
	<-g.done
	return g.err
}

// spare makes a group with the buffers of one that was written.
func (l *Log) spare() *group {
	g := &group{done: make(chan struct{})}
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
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// appender is what belongs to the one goroutine that writes.
type appender struct {
	segment *segment
	tree    tree
	prev    [sha256.Size]byte // hash of the last checkpoint's line
	used    *group            // under Log.mu: buffers to use again

	text, prefixes []byte
}

func newAppender(l *Log) (*appender, error) {
	s, err := newSegments(l)
	return &appender{segment: s}, err
}

// run writes group after group until the log is stopped.
func (l *Log) run() {
	defer close(l.ended)
	failed := error(nil)
	for range l.wake {
		for {
			g, stopped := l.gather()
			if g == nil {
				if stopped != nil {
					return
				}
				break
			}
			if failed == nil {
				if failed = l.commit(g); failed != nil {
					failed = unavailable("the log has stopped for good after a failed write", failed)
					l.stop(failed)
					l.opts.Logger.Error("audit: the log has stopped, no call may run", "log", l.id, "err", failed)
				}
			}
			g.err = failed
			l.mu.Lock()
			if g.err == nil {
				l.used = &group{lines: g.lines, spans: g.spans}
			}
			l.mu.Unlock()
			close(g.done)
		}
	}
}

// gather takes the next group. Those whom the group before has just released are
// about to come again: it lets them run as long as the group grows, since one
// large group costs hardly more than a small one.
func (l *Log) gather() (g *group, stopped error) {
	const rounds = 16
	for round, had := 0, -1; ; round++ {
		l.mu.Lock()
		g, stopped = l.next, l.stopped
		size := 0
		if g != nil {
			size = len(g.spans)
		}
		if size == had || round == rounds {
			l.next = nil
			l.mu.Unlock()
			return g, stopped
		}
		had = size
		l.mu.Unlock()
		runtime.Gosched()
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
