package gateway

import (
	"context"
	"net/http"
)

// get is the stream of a session for what the server says by itself, or one that
// takes up another that broke off.
func (v *visit) get() {
	v.lasts()
	s := newStream(v.w, v.r, v.who, v.address, v.e.o.WriteWait)
	defer s.leave()
	d, release := v.ofSession(s, "a stream needs a session; revisions without sessions have no GET stream")
	if d == nil {
		return
	}
	defer release()
	if !accepts(v.r.Header, "text/event-stream") {
		v.turn(http.StatusNotAcceptable, "the stream is text/event-stream: accept it")
		return
	}
	ctx, cancel := context.WithCancel(v.r.Context())
	defer cancel()
	free, err := v.lasting(func(error) { cancel() })
	if err != nil {
		v.unavailable(s, nil, err)
		return
	}
	defer free()
	lastID := v.r.Header.Get(headerLastID)
	client := d.door.toClient.(*httpClient)
	if !client.attach(s, lastID != "" && d.door.remote != nil) {
		v.turn(http.StatusConflict, "the session has a stream already: close that one first")
		return
	}
	defer client.detach(s)
	stop := context.AfterFunc(d.door.life, cancel)
	defer stop()
	over := context.AfterFunc(ctx, s.leave)
	defer over()
	status, err := d.door.listen(ctx, s, lastID)
	s.owed.Wait() // answers that came by it are on their way out
	switch {
	case err != nil && ctx.Err() == nil:
		v.e.o.Log.Debug("the server's stream ended", "error", err)
		s.nothing(http.StatusBadGateway)
	case status != http.StatusOK && status != 0:
		s.nothing(status)
	}
}

// delete ends a session.
func (v *visit) delete() {
	s := newStream(v.w, v.r, v.who, v.address, v.e.o.WriteWait)
	d, release := v.ofSession(s, "a session to end is named by "+headerSession)
	if d == nil {
		return
	}
	release()
	v.e.doors.drop(d)
	v.w.WriteHeader(http.StatusNoContent)
}

// ofSession finds the session of a request without a body, or answers it.
func (v *visit) ofSession(s *stream, none string) (*session, func()) {
	id := v.r.Header.Get(headerSession)
	if id == "" {
		if asksForEndpoint(v.r) {
			none += "; if the client waits for an event endpoint: " + outdated + "this one"
		}
		v.w.Header().Set("Allow", "POST")
		v.turn(http.StatusMethodNotAllowed, none)
		return nil, nil
	}
	if err := sessionVersion(v.r.Header); err != nil {
		s.as(http.StatusBadRequest)
		v.refuse(s, nil, err)
		return nil, nil
	}
	d, release := v.e.doors.session(id, v.who.ID, v.session)
	if d == nil {
		v.noSession(s, nil, id)
	}
	return d, release
}
