package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/ostiary/ostiary"
)

// unexpected explains an answer that is none of the protocol.
func (r *remote) unexpected(resp *http.Response) error {
	what := fmt.Sprintf("the server answered with the HTTP status %d", resp.StatusCode)
	next := "; whether the call took effect is unknown: look before you repeat it, and tell the operator about the server"
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		next = ": the operator's credential for it does not count there, so ask the operator to renew it"
	case resp.StatusCode < 300:
		what = "the server answered with something that is neither JSON nor an event stream"
	case resp.StatusCode < 400:
		next = ", a redirect, which is not followed: ask the operator to correct the URL of the server"
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Message: what + next}
}

// take hands what the server says about a request to the door. It returns why
// there is no answer.
func (r *remote) take(ctx context.Context, resp *http.Response, q outgoing) error {
	if q.m.Method == "initialize" {
		r.begin(resp)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case notTheClients(resp.StatusCode):
		r.told(resp.StatusCode)
		return r.unexpected(resp)
	case kind == "application/json":
		q.on.as(resp.StatusCode)
		share := q.share
		r.room(ctx, share, min(resp.ContentLength, int64(r.d.o.Limits.MaxBytes)))
		raw, err := whole(resp.Body, resp.ContentLength, r.d.o.Limits.MaxBytes)
		if err != nil {
			return r.cutOff(err)
		}
		share.came(len(raw))
		l := line{raw: raw, on: q.on}
		if len(raw) > r.d.o.Limits.MaxBytes {
			l = line{raw: raw[:min(len(raw), keptBytes)], tail: lastBytes(raw), tooLong: true, on: q.on}
		}
		if !r.d.fromRemote(r.ctx, l, &q) {
			return &ostiary.Error{Code: ostiary.CodeGatewayUpstream,
				Message: "the server answered something else than this request; whether the call took effect is unknown: look before you repeat it, and tell the operator about the server"}
		}
		return nil
	case kind == "text/event-stream" && resp.StatusCode == http.StatusOK:
		q.on.byEvents()
		return r.events(ctx, resp.Body, &q, q.on)
	}
	return r.unexpected(resp)
}

// notTheClients reports whether a status speaks of what lies between the door and
// the server: the client can neither sign in there nor follow.
func notTheClients(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusUpgradeRequired, http.StatusMisdirectedRequest:
		return true
	}
	return status < 200 || status >= 300 && status < 400
}

// toldEvery is how often at most the operator's log says that the door's credential
// does not count.
const toldEvery = time.Minute

// told says in the operator's log that the server does not let the door in: the client
// cannot help it.
func (r *remote) told(status int) {
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return
	}
	now := r.d.o.Now()
	r.mu.Lock()
	again := now.Sub(r.lastTold) < toldEvery && !r.lastTold.IsZero()
	if !again {
		r.lastTold = now
	}
	r.mu.Unlock()
	switch {
	case again:
	case r.o.Header == nil:
		r.d.o.Log.Error("the server wants a credential and the door has none for it: set upstreams."+r.d.o.Upstream+".credential", "upstream", r.d.o.Upstream, "status", status)
	default:
		r.d.o.Log.Error("the server does not accept the door's own credential: renew what upstreams."+r.d.o.Upstream+".credential names", "upstream", r.d.o.Upstream, "status", status)
	}
}

// errCutOff says that an answer ended before its end.
var errCutOff = errors.New("cut off")

func (r *remote) cutOff(err error) error {
	if e := (*ostiary.Error)(nil); errors.As(err, &e) && e.Code == ostiary.CodePinUpstream {
		return e // the door has left the server
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayUpstream, Err: errors.Join(errCutOff, err),
		Message: "the server's answer was cut off; whether the call took effect is unknown: look before you repeat it"}
}

// events hands the messages of an event stream to the door until the request q
// is answered or, if it is nil, until the stream ends. A stream that ends with an
// id or a time to come back may be taken up again by the client, so its request stays open.
func (r *remote) events(ctx context.Context, body io.Reader, q *outgoing, on *stream) error {
	last, err := r.stream(ctx, body, q, on)
	for errors.Is(err, errTakeUp) {
		last, err = r.takeUp(ctx, last, q)
	}
	return err
}

// errTakeUp says that the client cannot come back for what is missing, so the door
// must.
var errTakeUp = errors.New("the server goes on with this stream by another")

// stream is events for one stream of those that may follow each other; last is what
// is known of where to take it up.
func (r *remote) stream(ctx context.Context, body io.Reader, q *outgoing, on *stream) (last event, err error) {
	events, resumable := newEventReader(body, r.d.o.Limits.MaxBytes), false
	var share *share // the stream of a session passes on what comes and keeps nothing
	if q != nil {
		share = q.share
	}
	for {
		r.room(ctx, share, -1)
		e, err := events.next()
		switch {
		case errors.Is(err, io.EOF) && q != nil && resumable && on == nil:
			return last, errTakeUp
		case errors.Is(err, io.EOF) && (q == nil || resumable):
			if on != nil && q != nil {
				on.leave()
			}
			return last, nil
		case err != nil:
			return last, r.cutOff(err)
		}
		share.came(len(e.data))
		e = r.d.maskedEvent(e)
		last = last.after(e)
		resumable = resumable || (e.id != "" || e.retry != "") && r.legacy()
		if len(e.data) == 0 {
			if on != nil && on.mark(e) != nil && q == nil {
				return last, nil
			}
			continue
		}
		on.passes(e)
		if r.d.fromRemote(r.ctx, line{raw: e.data, on: on}, q) {
			return last, nil
		}
	}
}

// room waits until the client has taken enough of what it was sent: all of a
// connection together, and what its principal has on its way.
func (r *remote) room(ctx context.Context, s *share, bytes int64) {
	if r.d.read != nil {
		r.d.down.room(ctx)
	}
	s.answer(ctx, bytes)
}
