package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// Options are what a door over stdio is made of. All fields without a stated
// default are required.
type Options struct {
	// Line judges, records and runs every message.
	Line *ostiary.Line
	// Policy is compiled against the upstream's catalog.
	Policy *policy.Policy
	// Upstream is the name in rules and records.
	Upstream string
	// Command, Dir and Env start the server. Server, if set, is one that runs
	// already.
	Command []string
	Dir     string
	Env     []string
	Server  Server
	// Principal and Session are who speaks through In.
	Principal ostiary.Principal
	Session   string
	// CatalogFile keeps the last list of the upstream's tools; "" keeps none.
	CatalogFile string
	// Limits bound one message of either side; MaxBytes must be set.
	Limits wire.Limits
	// CatalogWait is how long calls wait for the upstream's catalog.
	CatalogWait time.Duration
	// StderrBytes is how much of the server's standard error is kept and shown.
	StderrBytes int
	// Grace is how long calls in flight may end when the client has gone.
	Grace time.Duration
	// In and Out are the client; Stderr is for the operator.
	In     io.Reader
	Out    io.Writer
	Stderr io.Writer
	Log    *slog.Logger
	Now    func() time.Time
	// Rand makes ids.
	Rand io.Reader
}

// errUpstreamGone is the refusal of calls that come when the server has ended.
var errUpstreamGone = &ostiary.Error{Code: ostiary.CodeGatewayUpstream,
	Message: "the server has ended: restart it, or ask the operator why it does not stay up"}

var errWithdrawn = &ostiary.Error{Code: ostiary.CodeGatewayCancelled,
	Message: "the client withdrew the call; whether it took effect is unknown"}

var errShutdown = &ostiary.Error{Code: ostiary.CodeGatewayShutdown,
	Message: "the door is closing: reconnect and look whether the call took effect before you repeat it"}

// door is one client and one upstream.
type door struct {
	o      Options
	ids    *identifier
	server Server

	toServer, toClient *outbox
	down               *inflight // the client's requests and our own, answered by the server
	up                 *inflight // the server's requests, answered by the client
	catalog            *catalog

	under *visits // messages under way
	odd   oddities
}

// Run starts the server, relays until the client leaves or the server ends, and
// leaves no process of its group behind. It returns nil when the client left,
// and an *ostiary.Error with CodeGatewayUpstream when the server could not be
// started or ended by itself.
func Run(ctx context.Context, o Options) error {
	d, err := open(o)
	if err != nil {
		return err
	}
	return d.serve(ctx)
}

func open(o Options) (*door, error) {
	if o.Limits.MaxBytes <= 0 {
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "the door needs a bound for one message: set limits.message"}
	}
	ids, err := newIdentifier(o.Now, o.Rand)
	if err != nil {
		return nil, err
	}
	d := &door{o: o, ids: ids, down: newInflight(), up: newInflight(), under: newVisits()}
	d.odd = oddities{door: d}
	d.catalog = newCatalog(d)
	stderr := newStderrTail(o.Stderr, o.StderrBytes)
	if d.server = o.Server; d.server == nil {
		c, err := startChild(childOptions{Command: o.Command, Dir: o.Dir, Env: o.Env, Stderr: stderr})
		if err != nil {
			return nil, err
		}
		d.server = c
	}
	d.toServer = newOutbox(d.server.In())
	d.toClient = newOutbox(o.Out)
	return d, nil
}

// serve runs both directions and cleans up in the order in which nothing that
// was promised is lost: calls end and are recorded, then the server goes.
func (d *door) serve(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(errShutdown)
	clientGone, serverGone := make(chan error, 1), make(chan error, 1)
	go func() { clientGone <- d.readClient(ctx) }()
	go func() { serverGone <- d.readServer(ctx) }()

	var err error
	select {
	case err = <-clientGone:
		d.drain(d.o.Grace)
	case <-serverGone:
		<-d.server.Exited()
		err = &ostiary.Error{Code: ostiary.CodeGatewayUpstream,
			Message: "the server ended by itself: " + d.server.Ending()}
		d.down.close(err)
	case <-ctx.Done():
		d.drain(d.o.Grace)
	}
	end(errShutdown)
	d.down.close(errShutdown)
	d.up.close(errShutdown)
	<-d.under.close()
	d.odd.flush()
	d.toServer.close()
	d.server.Stop(stopPatience)
	d.toClient.close()
	select {
	case <-d.toClient.done:
	case <-time.After(stopPatience): // the client does not read; it has gone
	}
	return err
}

// stopPatience is how long a server may take to end after its standard input was
// closed, and again after SIGTERM.
const stopPatience = 2 * time.Second

// drain waits until the messages under way have ended, at most for the grace.
func (d *door) drain(grace time.Duration) {
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-d.under.close():
	case <-t.C:
	}
}

// readClient takes the client's messages until it leaves.
func (d *door) readClient(ctx context.Context) error {
	lines := newLineReader(d.o.In, d.o.Limits.MaxBytes)
	for {
		line, tooLong, err := lines.next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("reading from the client: %w", err)
		}
		if len(line) == 0 && !tooLong {
			continue
		}
		d.fromClient(ctx, line, tooLong)
	}
}

// readServer takes the server's messages until its output ends.
func (d *door) readServer(ctx context.Context) error {
	lines := newLineReader(d.server.Out(), d.o.Limits.MaxBytes)
	for {
		line, tooLong, err := lines.next()
		if err != nil {
			return err
		}
		if len(line) == 0 && !tooLong {
			continue
		}
		d.fromServer(ctx, line, tooLong)
	}
}

func (d *door) parse(line []byte, tooLong bool) (*wire.Message, error) {
	if tooLong {
		return nil, &ostiary.Error{Code: ostiary.CodeWireSize,
			Message: fmt.Sprintf("the message is longer than %d bytes: send less, or ask the operator to raise limits.message", d.o.Limits.MaxBytes)}
	}
	return wire.Parse(line, d.o.Limits)
}

// reply sends a message to the client. Nobody is left to tell if that fails: the
// reader of the client ends the door.
func (d *door) reply(ctx context.Context, parts ...[]byte) {
	if err := d.toClient.send(ctx, parts...); err != nil {
		d.o.Log.Debug("the client does not take a reply", "error", err)
	}
}
