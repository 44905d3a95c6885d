package gateway

// Sessions is how many are open: those of the eras with sessions, and in the other
// one a principal with what its credential proves.
func (e *Endpoint) Sessions() int {
	e.doors.mu.Lock()
	defer e.doors.mu.Unlock()
	return len(e.doors.all)
}
