package gateway

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// ear is the GET stream of a legacy session, by which the door says what belongs
// to no request. Requests whose stream ended before their answer come back to it
// too, one after the other, because a session has one such stream.
type ear struct {
	mu    sync.Mutex
	retry time.Duration // that the door asked for
	back  []comeback
	stop  context.CancelFunc // of the stream without a request
	on    bool
	wake  chan struct{} // cap 1: somebody wants to come back
}

// comeback is a request whose stream can be taken up behind an event.
type comeback struct {
	e      *errand
	lastID string
	tries  int
}

const (
	firstRetry    = time.Second
	longestRetry  = 30 * time.Second
	mostComebacks = 100
)

// pace notes how soon the door wants to be asked again.
func (r *ear) pace(ms string) {
	n, err := strconv.ParseUint(ms, 10, 31)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retry = min(time.Duration(n)*time.Millisecond, longestRetry)
}

func (r *ear) wait(otherwise time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.retry > 0 {
		return r.retry
	}
	return otherwise
}

// comeBack leaves the rest of a stream to the ear, and keeps the request open; it
// returns false where there is no ear.
func (c *connection) comeBack(e *errand, lastID string) bool {
	r := &c.ear
	r.mu.Lock()
	if !r.on {
		r.mu.Unlock()
		return false
	}
	r.back = append(r.back, comeback{e: e, lastID: lastID})
	if r.stop != nil {
		r.stop()
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return true
}

// next takes one of those who come back, or notes how the stream without a
// request is ended when somebody does.
func (r *ear) next(stop context.CancelFunc) (comeback, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop = nil
	if len(r.back) == 0 {
		r.stop = stop
		return comeback{}, false
	}
	one := r.back[0]
	r.back = r.back[1:]
	return one, true
}

// listen keeps the stream of a session open until the session or the connection
// ends, or the door has none.
func (c *connection) listen(session string) {
	c.ear.mu.Lock()
	c.ear.on = true
	c.ear.mu.Unlock()
	defer c.deafen()
	lastID, pause := "", firstRetry
	for c.life.Err() == nil {
		ctx, stop := context.WithCancel(c.life)
		one, back := c.ear.next(stop)
		if back {
			c.pause(c.ear.wait(firstRetry), false)
			c.resume(ctx, session, one)
			stop()
			continue
		}
		began := time.Now()
		id, status, err := c.hear(ctx, session, lastID, nil)
		ended := ctx.Err() != nil
		stop()
		if id != "" {
			lastID = id
		}
		switch {
		case ended:
			continue
		case status == http.StatusNotFound:
			c.lose(session)
			return
		case status == http.StatusConflict, status == 0, status == http.StatusOK, status >= 500:
		default:
			return // the door has no such stream, or not for us
		}
		if status == 0 {
			c.say(noCall(c.explain(err)))
		}
		if pause = min(2*pause, longestRetry); time.Since(began) > longestRetry {
			pause = firstRetry
		}
		c.pause(c.ear.wait(pause), true)
	}
}

// pause waits; who comes back may cut it short.
func (c *connection) pause(d time.Duration, short bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	wake := c.ear.wake
	if !short {
		wake = nil
	}
	select {
	case <-t.C:
	case <-wake:
	case <-c.life.Done():
	}
}

// resume takes up the stream of a request behind its last event.
func (c *connection) resume(ctx context.Context, session string, one comeback) {
	if !c.isOpen(one.e.m.Key) {
		return // answered or withdrawn meanwhile
	}
	id, status, err := c.hear(ctx, session, one.lastID, one.e)
	switch one.tries++; {
	case err == nil && status == http.StatusOK: // it is answered
	case status == http.StatusNotFound:
		c.lose(session)
	case (errors.Is(err, io.EOF) || status == http.StatusConflict) && one.tries < mostComebacks:
		if id != "" {
			one.lastID = id
		}
		c.ear.mu.Lock()
		c.ear.back = append(c.ear.back, one)
		c.ear.mu.Unlock()
	default:
		c.fail(one.e, c.cutOff(err))
	}
}

// hear opens the stream and passes on what comes, until e is answered or the
// stream ends.
func (c *connection) hear(ctx context.Context, session, lastID string, e *errand) (id string, status int, err error) {
	req, err := c.prepare(ctx, http.MethodGet)
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Accept", "text/event-stream")
	if c.inSession(req.Header) != session {
		return "", http.StatusGone, nil // another handshake has begun
	}
	if lastID != "" {
		req.Header.Set(headerLastID, lastID)
	}
	resp, err := c.o.Client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode == http.StatusOK && kind != "text/event-stream" {
		return "", http.StatusUnsupportedMediaType, nil
	}
	if resp.StatusCode != http.StatusOK {
		drain(resp.Body)
		return "", resp.StatusCode, nil
	}
	id, err = c.events(resp.Body, e)
	return id, http.StatusOK, err
}

// deafen fails those who wait for an ear that is no more.
func (c *connection) deafen() {
	c.ear.mu.Lock()
	back := c.ear.back
	c.ear.back, c.ear.on, c.ear.stop = nil, false, nil
	c.ear.mu.Unlock()
	for _, one := range back {
		c.fail(one.e, c.cutOff(io.ErrUnexpectedEOF))
	}
}

// begin notes the session of a new handshake, and ends that of an earlier one.
func (c *connection) begin(session string) {
	c.mu.Lock()
	old := c.session
	c.session, c.version = session, ""
	c.mu.Unlock()
	if old != "" && old != session {
		c.leave(c.life, old)
	}
}

// lose ends everything when the door has ended the session.
func (c *connection) lose(session string) {
	c.mu.Lock()
	mine := c.session == session
	var all []*errand
	if mine {
		c.session = ""
		for _, e := range c.open {
			all = append(all, e)
		}
	}
	c.mu.Unlock()
	for _, e := range all {
		c.fail(e, errSessionLost)
	}
	if mine {
		c.end(errSessionLost)
	}
}

// leave tells the door that a session is over.
func (c *connection) leave(ctx context.Context, session string) {
	ctx, cancel := context.WithTimeout(ctx, briefly)
	defer cancel()
	req, err := c.prepare(ctx, http.MethodDelete)
	if err != nil {
		return
	}
	req.Header.Set(headerSession, session)
	if resp, err := c.o.Client.Do(req); err == nil {
		drain(resp.Body)
		_ = resp.Body.Close()
	}
}
