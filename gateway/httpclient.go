package gateway

import (
	"context"
	"errors"
	"sync"
	"time"
)

// httpClient is the client's end over HTTP. What belongs to no exchange goes to
// the GET stream of the session, without one to that of an open request; without
// any nobody can hear it.
type httpClient struct {
	// other gives the stream of any open request of the session, nil where there is
	// none; it is nil where clients share a door.
	other func() *stream

	mu    sync.Mutex
	get   *stream
	taken bool // get takes up another stream, and gives way to one that does not
}

var _ clientEnd = (*httpClient)(nil)

func (c *httpClient) of(on *stream) *stream {
	if on != nil {
		if on.isOpen() {
			return on
		}
		if next := on.successor(); next != nil {
			return next
		}
	}
	c.mu.Lock()
	get := c.get
	c.mu.Unlock()
	if get == nil && on == nil && c.other != nil {
		return c.other()
	}
	return get
}

func (c *httpClient) send(_ context.Context, on *stream, message []byte) error {
	to := c.of(on)
	if to == nil {
		return errStreamOver
	}
	return to.say(message)
}

func (c *httpClient) sendNow(on *stream, message []byte) error {
	return c.send(context.Background(), on, message)
}

func (c *httpClient) answer(_ context.Context, on *stream, message []byte) error {
	if on == nil {
		return errStreamOver
	}
	err := on.answer(message)
	if !errors.Is(err, errStreamOver) {
		return err
	}
	// The exchange has ended; a legacy client may have come back to hear the rest.
	if to := c.of(on); to != nil {
		return to.say(message)
	}
	return err
}

func (c *httpClient) answerNow(on *stream, message []byte) error {
	return c.answer(context.Background(), on, message)
}

func (c *httpClient) finish(time.Duration) {
	c.mu.Lock()
	get := c.get
	c.get = nil
	c.mu.Unlock()
	if get != nil {
		get.leave()
	}
}

// attach makes s the GET stream; it returns false if there is one. A stream that
// takes up another stands beside the GET stream, if there is one.
func (c *httpClient) attach(s *stream, takesUp bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.get != nil && !c.taken {
		return takesUp
	}
	if c.get == nil || !takesUp {
		c.get, c.taken = s, takesUp
	}
	return true
}

func (c *httpClient) detach(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.get == s {
		c.get, c.taken = nil, false
	}
}

// takenUp says that the answer to a request comes by another stream now, because
// its client has come back by that.
func (t *inflight) takenUp(key string, by *stream) {
	t.mu.Lock()
	p := t.open[key]
	t.mu.Unlock()
	if p != nil && p.on != nil && p.on != by {
		p.on.moveTo(by)
	}
}

func (s *stream) moveTo(next *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settled || s.next != nil {
		return
	}
	s.next = next
	next.owed.Add(1)
}

// successor is the stream that carries what this one cannot any more.
func (s *stream) successor() *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil || !s.next.isOpen() {
		return nil
	}
	return s.next
}

func (s *stream) isOpen() bool {
	select {
	case <-s.over:
		return false
	default:
		return true
	}
}

// settle says that the request of the stream has ended.
func (s *stream) settle() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil && !s.settled {
		s.next.owed.Done()
	}
	s.settled = true
}
