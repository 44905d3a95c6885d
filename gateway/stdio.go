package gateway

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
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
	// Views, if set, are the parts of the upstream, and View the one that the door
	// offers.
	Views *policy.Views
	View  string
	// Command, Dir and Env start the server. Server, if set, is one that runs
	// already.
	Command []string
	Dir     string
	Env     []string
	Server  Server
	// Remote, if set, is a server over HTTP; then Command and Server are not.
	Remote *Remote
	// Principal and Session are who speaks through In.
	Principal ostiary.Principal
	Session   string
	// CatalogFile keeps the last list of the upstream's tools; "" keeps none.
	CatalogFile string
	// Journal is told of every new list of tools, which is then kept in the
	// directory history beside CatalogFile; nil keeps none.
	Journal ostiary.Journal

	// Pins, if set, hold the server to what it was when it was accepted; the line has
	// them as a gate.
	Pins *Pinning

	compiled *compiled // what doors of one endpoint share; nil where there is one door
	// Mask takes what must not reach a client out of a message of the server, before
	// anything else looks at it; nil takes nothing out.
	Mask func(message []byte) []byte
	// Trace returns the traceparent that the server gets with a call, "" for none,
	// and whether its trace begins here; nil traces nothing.
	Trace func(*ostiary.Call) (traceparent string, begun bool)
	// Limits bound one message of either side; MaxBytes must be set.
	Limits wire.Limits
	// CatalogWait is how long calls wait for the upstream's catalog.
	CatalogWait time.Duration
	// StderrBytes is how much of the server's standard error is shown, and how
	// much of its end is kept for the report of a crash.
	StderrBytes int
	// Clean takes secrets out of what of it is shown; nil takes nothing out.
	Clean *Cleaner
	// Grace is how long calls in flight may take when the client has gone.
	Grace time.Duration
	// In and Out are the client; Stderr is for the operator.
	In     io.Reader
	Out    io.Writer
	Stderr io.Writer
	Log    *slog.Logger
	Now    func() time.Time
	// Rand makes ids.
	Rand io.Reader

	// self is what Server is, where it runs already.
	self []byte
	// tasks are those of everybody who shares the server; nil over stdio.
	tasks *tasks
}

var (
	// errUpstreamGone is the refusal of what cannot be handed to the server.
	errUpstreamGone = &ostiary.Error{Code: ostiary.CodeGatewayUpstream,
		Message: "the server does not take messages any more: restart it, or ask the operator why it does not stay up"}

	errWithdrawn = &ostiary.Error{Code: ostiary.CodeGatewayCancelled, Message: "the sender withdrew the request"}

	errOwnID = &ostiary.Error{Code: ostiary.CodeWireID,
		Message: "this id belongs to the door's own requests: give your requests other ids"}

	errShutdown = &ostiary.Error{Code: ostiary.CodeGatewayShutdown,
		Message: "the door is closing: reconnect and look whether the call took effect before you repeat it"}
)

// door is one client and one upstream.
type door struct {
	o      Options
	ids    *identifier
	server Server
	stderr *stderrTail

	toServer   serverEnd
	toClient   clientEnd
	down       *inflight // the client's requests and our own, answered by the server
	up         *inflight // the server's requests, answered by the client
	mine       *inflight // our own questions, answered by the client
	people     meter     // of the server's questions to the client's person
	catalog    *catalog
	made       *tasks // of everybody who shares the server, or of the one client
	self       *self
	shake      handshake
	notes      pace        // of the server's progress and log notifications
	asksByForm atomic.Bool // the client declared it in its handshake

	local  *local                  // the end of a server over stdio for clients over HTTP
	remote *remote                 // the end of a server over HTTP; nil over stdio
	life   context.Context         // of a session over HTTP, grace included; nil over stdio
	die    context.CancelCauseFunc // ends life
	hands  atomic.Bool             // the handshake was answered
	shared bool                    // by the clients of a principal, which know nothing of each other
	news   news
	many   bool // its endpoint is for many, so lists are those of who asks
	// read takes the client's messages until it leaves; nil where they come by requests.
	read func(context.Context) error

	broken chan error // why the door cannot go on; cap 1
	falls  func()     // ends the door where nobody waits for broken; nil where serve does

	under *visits // messages under way
	work  *workers
	odd   *oddities
	heard *heard
	// garbled are messages of the client that are none.
	garbled *garbled
}

// Run starts the server, relays until the client leaves, ctx ends or the server
// ends, and leaves no process of its group behind. It returns nil when the
// client left or ctx ended, and an *ostiary.Error with CodeGatewayUpstream when
// the server could not be started or ended by itself. A read of In may outlive
// Run if In cannot be interrupted.
func Run(ctx context.Context, o Options) error {
	d, err := open(o)
	if err != nil {
		return err
	}
	return d.serve(ctx)
}

func open(o Options) (*door, error) {
	d, err := newDoor(o)
	if err != nil {
		return nil, err
	}
	d.stderr = newStderrTail(o.Stderr, o.Upstream, o.StderrBytes).clean(o.Clean)
	if d.server = o.Server; d.server == nil {
		c, err := startChild(childOptions{Command: o.Command, Dir: o.Dir, Env: o.Env, Stderr: d.stderr})
		if err != nil {
			d.stderr.finish(false)
			return nil, err
		}
		d.server = c
	}
	d.starts(&d.o)
	d.toServer = toServerPipe{newSharedOutbox(d.server.In(), d.under.many), d.unheard}
	d.toClient = toClientPipe{newSharedOutbox(o.Out, d.under.many)}
	d.read = d.readClient
	return d, nil
}

// newDoor makes a door that has no ends yet.
func newDoor(o Options) (*door, error) {
	if o.Limits.MaxBytes <= 0 {
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "the door needs a bound for one message: set limits.message"}
	}
	ids, err := newIdentifier(o.Now, o.Rand)
	if err != nil {
		return nil, err
	}
	d := &door{o: o, ids: ids, down: newInflight(), up: newInflight(), mine: newInflight(), under: newVisits(), work: newWorkers(),
		broken: make(chan error, 1)}
	d.up.people = &d.people
	d.odd, d.heard, d.garbled = newOddities(d), newHeard(d), newGarbled(d)
	d.shake.breaks = d.breaks
	d.catalog, d.self = newCatalog(d), newSelf()
	if d.made = o.tasks; d.made == nil {
		d.made = newTasks()
	}
	return d, nil
}
