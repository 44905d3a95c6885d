package approval

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// Notifier tells people of a new request. It tells only: it can approve nothing.
// It is used by many goroutines at once.
type Notifier interface {
	// Name is a word for records. One that is the name of a channel is told only
	// of requests that may be answered there.
	Name() string
	// Notify tells of one request, with its masked arguments and its preview. It
	// ends when ctx does.
	Notify(ctx context.Context, r Request) error
}

const (
	tellers  = 64              // at once
	tellTime = 2 * time.Minute // for one, with its repetitions
)

// teller runs notifiers in the background. What fails is logged and noted, and
// holds no call back: the request is listed anyway.
type teller struct {
	notifiers []Notifier
	journal   ostiary.Journal
	log       *slog.Logger
	ctx       context.Context
	stop      context.CancelFunc
	slots     chan struct{}
	mu        sync.Mutex // so that nothing begins after close
	wg        sync.WaitGroup
}

func newTeller(n []Notifier, j ostiary.Journal, log *slog.Logger) *teller {
	t := &teller{notifiers: n, journal: j, log: log, slots: make(chan struct{}, tellers)}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// all begins to tell everybody who may be told.
func (t *teller) all(r Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.notifiers {
		name := n.Name()
		if t.ctx.Err() != nil || isChannel(name) && !slices.Contains(r.Channels, name) {
			continue
		}
		select {
		case t.slots <- struct{}{}:
			t.wg.Go(func() {
				defer func() { <-t.slots }()
				t.one(n, name, r)
			})
		default:
			t.wg.Go(func() { t.failed(name, r, fmt.Errorf("%d are being told already", tellers)) })
		}
	}
}

func (t *teller) one(n Notifier, name string, r Request) {
	defer func() {
		if p := recover(); p != nil {
			t.failed(name, r, fmt.Errorf("panic: %v", p))
		}
	}()
	ctx, cancel := context.WithTimeout(t.ctx, tellTime)
	defer cancel()
	if err := n.Notify(ctx, r); err != nil {
		t.failed(name, r, err)
	}
}

func (t *teller) failed(name string, r Request, err error) {
	t.log.Warn("approval: cannot tell of a request", "notifier", name, "request", r.ID, "err", err)
	e := r.event("approval_untold")
	e.Detail = fmt.Sprintf("%s: %v", name, err)
	if err := t.journal.Note(e); err != nil {
		t.log.Warn("approval: cannot note it", "err", err)
	}
}

// close ends what is being told.
func (t *teller) close() {
	t.mu.Lock()
	t.stop()
	t.mu.Unlock()
	t.wg.Wait()
}

func isChannel(name string) bool {
	switch name {
	case ChannelCLI, ChannelConsole, ChannelWebhook, ChannelClient:
		return true
	}
	return false
}
