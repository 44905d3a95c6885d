package gateway

import (
	"net"
	"net/http"
	"sync"
)

// Unfinished tells of requests that never became one: whose header was cut off,
// could be read in two ways, was too long, or did not come in time. Package
// net/http answers these by itself, by 400, 431 or 501, and
// no handler hears of them. Its methods may be called by many goroutines.
type Unfinished struct {
	// Refused is told of each, with a request that has nothing but an address.
	Refused func(*http.Request, error)

	mu   sync.Mutex
	open map[string]bool // by address: a request has begun, and no handler has it
}

// State follows the connections of a server; it is its ConnState.
func (u *Unfinished) State(c net.Conn, state http.ConnState) {
	if c.RemoteAddr().Network() != "tcp" {
		return // nothing tells such connections apart
	}
	at := c.RemoteAddr().String()
	u.mu.Lock()
	begun := u.open[at]
	if state == http.StateActive {
		if u.open == nil {
			u.open = map[string]bool{}
		}
		u.open[at] = true
	} else {
		delete(u.open, at)
	}
	u.mu.Unlock()
	if begun && state == http.StateClosed && u.Refused != nil {
		u.Refused(&http.Request{RemoteAddr: at}, httpError("the header of the request was cut off, is none, is too long, or did not come in time"))
	}
}

// Guard notes which requests are whole and come to next.
func (u *Unfinished) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		delete(u.open, r.RemoteAddr)
		u.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}
