package gateway

import (
	"context"
	"net/http"
)

// get is the stream of a session for what the server says by itself.
func (v *visit) get() {
	id := v.r.Header.Get(headerSession)
	if id == "" {
		v.w.Header().Set("Allow", "POST")
		v.turn(http.StatusMethodNotAllowed, "a stream needs a session; revisions without sessions have no GET stream")
		return
	}
	if !accepts(v.r.Header, "text/event-stream") {
		v.turn(http.StatusNotAcceptable, "the stream is text/event-stream: accept it")
		return
	}
	d, release := v.e.doors.session(id, v.who.ID, v.session)
	s := newStream(v.w, v.r, v.who, v.address, v.e.o.WriteWait)
	defer s.leave()
	if d == nil {
		v.noSession(s, nil, id)
		return
	}
	defer release()
	client := d.door.toClient.(*httpClient)
	if !client.attach(s) {
		v.turn(http.StatusConflict, "the session has a stream already: close that one first")
		return
	}
	defer client.detach(s)
	ctx, cancel := context.WithCancel(v.r.Context())
	defer cancel()
	stop := context.AfterFunc(d.door.life, cancel)
	defer stop()
	over := context.AfterFunc(ctx, s.leave)
	defer over()
	status, err := d.door.listen(ctx, s, v.r.Header.Get(headerLastID))
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
	id := v.r.Header.Get(headerSession)
	if id == "" {
		v.w.Header().Set("Allow", "POST")
		v.turn(http.StatusMethodNotAllowed, "a session to end is named by "+headerSession)
		return
	}
	d, release := v.e.doors.session(id, v.who.ID, v.session)
	if d == nil {
		v.noSession(newStream(v.w, v.r, v.who, v.address, v.e.o.WriteWait), nil, id)
		return
	}
	release()
	v.e.doors.drop(d)
	v.w.WriteHeader(http.StatusNoContent)
}
