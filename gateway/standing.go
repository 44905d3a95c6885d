package gateway

import (
	"slices"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// lookEvery is how often what lasts asks whether its credential still counts: a
// token ends, a key is taken back, a principal gets other scopes. lookSoon is how
// often it asks when the time of the credential is over by its own word.
const (
	lookEvery = 5 * time.Second
	lookSoon  = time.Second
)

// errChanged ends what began under a credential that stands for something else
// now.
var errChanged = &ostiary.Error{Code: ostiary.CodeGatewaySession,
	Message: "what the credential stands for has changed: connect anew"}

// stillCounts is why the credential of the request does not count any more as it
// did when the request came; nil if it does.
func (v *visit) stillCounts() error {
	who, session, err := v.e.o.Authenticate(v.r)
	switch {
	case err != nil:
		return err
	case who.ID != v.who.ID, session != v.session, !slices.Equal(who.Scopes, v.who.Scopes):
		return errChanged
	}
	return nil
}

// standing ends what lasts when its credential counts no more.
type standing struct {
	v   *visit
	end func(error)

	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

// whileItCounts calls end, once, when the credential of the request counts no
// more. stop must be called when the request has ended.
func (v *visit) whileItCounts(end func(error)) (stop func()) {
	s := &standing{v: v, end: end}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(s.next(), s.look)
	return s.stop
}

func (s *standing) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.timer.Stop()
}

// next is when to look again.
func (s *standing) next() time.Duration {
	if s.v.e.o.Ends == nil {
		return lookEvery
	}
	ends := s.v.e.o.Ends(s.v.r)
	if ends.IsZero() {
		return lookEvery
	}
	rest := ends.Sub(s.v.e.o.Door.Now())
	if rest <= 0 { // it counts only because clocks differ
		return lookSoon
	}
	return min(rest, lookEvery)
}

func (s *standing) look() {
	defer func() {
		if p := recover(); p != nil {
			s.end(s.v.e.doors.failed(p))
		}
	}()
	err := s.v.stillCounts()
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return
	}
	if err == nil {
		s.timer.Reset(s.next())
		s.mu.Unlock()
		return
	}
	s.stopped = true
	s.mu.Unlock()
	s.v.e.doors.away.refuse(s.v.turned(nil), err)
	s.end(err)
}

// lasting is what a request needs that lasts without a foreseeable end: a place
// among the streams, and a credential that counts. end is called when it counts
// no more; release when the request has ended.
func (v *visit) lasting(end func(error)) (release func(), err error) {
	free, err := v.e.o.Capacity.stream(v.who.ID)
	if err != nil {
		return nil, err
	}
	stop := v.whileItCounts(end)
	return func() {
		stop()
		free()
	}, nil
}
