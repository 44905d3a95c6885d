package gateway

import (
	"context"
	"sync"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// pending is a request that one side sent and the other has not answered. All
// fields below size are the inflight's, under its lock.
type pending struct {
	method string
	class  ostiary.Class
	callID string
	id     []byte // as written
	cancel context.CancelCauseFunc
	token  string  // canonical progress token, "" if there is none
	size   int     // bytes of the request
	on     *stream // by which it came; nil over stdio
	who    string  // whose it is, and what it is about; "" for the door's own
	target string

	listens *subscription // nil for all but subscriptions/listen

	sent     bool          // it was handed to the other side
	answered bool          // an answer came, acceptable or not
	ended    bool          // nobody waits for the answer any more
	withdraw []byte        // its sender's own cancellation, to be passed on with its bytes
	reply    chan struct{} // closed when answer is set; nil where nobody waits
	answer   *wire.Message
}

// inflight are the requests of one direction by canonical id. Ids of requests
// that ended without an answer are remembered, so that a late answer is told
// from one that nobody asked for, and never taken for the answer of a newer
// request.
type inflight struct {
	mu     sync.Mutex
	open   map[string]*pending
	alike  rounded        // ids of the open requests
	bytes  int            // of the open requests
	tokens map[string]int // progress tokens of the open requests
	late   unanswered
	closed error
	people *meter // runs while a question to a person is with the other side; nil where none is

	unreleased int           // bytes of answers that have not gone out
	freed      chan struct{} // not nil while somebody waits for fewer of them
}

const (
	// openMost and openBytes are how many requests of one direction may be open at
	// once and how long they may be together; more are refused.
	openMost  = 4096
	openBytes = 64 << 20
	// unreleasedBytes is how much of the other side's answers may wait for their
	// way out; its next message is not read before.
	unreleasedBytes = 64 << 20
)

func newInflight() *inflight {
	return &inflight{open: map[string]*pending{}, alike: rounded{}, tokens: map[string]int{}, late: unanswered{calls: map[string]string{}, alike: rounded{}}}
}

// add registers a request before anything else happens to it, so that its
// cancellation and a second request with its id are seen.
func (t *inflight) add(key string, p *pending) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed != nil:
		return t.closed
	case t.open[key] != nil:
		return &ostiary.Error{Code: ostiary.CodeWireID,
			Message: "a request with this id is still open: give every request an id of its own"}
	case t.late.has(key):
		return &ostiary.Error{Code: ostiary.CodeWireID,
			Message: "an earlier request with this id was never answered, and its answer could be taken for this one's: give every request an id of its own"}
	case t.alike.clashes(key), t.late.alike.clashes(key):
		return &ostiary.Error{Code: ostiary.CodeWireID,
			Message: "the number of this id cannot be told from that of another request by programs that keep numbers as doubles, " +
				"so their answers could be swapped: give requests ids that are integers below 2^53, or strings"}
	case len(t.open) >= openMost, len(t.open) > 0 && t.bytes+p.size > openBytes:
		return &ostiary.Error{Code: ostiary.CodeLimitConcurrency,
			Message: "too many requests are open at once: wait for answers before you send more"}
	}
	t.open[key] = p
	t.alike.add(key)
	t.bytes += p.size
	if p.token != "" {
		t.tokens[p.token]++
	}
	return nil
}

// remove forgets a request before its answer goes out: its sender may use the id
// again as soon as it has the answer. A request that was sent and not answered is
// remembered. Nobody else may remove it before.
func (t *inflight) remove(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.open[key]; p != nil {
		t.drop(key, p)
	}
}

// release says that the answer of a removed request has gone out.
func (t *inflight) release(p *pending) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.answer == nil {
		return
	}
	t.unreleased -= len(p.answer.Raw)
	if t.freed != nil {
		close(t.freed)
		t.freed = nil
	}
}

func (t *inflight) drop(key string, p *pending) {
	delete(t.open, key)
	t.alike.remove(key)
	t.bytes -= p.size
	if p.token != "" {
		if t.tokens[p.token]--; t.tokens[p.token] <= 0 {
			delete(t.tokens, p.token)
		}
	}
	if p.sent {
		t.meter(p, false)
	}
	if p.sent && !p.answered {
		t.late.add(key, p.callID)
	}
}

// deliver hands an answer to its request. If it returns false, nobody waits for
// the answer, and late is the call that it belonged to, "" if there is none.
func (t *inflight) deliver(m *wire.Message) (delivered bool, late string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.open[m.Key]
	switch {
	case p == nil || !p.sent:
		return false, t.late.take(m.Key)
	case p.answered || p.ended:
		p.answered = true
		return false, p.callID
	}
	p.answered, p.answer = true, m
	t.unreleased += len(m.Raw)
	close(p.reply)
	return true, ""
}

// asked is the request with this id; nil if there is none.
func (t *inflight) asked(key string) *pending {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[key]
}

// room returns when the answers that wait for their way out are few again, or
// ctx has ended.
func (t *inflight) room(ctx context.Context) {
	for {
		t.mu.Lock()
		if t.unreleased <= unreleasedBytes {
			t.mu.Unlock()
			return
		}
		if t.freed == nil {
			t.freed = make(chan struct{})
		}
		freed := t.freed
		t.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return
		}
	}
}

// has reports whether a request with this id is open.
func (t *inflight) has(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[key] != nil
}

// hasToken reports whether an open request carries this progress token.
func (t *inflight) hasToken(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tokens[token] > 0
}

// lasting are the open requests that end only when somebody ends them.
func (t *inflight) lasting() map[string]*pending {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all map[string]*pending
	for key, p := range t.open {
		if p.class == ostiary.ClassSubscribe {
			if all == nil {
				all = map[string]*pending{}
			}
			all[key] = p
		}
	}
	return all
}

// ofClient are the open requests that are not the door's own.
func (t *inflight) ofClient() map[string]*pending {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := map[string]*pending{}
	for key, p := range t.open {
		if p.id != nil {
			all[key] = p
		}
	}
	return all
}

// empty reports whether no request is open.
func (t *inflight) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open) == 0
}

// close ends all requests with cause and admits no more.
func (t *inflight) close(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed == nil {
		t.closed = cause
	}
	for _, p := range t.open {
		p.cancel(cause)
	}
}
