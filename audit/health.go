package audit

// Health is how many records wait to be written, behind those that are being
// written, and why none is written any more; nil while all is well.
func (l *Log) Health() (waiting int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next != nil {
		waiting = len(l.next.spans)
	}
	return waiting, l.stopped
}
