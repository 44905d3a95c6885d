package gateway

import (
	"context"
	"io"
	"sync"

	"github.com/ostiary/ostiary"
)

// held is how much each principal over HTTP has on its way: requests that are not
// answered, and answers that have not gone out. A client that asks and does not
// read must not fill the memory, so its requests are refused beyond a bound, and
// its answers wait at their server until others have gone out.
type held struct {
	mu   sync.Mutex
	of   map[string]*account
	most int // bytes of requests, and as many of answers, of one principal
}

// account is one principal's, while it has a request under way.
type account struct {
	users           int
	asked, answered int           // bytes
	freed           chan struct{} // not nil while an answer waits
}

// heldMost is how much one principal may have on its way with one server, in each
// direction. An answer that does not say how long it is comes on top, and so does
// one that is longer by itself.
const heldMost = 64 << 20

func newHeld() *held { return &held{of: map[string]*account{}, most: heldMost} }

var errHeld = &ostiary.Error{Code: ostiary.CodeLimitConcurrency,
	Message: "too much of what you sent is not answered yet: read the answers before you send more"}

// share is what one request has of its principal's account. A nil share holds and
// waits for nothing.
type share struct {
	h               *held
	a               *account
	who             string
	asked, answered int
	over            bool
}

// held is the share of a client's request: that of its message, or of its exchange.
func (q *caller) held() *share {
	if q.share != nil {
		return q.share
	}
	return q.on.held()
}

// open begins a request of so many bytes. Who has too much on its way is refused.
func (h *held) open(who string, bytes int) (*share, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.of[who]
	if a == nil {
		a = &account{}
		h.of[who] = a
	}
	if a.asked > 0 && a.asked+bytes > h.most {
		return nil, errHeld
	}
	a.users++
	a.asked += bytes
	return &share{h: h, a: a, who: who, asked: bytes}, nil
}

// countedBody is the body of a request that does not say how long it is: what comes of it
// counts as it comes.
type countedBody struct {
	io.Reader
	of *share
}

// Read implements io.Reader.
func (c countedBody) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if more := c.of.more(n); more != nil {
		return n, more
	}
	return n, err
}

func (s *share) more(bytes int) error {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if s.a.asked > s.asked && s.a.asked+bytes > s.h.most {
		return errHeld
	}
	s.asked += bytes
	s.a.asked += bytes
	return nil
}

// answer waits until an answer of so many bytes has room, or ctx has ended. A
// length that is not known is negative.
func (s *share) answer(ctx context.Context, bytes int64) {
	for s != nil {
		s.h.mu.Lock()
		others := s.a.answered - s.answered
		if n := int(max(bytes, 0)); s.over || others == 0 || others+n <= s.h.most && others < s.h.most {
			s.count(n)
			s.h.mu.Unlock()
			return
		}
		if s.a.freed == nil {
			s.a.freed = make(chan struct{})
		}
		freed := s.a.freed
		s.h.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return
		}
	}
}

// came says how long the answer is whose length was not known.
func (s *share) came(bytes int) {
	if s != nil {
		s.h.mu.Lock()
		defer s.h.mu.Unlock()
		s.count(bytes - s.answered)
	}
}

// count is called with the lock held.
func (s *share) count(bytes int) {
	if !s.over {
		s.answered += bytes
		s.a.answered += bytes
	}
}

// close ends the request: nothing of it is held any more.
func (s *share) close() {
	if s == nil {
		return
	}
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if s.over {
		return
	}
	s.over = true
	s.a.asked -= s.asked
	s.a.answered -= s.answered
	if s.a.freed != nil {
		close(s.a.freed)
		s.a.freed = nil
	}
	if s.a.users--; s.a.users == 0 {
		delete(s.h.of, s.who)
	}
}
