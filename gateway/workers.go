package gateway

import "sync/atomic"

// workers runs functions on goroutines that stay for the next one. Judging a call
// needs a deep stack (schema validation), and growing a new one with every call
// cost a tenth of the door's time.
type workers struct {
	jobs chan func()
	quit chan struct{}
	idle atomic.Int32
}

// idleMost is how many goroutines wait for work; more than that end.
const idleMost = 64

func newWorkers() *workers {
	return &workers{jobs: make(chan func()), quit: make(chan struct{})}
}

// run runs f on a goroutine of its own and returns at once.
func (w *workers) run(f func()) {
	select {
	case w.jobs <- f:
	default:
		go w.work(f)
	}
}

func (w *workers) work(f func()) {
	for {
		f()
		if w.idle.Add(1) > idleMost {
			w.idle.Add(-1)
			return
		}
		select {
		case f = <-w.jobs:
			w.idle.Add(-1)
		case <-w.quit:
			return
		}
	}
}

// close lets idle workers end; those that run end with their function.
func (w *workers) close() { close(w.quit) }
