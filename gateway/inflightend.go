package gateway

import (
	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// replied returns a channel that is closed when the answer has come.
func (t *inflight) replied(key string) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.open[key]; p != nil {
		return p.reply
	}
	return nil
}

// abandon ends the wait for an answer. It returns the answer if one has come.
// Otherwise refused says that there was one which is not acceptable, and working
// that the other side still works on the request and should be told.
func (t *inflight) abandon(key string) (answer *wire.Message, working, refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.open[key]
	if p == nil {
		return nil, false, false
	}
	p.ended = true
	return p.answer, !p.answered && t.closed == nil, p.answered
}

// take removes a request that its receiver answers now; nil if there is none.
func (t *inflight) take(key string) (p *pending, late string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p = t.open[key]; p == nil || !p.sent {
		return nil, t.late.take(key)
	}
	p.answered = true
	t.drop(key, p)
	return p, ""
}

// fail ends the request with this key, which was answered unacceptably.
func (t *inflight) fail(key string, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.open[key]
	if p == nil || !p.sent || p.answered {
		return false
	}
	p.answered = true
	p.cancel(err)
	return true
}

// markSent says that the request goes to the other side now. It returns false if
// the request was withdrawn or the other side has ended.
func (t *inflight) markSent(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.open[key]
	if p == nil || t.closed != nil || p.withdraw != nil {
		return false
	}
	p.sent = true
	t.meter(p, true)
	return true
}

// meter notes that a question to a person was handed over, or is not open any
// more.
func (t *inflight) meter(p *pending, open bool) {
	if t.people != nil && p.class == ostiary.ClassElicitation {
		t.people.count(open)
	}
}

// unsend takes markSent back: the request could not be handed over.
func (t *inflight) unsend(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.open[key]; p != nil && p.sent && !p.answered {
		p.sent = false
		t.meter(p, false)
	}
}

// withdraw ends a request at its sender's wish and keeps the bytes that say so.
func (t *inflight) withdraw(key string, raw []byte, cause error) (p *pending, sent bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p = t.open[key]
	if p == nil || p.withdraw != nil {
		return nil, false
	}
	p.withdraw = raw
	p.cancel(cause)
	return p, p.sent
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
