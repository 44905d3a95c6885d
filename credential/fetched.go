package credential

import (
	"context"
	"sync"
	"time"
)

const (
	// again is how soon a source that failed is asked once more.
	again = time.Second
	// renewals is the least time between two renewals because the server refused
	// what it was sent: a server that refuses everything must not make a program
	// run with every call.
	renewals = 5 * time.Second
)

// fetched is something that takes time to get and holds for a while. Whoever needs
// it meanwhile waits for the one who gets it.
type fetched struct {
	now     func() time.Time
	timeout time.Duration
	fetch   func(ctx context.Context) (held, error)

	mu      sync.Mutex
	has     bool
	held    held
	flight  *flight
	failed  time.Time
	err     error
	renewed time.Time
}

// held is a value, after which time it is got anew, and until when the old one
// counts where that fails or takes its time.
type held struct {
	text           string
	refresh, until time.Time
}

// flight is one attempt. Its fields are set when done is closed.
type flight struct {
	done chan struct{}
	text string
	err  error
}

func (f *fetched) get(ctx context.Context) (string, error) {
	f.mu.Lock()
	now := f.now()
	if f.has && now.Before(f.held.refresh) {
		defer f.mu.Unlock()
		return f.held.text, nil
	}
	counts := f.has && now.Before(f.held.until)
	if since := now.Sub(f.failed); f.flight == nil && f.err != nil && since >= 0 && since < again {
		defer f.mu.Unlock()
		if counts {
			return f.held.text, nil
		}
		return "", f.err
	}
	at, text := f.start(), f.held.text
	f.mu.Unlock()
	if counts {
		return text, nil
	}
	return at.wait(ctx)
}

// renew gets another value than the refused one.
func (f *fetched) renew(ctx context.Context, refused string) bool {
	f.mu.Lock()
	now := f.now()
	if f.has && f.held.text != refused {
		f.mu.Unlock()
		return true
	}
	if since := now.Sub(f.renewed); f.flight == nil && !f.renewed.IsZero() && since >= 0 && since < renewals {
		f.mu.Unlock()
		return false
	}
	f.renewed = now
	at := f.start()
	f.mu.Unlock()
	text, err := at.wait(ctx)
	return err == nil && text != refused
}

// start begins an attempt if there is none. It is called with the lock held, and
// does not end with who began it: others wait too.
func (f *fetched) start() *flight {
	if f.flight != nil {
		return f.flight
	}
	at := &flight{done: make(chan struct{})}
	f.flight = at
	go func() {
		ctx, stop := context.WithTimeout(context.Background(), f.timeout)
		defer stop()
		got, err := f.fetch(ctx)
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.flight, f.err = nil, err; err != nil {
			f.failed = f.now()
		} else {
			f.has, f.held = true, got
		}
		at.text, at.err = got.text, err
		close(at.done)
	}()
	return at
}

func (a *flight) wait(ctx context.Context) (string, error) {
	select {
	case <-a.done:
		return a.text, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
