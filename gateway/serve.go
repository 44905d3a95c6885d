package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

const (
	// stopPatience is how long a server may take to end after its standard input
	// was closed, and again after SIGTERM.
	stopPatience = 2 * time.Second
	// judgePatience is how long what is under way may take to end after it was
	// told to. A gate that hears nothing must not keep the door open.
	judgePatience = 2 * time.Second
	// flushPatience is how long the last messages may take to be written.
	flushPatience = time.Second
)

// serve runs both directions until the client leaves, the server ends or asked
// does, and cleans up.
func (d *door) serve(asked context.Context) error {
	// Calls in flight may end within the grace when we are asked to end.
	ctx, end := context.WithCancelCause(context.WithoutCancel(asked))
	if d.life != nil {
		ctx, end = d.life, d.die
	}
	defer end(errShutdown)
	clientGone, serverGone := make(chan error, 1), make(chan struct{})
	if d.read != nil {
		go func() {
			defer d.breaks()
			clientGone <- d.read(ctx)
		}()
	}
	if d.server != nil {
		go func() {
			defer close(serverGone)
			defer d.breaks()
			d.readServer(ctx)
		}()
	}
	d.catalog.begin(ctx)
	d.hears(ctx)

	var err error
	select {
	case err = <-clientGone:
	case <-serverGone:
		if err = d.failure(); err == nil {
			err = d.serverEnded()
		}
	case err = <-d.broken:
		d.broken <- err // nothing later takes its place
		if errors.Is(err, errShutdown) {
			err = nil
		}
	case <-asked.Done():
	}
	d.shut(end, serverGone, errors.Is(err, ostiary.CodeGatewayUpstream))
	return err
}

// shut cleans up in the order in which nothing that was promised is lost: calls
// end and are recorded, then the server goes.
func (d *door) shut(end context.CancelCauseFunc, serverGone <-chan struct{}, byItself bool) {
	if err := d.failure(); errors.Is(err, ostiary.CodePanic) {
		end(err) // nobody can tell what would still come to its end
		d.down.close(err)
	}
	d.drain(serverGone)
	end(errShutdown)
	d.down.close(errShutdown)
	d.up.close(errShutdown)
	d.await(d.under.close(), "a message is still being judged; its outcome will not be recorded")
	d.work.close()
	d.await(d.catalog.ended(), "the list of tools is still being read")
	d.odd.flush()
	d.heard.q.flush()
	d.garbled.q.flush()
	d.toServer.finish(flushPatience)
	if d.server != nil {
		d.server.Stop(stopPatience)
		d.await(serverGone, "a message of the server is still being judged; its outcome will not be recorded")
		d.stderr.finish(byItself)
	}
	d.toClient.finish(stopPatience) // a client that does not read has gone
}

// failure is why the door cannot go on, nil if it can.
func (d *door) failure() error {
	select {
	case err := <-d.broken:
		d.broken <- err
		return err
	default:
		return nil
	}
}

// await waits for what should end now, but not for ever: nothing can stop a gate
// that ignores its context, and the server must go all the same.
func (d *door) await(end <-chan struct{}, otherwise string) {
	t := time.NewTimer(judgePatience)
	defer t.Stop()
	select {
	case <-end:
	case <-t.C:
		d.o.Log.Warn("the door closes although " + otherwise)
	}
}

// drain waits until the messages under way have ended, at most for the grace.
// Those that wait for the server end at once when it ends.
func (d *door) drain(serverGone <-chan struct{}) {
	idle := d.under.close()
	for key, p := range d.down.lasting() { // nobody waits for what has no end
		d.down.withdraw(key, wire.Cancelled(p.id, errShutdown.Message), errShutdown)
	}
	t := time.NewTimer(d.o.Grace)
	defer t.Stop()
	for {
		select {
		case <-idle:
			return
		case <-t.C:
			return
		case <-serverGone:
			d.down.close(errUpstreamGone)
			serverGone = nil
		}
	}
}

