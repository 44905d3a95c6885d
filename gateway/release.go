package gateway

import (
	"bytes"
	"context"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// release hands an answer to the client: with its own bytes where no filter
// changed the body, else with the body spliced in.
func (d *door) release(ctx context.Context, reply *wire.Message, r *ostiary.Result) {
	body := reply.Result
	if reply.Kind == wire.KindError {
		body = reply.Error
	}
	if len(r.Body) == len(body) && (len(body) == 0 || &r.Body[0] == &body[0] || bytes.Equal(r.Body, body)) {
		d.reply(ctx, reply.Raw)
		return
	}
	if start, end, ok := reply.Offset(body); ok {
		if out, err := wire.Splice(reply.Raw, wire.Edit{Start: start, End: end, With: r.Body}); err == nil {
			d.reply(ctx, out)
			return
		}
	}
	d.reply(ctx, wire.ErrorReply(reply.ID, wire.RPCCode(ostiary.CodeInternal), "the answer could not be passed on", nil))
}

// observe learns from what passed by.
func (d *door) observe(m, reply *wire.Message) {
	switch m.Method {
	case "initialize", "server/discover":
		if reply.Kind == wire.KindResult {
			d.catalog.offers(reply.Result)
		}
		if m.Method == "initialize" {
			caps, _ := wire.Member(m.Params, "capabilities")
			d.asksByForm.Store(reply.Kind == wire.KindResult && asksByForm(caps))
		}
	}
}
