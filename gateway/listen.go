package gateway

import (
	"context"
	"net/http"
	"slices"
)

// get is the stream of a session for what the server says by itself, or one that
// takes up another that broke off.
func (v *visit) get() {
	v.lasts()
	l := &listener{v: v, s: newStream(v.w, v.r, v.who, v.address, v.e.o.WriteWait)}
	stays := false
	defer func() {
		if !stays {
			l.leave()
		}
	}()
	if !l.enter() || !l.hear() {
		return
	}
	if stays = l.own(); stays {
		go l.stay()
		return
	}
	l.run()
}

// listener is one who listens to the stream of a session.
type listener struct {
	v      *visit
	s      *stream
	door   *door
	ctx    context.Context
	cancel context.CancelFunc
	gone   func() bool // stops the watch over the request
	ends   []func()    // the last one first
	relay  func() error
}

func (l *listener) atEnd(f func()) { l.ends = append(l.ends, f) }

// leave gives back what the listener has; nobody writes to it any more.
func (l *listener) leave() {
	for _, f := range slices.Backward(l.ends) {
		f()
	}
	l.s.leave()
}

// enter takes what a stream needs, or answers why it cannot be.
func (l *listener) enter() bool {
	v, s := l.v, l.s
	d, release := v.ofSession(s, "a stream needs a session; revisions without sessions have no GET stream")
	if d == nil {
		return false
	}
	l.door = d.door
	l.atEnd(release)
	if !accepts(v.r.Header, "text/event-stream") {
		v.turn(http.StatusNotAcceptable, "the stream is text/event-stream: accept it")
		return false
	}
	of := v.r.Context()
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(of))
	l.atEnd(l.cancel)
	l.gone = context.AfterFunc(of, l.cancel)
	l.atEnd(func() { l.gone() })
	v.r = v.r.WithContext(l.ctx) // the credential is asked about as long as the stream lasts
	free, err := v.lasting(func(error) { l.cancel() })
	if err != nil {
		v.unavailable(s, nil, err)
		return false
	}
	l.atEnd(free)
	client := l.door.toClient.(*httpClient)
	if !client.attach(s, v.r.Header.Get(headerLastID) != "" && l.door.remote != nil) {
		v.turn(http.StatusConflict, "the session has a stream already: close that one first")
		return false
	}
	l.atEnd(func() { client.detach(s) })
	stop := context.AfterFunc(l.door.life, l.cancel)
	l.atEnd(func() { stop() })
	over := context.AfterFunc(l.ctx, s.leave)
	l.atEnd(func() { over() })
	return true
}

// hear opens the server's stream, or answers that there is none.
func (l *listener) hear() bool {
	relay, status, err := l.door.hear(l.ctx, l.s, l.v.r.Header.Get(headerLastID))
	if l.relay = relay; relay != nil {
		return true
	}
	l.s.owed.Wait() // answers that came by it are on their way out
	switch {
	case err != nil && l.ctx.Err() == nil:
		l.v.e.o.Log.Debug("the server's stream did not begin", "error", err)
		l.s.nothing(http.StatusBadGateway)
	case status != 0 && err == nil:
		l.s.nothing(status)
	}
	return false
}

// run passes on what the server says until either side ends.
func (l *listener) run() {
	err := l.relay()
	l.s.owed.Wait() // answers that came by it are on their way out
	if err != nil && l.ctx.Err() == nil {
		l.v.e.o.Log.Debug("the server's stream ended", "error", err)
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
