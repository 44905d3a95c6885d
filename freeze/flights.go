package freeze

import (
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// flights are the calls in flight that can be ended, the oldest first. While
// there are any, a timer looks whether the oldest has been there for maxAge, and
// only then asks the store: short calls pay a place in the list, and an idle door
// sleeps.
type flights struct {
	mu     sync.Mutex
	first  flight  // its next is the oldest, its prev the newest
	spare  *flight // linked by next, for calls to come
	spares int
	timer  *time.Timer
	armed  bool
	closed bool
}

// maxSpares is how many flights are kept for calls to come. The line tells the
// end of a call once, so nobody ends a flight that another call uses by now.
const maxSpares = 64

// flight is one call in the list, until Release or Done of its hold.
type flight struct {
	list       *flights
	next, prev *flight // prev is nil when it has ended
	who        subject
	caller     ostiary.Caller
	since      time.Duration
	told       bool // it was cancelled
	hold       ostiary.Hold
}

func (l *flights) init(watch func()) {
	l.first.next, l.first.prev = &l.first, &l.first
	l.timer = time.AfterFunc(time.Hour, watch)
	l.timer.Stop()
}

func (l *flights) add(who *subject, caller ostiary.Caller, now time.Duration) *flight {
	l.mu.Lock()
	f := l.spare
	if f != nil {
		l.spare = f.next
		l.spares--
	} else {
		f = &flight{list: l}
		end := f.end
		f.hold.Release, f.hold.Done = end, end
	}
	f.who, f.caller, f.since = *who, caller, now
	f.next, f.prev = &l.first, l.first.prev
	f.prev.next, l.first.prev = f, f
	if !l.armed && !l.closed {
		l.armed = true
		l.timer.Reset(maxAge)
	}
	l.mu.Unlock()
	return f
}

func (f *flight) end() {
	l := f.list
	l.mu.Lock()
	if f.prev != nil {
		f.next.prev, f.prev.next = f.prev, f.next
		f.next, f.prev, f.caller, f.told = nil, nil, nil, false
		if l.spares < maxSpares {
			f.next, l.spare = l.spare, f
			l.spares++
		}
	}
	l.mu.Unlock()
}

// end cancels the calls that the freezes hold, each once. A call that ends by
// itself meanwhile does not mind.
func (l *flights) end(urgent *set) {
	if urgent.size == 0 {
		return
	}
	type end struct {
		caller ostiary.Caller
		why    *ostiary.Error
	}
	var ends []end
	l.mu.Lock()
	for f := l.first.next; f != &l.first; f = f.next {
		if f.told {
			continue
		}
		if s := urgent.match(&f.who); s != nil {
			f.told = true
			ends = append(ends, end{f.caller, s.cause})
		}
	}
	l.mu.Unlock()
	for _, e := range ends {
		e.caller.Cancel(e.why)
	}
}

// oldest returns since when the oldest call is there. Without any, the timer is
// not armed any more.
func (l *flights) oldest() (since time.Duration, some bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first.next == &l.first || l.closed {
		l.armed = false
		return 0, false
	}
	return l.first.next.since, true
}

func (l *flights) again(after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.timer.Reset(after)
	}
}

func (l *flights) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.timer.Stop()
}
