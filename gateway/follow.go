package gateway

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// followAgain is how long the door waits before it opens the server's stream again,
// takeUpLeast and takeUpMost the times between which a server may ask for another.
const (
	followAgain = time.Second
	takeUpLeast = 100 * time.Millisecond
	takeUpMost  = 30 * time.Second
)

// follow keeps the server's own stream of a legacy session open, for a client that
// has one connection for everything. A server that has no stream says so once.
func (r *remote) follow(ctx context.Context) {
	for ctx.Err() == nil {
		h, status, err := r.hear(ctx, nil, "")
		if h != nil {
			err = h.relay(nil)
		}
		if err == nil && status != http.StatusOK || r.gone() {
			return
		}
		if err != nil {
			r.d.unheard(err)
		}
		pause(ctx, followAgain)
	}
}

// after keeps the newest id and time of a stream's events.
func (e event) after(next event) event {
	if next.id != "" {
		e.id = next.id
	}
	if next.retry != "" {
		e.retry = next.retry
	}
	return e
}

// takeUp goes on with the stream of the request q, which the server has ended for
// now (MCP 2025-11-25, transports, resumability).
func (r *remote) takeUp(ctx context.Context, last event, q *outgoing) (event, error) {
	wait := followAgain
	if ms, err := strconv.Atoi(last.retry); err == nil {
		wait = max(min(time.Duration(ms)*time.Millisecond, takeUpMost), takeUpLeast)
	}
	pause(ctx, wait)
	if ctx.Err() != nil {
		return last, ctx.Err()
	}
	resp, err := r.do(ctx, exchange{method: http.MethodGet, fill: func(h http.Header) {
		h.Set("Accept", "text/event-stream")
		h.Set(headerLastID, last.id)
	}})
	if err != nil {
		return last, err
	}
	defer resp.Body.Close()
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		return last, r.unexpected(resp)
	}
	return r.stream(ctx, resp.Body, q, nil)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
