package gateway

import (
	"bytes"
	"context"
	"net/http"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// release hands an answer to the client: with its own bytes where no filter
// changed the body, else with the body spliced in.
func (d *door) release(ctx context.Context, on *stream, reply *wire.Message, r *ostiary.Result) {
	body := reply.Result
	if reply.Kind == wire.KindError {
		body = reply.Error
	}
	if len(r.Body) == len(body) && (len(body) == 0 || &r.Body[0] == &body[0] || bytes.Equal(r.Body, body)) {
		d.answer(ctx, on, reply.Raw)
		return
	}
	if start, end, ok := reply.Offset(body); ok {
		if out, err := wire.Splice(reply.Raw, wire.Edit{Start: start, End: end, With: r.Body}); err == nil {
			d.answer(ctx, on, out)
			return
		}
	}
	d.answer(ctx, on, wire.ErrorReply(reply.ID, wire.RPCCode(ostiary.CodeInternal), "the answer could not be passed on", nil))
}

// observe learns from what passed by.
func (d *door) observe(m, reply *wire.Message) {
	switch m.Method {
	case "initialize", "server/discover":
		if reply.Kind == wire.KindResult {
			d.catalog.offers(reply.Result)
		}
		if m.Method == "initialize" {
			d.agreed(reply)
			caps, _ := wire.Member(m.Params, "capabilities")
			d.asksByForm.Store(reply.Kind == wire.KindResult && asksByForm(caps))
		}
	}
}

// agreed notes that the handshake was answered, and by which revision.
func (d *door) agreed(reply *wire.Message) {
	if reply.Kind != wire.KindResult {
		return
	}
	d.hands.Store(true)
	if d.remote != nil {
		version, _ := wire.Member(reply.Result, "protocolVersion")
		d.remote.agreed(word(version))
	}
}

// shaken reports whether the handshake was answered.
func (d *door) shaken() bool { return d.hands.Load() }

// hear opens the server's own stream, which relay passes on until either side ends.
// relay is nil, and status says so, where the server has none.
func (d *door) hear(ctx context.Context, on *stream, lastID string) (relay func() error, status int, err error) {
	if d.remote == nil {
		return func() error { return waitListen(ctx, on) }, http.StatusOK, nil
	}
	h, status, err := d.remote.hear(ctx, on, lastID)
	if h == nil {
		return nil, status, err
	}
	return func() error { return h.relay(on) }, status, nil
}
