package gateway

// Sessions is how many are open: those of the eras with sessions, and in the other
// one a principal with what its credential proves.
func (e *Endpoint) Sessions() int {
	e.doors.mu.Lock()
	defer e.doors.mu.Unlock()
	return len(e.doors.all)
}

// Available reports whether calls are sent to the server at present: false while it
// is left alone after failures.
func (e *Endpoint) Available() bool {
	r := e.o.Door.Remote
	return r == nil || r.Breaker.State() != BreakerOpen
}
