package gateway

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/wire"
)

// clientEnd takes what goes to the client. on is the stream that a message
// belongs to, as the answer to its request or while that runs; nil where there
// is none, and always over stdio.
type clientEnd interface {
	// send waits while the client does not read and ctx lives.
	send(ctx context.Context, on *stream, message []byte) error
	// sendNow is send for those who must not wait: who reads the client, who ends.
	sendNow(on *stream, message []byte) error
	// answer sends the last message of a stream.
	answer(ctx context.Context, on *stream, message []byte) error
	// answerNow is to answer what sendNow is to send.
	answerNow(on *stream, message []byte) error
	// finish takes nothing more and waits until what was sent is written.
	finish(patience time.Duration)
}

// serverEnd takes what goes to the server.
type serverEnd interface {
	// request hands over a request; its answer comes to the door under q's key.
	request(ctx context.Context, q outgoing) error
	// send and sendNow hand over what has no answer, as in clientEnd.
	send(ctx context.Context, on *stream, m *wire.Message) error
	sendNow(message []byte) error
	// withdraw says that nobody waits for the answer to a request any more, with
	// these words where the transport needs any.
	withdraw(key string, message []byte)
	finish(patience time.Duration)
}

// outgoing is a request on its way to the server.
type outgoing struct {
	key string // among the open requests of the door
	m   *wire.Message
	on  *stream // of the client's request that it belongs to; nil for the door's own
	// parameters are what the header repeats of the arguments.
	parameters []parameter
	// share is what the request has of its principal's account; nil where nothing
	// is counted.
	share *share
}

var (
	_ clientEnd = toClientPipe{}
	_ serverEnd = toServerPipe{}
)

// toClientPipe and toServerPipe are the ends over stdio: one outbox for
// everything.
type toClientPipe struct{ *outbox }

func (p toClientPipe) send(ctx context.Context, _ *stream, message []byte) error {
	return p.outbox.send(ctx, message)
}
func (p toClientPipe) sendNow(_ *stream, message []byte) error { return p.outbox.sendNow(message) }
func (p toClientPipe) answer(ctx context.Context, _ *stream, message []byte) error {
	return p.outbox.send(ctx, message)
}

func (p toClientPipe) answerNow(_ *stream, message []byte) error { return p.outbox.sendNow(message) }

type toServerPipe struct {
	*outbox
	failed func(error) // a message that must not wait was lost
}

func (p toServerPipe) request(ctx context.Context, q outgoing) error {
	return p.outbox.send(ctx, q.m.Raw)
}
func (p toServerPipe) send(ctx context.Context, _ *stream, m *wire.Message) error {
	return p.outbox.send(ctx, m.Raw)
}
func (p toServerPipe) withdraw(_ string, message []byte) {
	if err := p.outbox.sendNow(message); err != nil {
		p.failed(err)
	}
}
