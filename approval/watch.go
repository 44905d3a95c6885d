package approval

import (
	"context"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// pollEvery is how often a process that waits looks for what others decided.
const pollEvery = 50 * time.Millisecond

// watch tells those who wait that something may have changed. One goroutine
// polls for all of them, and none while nobody waits.
type watch struct {
	store ostiary.Store

	mu      sync.Mutex
	waiters map[waiter]struct{}
	stop    context.CancelFunc // set while the goroutine runs
	done    chan struct{}
	closed  bool
}

// waiter gets a value at every poll, true if the requests may have changed, so
// that it looks at the clock too. It is closed when the door closes.
type waiter chan bool

func newWatch(s ostiary.Store) *watch {
	return &watch{store: s, waiters: map[waiter]struct{}{}}
}

// join begins to wait. What is read after it and changes later is told.
func (w *watch) join() (waiter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, refuse(ostiary.CodeGatewayShutdown, "", "the door is closing: repeat the call when it is open again")
	}
	one := make(waiter, 1)
	w.waiters[one] = struct{}{}
	if w.stop == nil {
		ctx, cancel := context.WithCancel(context.Background())
		w.stop, w.done = cancel, make(chan struct{})
		go w.poll(ctx, w.done)
	}
	return one, nil
}

// leave ends waiting, and with the last one the polling.
func (w *watch) leave(one waiter) {
	w.mu.Lock()
	delete(w.waiters, one)
	var done chan struct{}
	if len(w.waiters) == 0 && w.stop != nil {
		w.stop()
		w.stop, done = nil, w.done
	}
	w.mu.Unlock()
	if done != nil {
		<-done
	}
}

func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	for one := range w.waiters {
		close(one)
	}
	clear(w.waiters)
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

// poll begins by telling of a change, since what came before it is unknown. An
// error is told as a change: whoever reads then meets it, and denies.
func (w *watch) poll(ctx context.Context, done chan struct{}) {
	defer close(done)
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	seen, known := int64(0), false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		v, err := w.store.Version(ctx, bucket)
		if ctx.Err() != nil {
			return
		}
		w.all(ctx, err != nil || !known || v != seen)
		seen, known = v, err == nil
	}
}

func (w *watch) all(ctx context.Context, changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return // those who wait now have a goroutine of their own
	}
	for one := range w.waiters {
		if !changed {
			select {
			case one <- false:
			default: // it has not looked at the last one yet
			}
			continue
		}
		select {
		case <-one: // a tick that nobody took must not hide the change
		default:
		}
		one <- true
	}
}
