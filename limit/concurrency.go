package limit

import (
	"sync"
	"sync/atomic"

	"github.com/ostiary/ostiary"
)

// pool says which calls share slots. What an upstream asks in the middle of a
// call must not wait for that very call to end, so it has slots of its own.
type pool uint8

const (
	poolNone     pool = iota // never occupies anything for long
	poolClient               // what the client asks
	poolUpstream             // what the upstream asks: of the person, the model, the client
)

// poolOf keeps pings, cancellations and answers out: a principal with all slots
// in use must still be able to cancel a call, and to answer what one waits for.
func poolOf(c ostiary.Class) pool {
	switch c {
	case ostiary.ClassControl, ostiary.ClassNotification, ostiary.ClassAnswer:
		return poolNone
	case ostiary.ClassElicitation, ostiary.ClassSampling, ostiary.ClassRoots:
		return poolUpstream
	default:
		return poolClient
	}
}

type holder struct {
	principal string
	pool      pool
}

// slots count the calls in flight of each principal; nobody in flight, no entry.
type slots struct {
	max int
	mu  sync.Mutex
	n   map[holder]int
}

func (s *slots) take(h holder) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n[h] >= s.max {
		return false
	}
	s.n[h]++
	return true
}

func (s *slots) free(h holder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n[h] <= 1 {
		delete(s.n, h)
		return
	}
	s.n[h]--
}

// hold makes the Hold that gives a taken slot back, once, however often it is told.
func (s *slots) hold(h holder) *ostiary.Hold {
	t := &taken{from: s, by: h}
	free := t.free
	t.Release, t.Done = free, free
	return &t.Hold
}

// taken is a slot in use.
type taken struct {
	ostiary.Hold
	from  *slots
	by    holder
	freed atomic.Bool
}

func (t *taken) free() {
	if t.freed.CompareAndSwap(false, true) {
		t.from.free(t.by)
	}
}
