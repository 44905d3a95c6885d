package gateway

import (
	"bytes"
	"context"

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

// listen passes on the server's own stream.
func (d *door) listen(ctx context.Context, on *stream, lastID string) (status int, err error) {
	if d.remote == nil {
		return waitListen(ctx, on)
	}
	return d.remote.listen(ctx, on, lastID)
}
