package pin

import (
	"sync"
	"time"
)

// watchEvery is how often the store is asked whether a person has accepted what waits.
const watchEvery = time.Second

// watchers want to hear of acceptances. While something waits of what they watch, a
// timer asks the store; otherwise nothing does: there is nothing to accept.
type watchers struct {
	mu     sync.Mutex
	all    map[*watcher]bool
	timer  *time.Timer // nil until something waits
	armed  bool
	closed bool
}

type watcher struct {
	upstream string
	hear     func()
}

// Watch calls hear, each time on a goroutine of its own, when it is known that a person
// has accepted something of an upstream, until stop: within about a second where this
// process knew that something waits, and else with what is asked of the store next.
func (p *Pins) Watch(upstream string, hear func()) (stop func()) {
	w, one := &p.watchers, &watcher{upstream, hear}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[*watcher]bool{}
	}
	w.all[one] = true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, one)
	}
}

// look tells what is new, and has the store asked again if something waits, or where the
// store has failed, if something may.
func (w *watchers) look(old, now *snapshot, again func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	waits := false
	for one := range w.all {
		srv := now.servers[one.upstream]
		waits = waits || now.err != nil || srv != nil && srv.waits
		if now.err == nil && old != nil && old.taken(one.upstream) != now.taken(one.upstream) {
			go one.hear()
		}
	}
	switch {
	case w.armed || w.closed || !waits:
		return
	case w.timer == nil:
		w.timer = time.AfterFunc(watchEvery, again)
	default:
		w.timer.Reset(watchEvery)
	}
	w.armed = true
}

// watch asks the store; look hears of it.
func (p *Pins) watch() {
	p.watchers.mu.Lock()
	p.watchers.armed = false
	p.watchers.mu.Unlock()
	_, _ = p.known(p.life, p.o.Ticks()+1) // calls that need it get the error
}

func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed = true; w.timer != nil {
		w.timer.Stop()
	}
}
