package gateway

import (
	"sync"
	"time"
)

// patienceMost is how much time with a person a call gets beside its own.
// patienceLook is how often a call that is over its time looks whether the
// person is still being asked.
const (
	patienceMost = 10 * time.Minute
	patienceLook = 50 * time.Millisecond
)

// meter adds up the time in which at least one question to a person was open.
type meter struct {
	mu    sync.Mutex
	open  int
	since time.Time // when the first of them was handed over
	total time.Duration
}

func (m *meter) count(open bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if open {
		if m.open++; m.open == 1 {
			m.since = time.Now()
		}
		return
	}
	if m.open--; m.open == 0 {
		m.total += time.Since(m.since)
	}
}

func (m *meter) read() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open > 0 {
		return m.total + time.Since(m.since)
	}
	return m.total
}

// watch ends one call when its time is over.
type watch struct {
	people *meter
	limit  time.Duration
	end    func()

	mu      sync.Mutex
	begun   time.Time
	waited  time.Duration // what the meter showed then
	timer   *time.Timer
	stopped bool
}

// Patience implements ostiary.Patient.
func (q *caller) Patience(limit time.Duration, end func()) (stop func()) {
	w := &q.watch
	w.mu.Lock() // for a timer that fires at once
	defer w.mu.Unlock()
	w.people, w.limit, w.end = &q.d.people, limit, end
	w.begun, w.waited = time.Now(), q.d.people.read()
	w.timer = time.AfterFunc(limit, w.look)
	return w.stop
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	used := time.Since(w.begun) - min(w.people.read()-w.waited, patienceMost)
	if used >= w.limit {
		w.end()
		return
	}
	w.timer.Reset(max(w.limit-used, patienceLook))
}
