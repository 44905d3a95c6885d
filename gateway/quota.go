package gateway

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// quota says which of many alike refusals are written one by one, and counts the
// rest, exactly, for one record at the end of the interval. Whoever can make the
// door write records could otherwise do so until the disk is full.
type quota struct {
	now func() time.Time
	// write makes one record of what was counted.
	write func(tally)
	// room, if set, reports whether the log has room for such records. While it has
	// none they are only counted.
	room func() bool
	// daily, if set, is how many records there may be in 24 hours; beyond it an
	// interval lasts an hour and nothing is written one by one.
	daily int

	mu      sync.Mutex
	since   time.Time // of the interval
	written int       // one by one, in it
	day     time.Time // since when records of the day are counted
	today   int
	counted map[ostiary.Code]*tally
	timer   *time.Timer // ends the interval when nothing else comes
	over    bool        // no timer is started any more
}

// tally is what was counted of one kind.
type tally struct {
	code  ostiary.Code
	n     int
	since time.Time
	from  map[string]int // the first sources
	other int            // what came from none of them
}

const (
	oddBurst      = 60 // records one by one in an interval
	quotaInterval = time.Minute
	quotaSlow     = time.Hour
	quotaSources  = 256 // sources of one kind that are told apart in an interval
	quotaShown    = 8   // sources that a record names
	sourceBytes   = 64  // of the name of one
)

// admit reports whether one more is to be recorded by itself, at most so many in
// an interval; else it is counted.
func (q *quota) admit(code ostiary.Code, from string, most int) bool {
	q.mu.Lock()
	now := q.now()
	done := q.ended(now)
	single := q.written < most && !q.spent() && q.hasRoom()
	if single {
		q.written++
		q.today++
	} else {
		q.count(code, from, now)
	}
	q.mu.Unlock()
	q.record(done)
	return single
}

// ended begins a new interval if it is time, and returns what the old one counted.
func (q *quota) ended(now time.Time) []*tally {
	if age := now.Sub(q.day); q.daily > 0 && (age >= 24*time.Hour || age < 0) {
		q.day, q.today = now, 0
	}
	lasts := quotaInterval
	if q.spent() {
		lasts = quotaSlow
	}
	if age := now.Sub(q.since); age < lasts && age >= 0 {
		return nil
	}
	return q.cut(now)
}

// cut ends the interval. What there is no room for is counted on.
func (q *quota) cut(now time.Time) []*tally {
	q.since, q.written = now, 0
	if len(q.counted) == 0 || !q.hasRoom() {
		return nil
	}
	var done []*tally
	for _, t := range q.counted {
		done = append(done, t)
	}
	slices.SortFunc(done, func(a, b *tally) int { return cmp.Compare(a.code, b.code) })
	q.counted, q.today = nil, q.today+len(done)
	return done
}

func (q *quota) spent() bool   { return q.daily > 0 && q.today >= q.daily }
func (q *quota) hasRoom() bool { return q.room == nil || q.room() }

func (q *quota) count(code ostiary.Code, from string, now time.Time) {
	if q.counted == nil {
		q.counted = map[ostiary.Code]*tally{}
	}
	t := q.counted[code]
	if t == nil {
		t = &tally{code: code, since: now, from: map[string]int{}}
		q.counted[code] = t
	}
	t.n++
	from = from[:min(len(from), sourceBytes)]
	if _, known := t.from[from]; known || len(t.from) < quotaSources {
		t.from[from]++
	} else {
		t.other++
	}
	q.arm()
}

// arm lets the count be written when the interval ends, so that a process that dies
// later does not take it along.
func (q *quota) arm() {
	if q.over {
		return
	}
	lasts := quotaInterval
	if q.spent() {
		lasts = quotaSlow
	}
	if q.timer == nil {
		q.timer = time.AfterFunc(lasts, q.tick)
	}
}

func (q *quota) tick() {
	q.mu.Lock()
	q.timer = nil
	done := q.cut(q.now())
	if len(q.counted) > 0 {
		q.arm()
	}
	q.mu.Unlock()
	q.record(done)
}

// flush records what was counted; afterwards counts wait for the next event or flush.
func (q *quota) flush() {
	q.mu.Lock()
	q.over = true
	if q.timer != nil {
		q.timer.Stop()
		q.timer = nil
	}
	done := q.cut(q.now())
	q.mu.Unlock()
	q.record(done)
}

func (q *quota) record(done []*tally) {
	for _, t := range done {
		q.write(*t)
	}
}

// sources names those that most came from, and how many came from others.
func (t *tally) sources() string {
	type source struct {
		name string
		n    int
	}
	var all []source
	for name, n := range t.from {
		if name != "" {
			all = append(all, source{name, n})
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.SortFunc(all, func(a, b source) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name)) })
	rest := t.n
	var named []string
	for _, s := range all[:min(len(all), quotaShown)] {
		named = append(named, fmt.Sprintf("%s (%d)", s.name, s.n))
		rest -= s.n
	}
	text := strings.Join(named, ", ")
	if rest > 0 {
		text += fmt.Sprintf(" and others (%d)", rest)
	}
	return text
}
