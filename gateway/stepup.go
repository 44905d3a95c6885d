package gateway

import (
	"maps"
	"net/http"

	"github.com/ostiary/ostiary"
)

// stepUp makes the answer of a refused request one that asks the client to sign in
// anew with the scopes of the operation (MCP, authorization: step-up). It returns
// false where that does not help, or where the answer has begun as an event stream
// and its status is gone: then the text alone says what is missing.
func (s *stream) stepUp(d ostiary.Decision, scopes []string) bool {
	v := s.visit
	if v == nil || v.e.o.StepUp == nil {
		return false
	}
	status, header := v.e.o.StepUp(v.session, &ostiary.Error{Code: d.Code, Message: d.Message}, scopes)
	if status == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != streamFresh || s.events {
		return false
	}
	s.status = status
	before := s.head
	s.head = func(h http.Header) {
		if before != nil {
			before(h)
		}
		maps.Copy(h, header)
	}
	return true
}
