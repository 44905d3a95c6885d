package gateway

// leave is deferred where the door of a session ends, or was not opened.
func (s *doors) leave(one *session, d *door) {
	if p := recover(); p != nil {
		d.broke(p)
	}
	s.drop(one)
	close(one.over)
	s.busy.Done()
}

func (s *doors) enter(d *session) func() {
	d.inside++
	return func() {
		now := s.o.Door.Now()
		s.mu.Lock()
		defer s.mu.Unlock()
		if d.inside--; d.inside == 0 {
			d.left = now
			d.timer.Reset(s.o.IdleSession)
		}
	}
}

// idle ends a session that nobody has used for its time.
func (s *doors) idle(d *session) {
	defer func() {
		if p := recover(); p != nil {
			s.drop(d)
			_ = s.failed(p) // it is recorded
		}
	}()
	now := s.o.Door.Now()
	s.mu.Lock()
	used := d.inside > 0 || !d.left.IsZero() && now.Sub(d.left) < s.o.IdleSession
	s.mu.Unlock()
	if !used {
		s.drop(d)
	}
}

// drop ends a session.
func (s *doors) drop(d *session) {
	s.mu.Lock()
	if s.all[d.id] == d {
		delete(s.all, d.id)
		s.o.Capacity.endSession()
		if s.count[d.principal]--; s.count[d.principal] <= 0 {
			delete(s.count, d.principal)
		}
	}
	s.mu.Unlock()
	d.timer.Stop()
	d.end()
}

func (s *doors) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.busy.Wait()
	s.away.close()
}