// serverEnded says how the server ended to everybody who waits for it.
func (d *door) serverEnded() error {
	how := "the server closed its standard output without ending, so it was stopped"
	t := time.NewTimer(stopPatience)
	defer t.Stop()
	select {
	case <-d.server.Exited():
		how = "the server ended by itself: " + d.server.Ending()
	case <-t.C:
	}
	err := &ostiary.Error{Code: ostiary.CodeGatewayUpstream,
		Message: how + "; whether open calls took effect is unknown: look before you repeat one, and restart the server"}
	d.down.close(err)
	return err
}

// readClient takes the client's messages until it leaves.
func (d *door) readClient(ctx context.Context) error {
	in := d.o.In
	if again := polled(in); again != nil {
		defer again.Close()
		in = again
	}
	lines := newLineReader(untold(in), d.o.Limits.MaxBytes)
	for {
		l, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return &ostiary.Error{Code: ostiary.CodeGatewayShutdown, Err: err,
				Message: "the client's messages cannot be read any more, so the door closes: reconnect"}
		case !l.empty():
			d.fromClient(ctx, l)
		}
	}
}

// serverOut is what the server writes. A server can hold the lock of its pipe, and who
// reads untold holds up the whole process meanwhile: that of its one client, and never that
// of many people.
func (d *door) serverOut() io.Reader {
	if d.many {
		return d.server.Out()
	}
	return untold(d.server.Out())
}

// readServer takes the server's messages until its output ends.
func (d *door) readServer(ctx context.Context) {
	lines := newLineReader(d.serverOut(), d.o.Limits.MaxBytes)
	for {
		l, err := lines.next()
		switch {
		case err != nil:
			return
		case !l.empty() && d.local != nil:
			d.fromLocal(ctx, l, d.local)
		case !l.empty():
			d.fromServer(ctx, l)
		}
	}
}

func refuseLong(most int) error {
	return &ostiary.Error{Code: ostiary.CodeWireSize,
		Message: fmt.Sprintf("the message is longer than %d bytes: send less, or ask the operator to raise limits.message", most)}
}

func (d *door) parse(l line) (*wire.Message, error) {
	if l.tooLong {
		return nil, refuseLong(d.o.Limits.MaxBytes)
	}
	m, err := wire.Parse(l.raw, d.o.Limits)
	l.on.keyed(m)
	return m, err
}

// misnamed refuses a request that is a notification by its name and the other
// way round: the other side could act on it as what its name says, and the door
// judges and answers by what it is.
func misnamed(m *wire.Message, from wire.Direction) error {
	info := wire.Describe(m.Method, from)
	switch {
	case !info.Known || info.Notification == (m.Kind == wire.KindNotification):
		return nil
	case info.Notification:
		return &ostiary.Error{Code: ostiary.CodeWireEnvelope, Message: "a notification has no id: send it without one"}
	default:
		return &ostiary.Error{Code: ostiary.CodeWireEnvelope, Message: "this method is a request: send it with an id"}
	}
}

// reply sends a message to the client, waiting while it does not read. Nobody is
// left to tell if that fails: the reader of the client ends the door.
func (d *door) reply(ctx context.Context, on *stream, message []byte) {
	if err := d.toClient.send(ctx, on, message); err != nil {
		d.o.Log.Debug("the client does not take a message", "error", err)
	}
}

// answer is reply for the last message of a stream.
func (d *door) answer(ctx context.Context, on *stream, message []byte) {
	if err := d.toClient.answer(ctx, on, message); err != nil {
		d.o.Log.Debug("the client does not take an answer", "error", err)
	}
}

// answerNow is answer for who must not wait.
func (d *door) answerNow(on *stream, message []byte) {
	if err := d.toClient.answerNow(on, message); err != nil {
		d.o.Log.Debug("the client does not take an answer", "error", err)
	}
}

// replyNow is reply for who reads the client and must not wait for it.
func (d *door) replyNow(on *stream, message []byte) {
	if err := d.toClient.sendNow(on, message); err != nil {
		d.o.Log.Debug("the client does not take a message", "error", err)
	}
}

// answerServer sends what must not wait for a server that does not read.
func (d *door) answerServer(message []byte) {
	if err := d.toServer.sendNow(message); err != nil {
		d.unheard(err)
	}
}

// unheard says that the server did not take a message that nobody waits for.
func (d *door) unheard(err error) {
	d.o.Log.Debug("the server does not take a message", "error", err)
}
