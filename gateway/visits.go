package gateway

import "sync"

// visits counts the messages under way, so that the door closes behind the last
// one and admits none afterwards.
type visits struct {
	mu     sync.Mutex
	n      int
	closed bool
	idle   chan struct{} // closed when closed and n is 0
}

func newVisits() *visits { return &visits{idle: make(chan struct{})} }

// enter admits one; it returns false when the door is closing.
func (v *visits) enter() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return false
	}
	v.n++
	return true
}

// join admits one that somebody inside needs, even when the door is closing. It
// returns false when nobody is inside any more.
func (v *visits) join() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed && v.n == 0 {
		return false
	}
	v.n++
	return true
}

func (v *visits) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.n--
	if v.closed && v.n == 0 {
		close(v.idle)
	}
}

// many reports whether more than one is inside.
func (v *visits) many() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.n > 1
}

// close admits no more and returns a channel that is closed when all have left.
func (v *visits) close() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.closed {
		v.closed = true
		if v.n == 0 {
			close(v.idle)
		}
	}
	return v.idle
}
