package gateway

import (
	"context"
	"sync"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// pending is a request that one side sent and the other has not answered.
type pending struct {
	method string
	callID string
	cancel context.CancelCauseFunc
	// reply gets the answer, or is closed when the upstream ended.
	reply chan *wire.Message
	// withdraw holds the client's own cancellation, to be passed on with its bytes.
	withdraw []byte
	// sent is true once the request was handed to the other side.
	sent bool
}

// inflight are the requests of one direction by canonical id. Ids of calls that
// ended without an answer are remembered for a while, so that a late answer can
// be told from one that nobody asked for.
type inflight struct {
	mu     sync.Mutex
	open   map[string]*pending
	late   map[string]string // key -> call id
	order  []string          // keys of late, oldest first
	closed bool
}

// lateMost is how many unanswered ids are remembered.
const lateMost = 1024

// openMost is how many requests of one direction may be open at once; a reader
// that meets the bound refuses.
const openMost = 4096

func newInflight() *inflight {
	return &inflight{open: map[string]*pending{}, late: map[string]string{}}
}

// add registers a request before anything else happens to it, so that its
// cancellation and a second request with its id are seen.
func (t *inflight) add(key string, p *pending) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return errUpstreamGone
	case t.open[key] != nil:
		return &ostiary.Error{Code: ostiary.CodeWireID,
			Message: "a request with this id is still open: give every request an id of its own"}
	case len(t.open) >= openMost:
		return &ostiary.Error{Code: ostiary.CodeLimitConcurrency,
			Message: "too many requests are open at once: wait for answers before you send more"}
	}
	t.open[key] = p
	delete(t.late, key)
	return nil
}

// remove forgets a request; unanswered ones are remembered as late.
func (t *inflight) remove(key string, unanswered bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.open[key]
	delete(t.open, key)
	if !unanswered || p == nil {
		return
	}
	if len(t.order) >= lateMost {
		delete(t.late, t.order[0])
		t.order = t.order[1:]
	}
	t.late[key] = p.callID
	t.order = append(t.order, key)
}

// deliver hands an answer to its request. It returns the call id of a request
// that ended before, and whether the id was known at all.
func (t *inflight) deliver(m *wire.Message) (delivered bool, lateCall string, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.open[m.Key]; p != nil && p.sent {
		select {
		case p.reply <- m:
			return true, "", true
		default: // a second answer to one request
			return false, p.callID, true
		}
	}
	call, late := t.late[m.Key]
	delete(t.late, m.Key)
	return false, call, late
}

// take removes a request that the other side answers now; nil if there is none.
func (t *inflight) take(key string) *pending {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.open[key]
	if p == nil || !p.sent {
		return nil
	}
	delete(t.open, key)
	return p
}

// fail ends the one request with this key, as far as it was sent.
func (t *inflight) fail(key string, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.open[key]
	if p == nil || !p.sent {
		return false
	}
	p.cancel(err)
	return true
}

// markSent says that the request goes to the other side now. It returns false if
// the request was withdrawn or the other side ended.
func (t *inflight) markSent(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.open[key]
	if p == nil || t.closed || p.withdraw != nil {
		return false
	}
	p.sent = true
	return true
}

// withdraw ends a request at its sender's wish and keeps the bytes that say so.
func (t *inflight) withdraw(key string, raw []byte, cause error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.open[key]
	if p == nil || p.withdraw != nil {
		return false
	}
	p.withdraw = raw
	p.cancel(cause)
	return true
}

// withdrawal returns the bytes that withdrew the request, if it was withdrawn.
func (t *inflight) withdrawal(key string) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.open[key]; p != nil {
		return p.withdraw
	}
	return nil
}

// close ends all requests with cause and admits no more.
func (t *inflight) close(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, p := range t.open {
		p.cancel(cause)
	}
}
