package gateway

import (
	"context"
	"sync"
)

// handshake keeps back what a client sends behind `initialize` until that has
// been answered, so that nothing overtakes it, while the client is still read:
// its end must be noticed even if the server never answers.
type handshake struct {
	mu    sync.Mutex
	busy  bool
	held  []line
	bytes int
	over  chan struct{} // closed when nothing is held any more

	breaks func() // is deferred where it is served
}

// heldBytes is how much is kept back; then the client is not read any further.
const heldBytes = 1 << 20

// hold keeps a line back while a handshake is under way. It waits while too much
// is kept already; when ctx has ended the line is not kept.
func (h *handshake) hold(ctx context.Context, l line) bool {
	for {
		h.mu.Lock()
		if !h.busy {
			h.mu.Unlock()
			return false
		}
		if h.bytes < heldBytes {
			h.held = append(h.held, l)
			h.bytes += len(l.raw) + 64
			h.mu.Unlock()
			return true
		}
		over := h.over
		h.mu.Unlock()
		select {
		case <-over:
		case <-ctx.Done():
			return false
		}
	}
}

// run serves the handshake in the background, then hands over what was held, in
// order, before anything newer. A second one inside takes its turn there.
func (h *handshake) run(serve func(), handle func(line)) {
	h.mu.Lock()
	if h.busy {
		h.mu.Unlock()
		serve()
		return
	}
	h.busy, h.over = true, make(chan struct{})
	h.mu.Unlock()
	go func() {
		defer h.breaks()
		serve()
		for {
			h.mu.Lock()
			held := h.held
			h.held, h.bytes = nil, 0
			if len(held) == 0 {
				h.busy = false
				close(h.over)
				h.mu.Unlock()
				return
			}
			h.mu.Unlock()
			for _, l := range held {
				handle(l)
			}
		}
	}()
}
