package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// ConnectOptions are what Connect is made of. All fields are required.
type ConnectOptions struct {
	// Endpoint returns the URL of the endpoint. It is asked until it gives one.
	Endpoint func(context.Context) (string, error)
	// Door is what messages call the other end: its URL or the path of its socket.
	Door string
	// Client reaches it. It must not follow redirects.
	Client *http.Client
	// Header returns the fields that every request carries, such as a credential.
	Header func() (http.Header, error)
	// Limits bound one message of either side; MaxBytes must be set.
	Limits wire.Limits
	// Grace is how long calls in flight may take when the client has gone.
	Grace time.Duration
	// In and Out are the client; Stderr is for the person who started it.
	In     io.Reader
	Out    io.Writer
	Stderr io.Writer
}

// Connect is the stdio end of a door over streamable HTTP, for clients that only
// start programs: it passes each line of In on as a POST, in the era of the message,
// and every message that comes back to Out as a line. It judges nothing; the door
// does. It returns nil when the client left or ctx ended, and an *ostiary.Error
// when the door has ended the session, without which a legacy client cannot go on.
// A read of In may outlive Connect.
func Connect(ctx context.Context, o ConnectOptions) error {
	if o.Limits.MaxBytes <= 0 {
		return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "connect needs a bound for one message"}
	}
	back := o.Limits
	back.AllowNewlines = true // over HTTP no line break ends a message
	c := &connection{
		o: o, back: back, out: newOutbox(o.Out), open: map[string]*errand{}, strays: map[*errand]bool{},
		slots: make(chan struct{}, openErrands), notes: make(chan struct{}, openNotes), last: closedChannel(),
	}
	c.life, c.end = context.WithCancelCause(ctx)
	defer c.end(nil)
	c.ear.wake = make(chan struct{}, 1)
	err := c.relay(ctx)
	c.finish()
	return err
}

// What may be under way at once. A door allows a principal far less.
const (
	openErrands = 256
	openNotes   = 64
)

// connection is one client over stdio and its door over HTTP.
type connection struct {
	o    ConnectOptions
	back wire.Limits // of what comes back
	out  *outbox
	said complaints
	seen seenTools
	ear  ear

	life  context.Context // of all exchanges
	end   context.CancelCauseFunc
	slots chan struct{}   // of requests
	notes chan struct{}   // of notifications and answers
	last  <-chan struct{} // closed when the last of these was sent; of the reader alone
	busy  sync.WaitGroup

	mu      sync.Mutex
	url     string
	session string // of the legacy era
	version string // that its handshake agreed on
	open    map[string]*errand
	strays  map[*errand]bool // what was no message, and is on its way to the door
}

// errand is a request of the client that has no answer yet.
type errand struct {
	m      *wire.Message
	ctx    context.Context
	cancel context.CancelFunc
	sent   chan struct{} // closed when the request has left, or never will
	done   chan struct{} // closed when nothing more is to be expected
	left   sync.Once
	// withdrawn says that the client wants no answer. Under the lock of connection.
	withdrawn bool
}

func (e *errand) isSent() { e.left.Do(func() { close(e.sent) }) }

func closedChannel() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// relay passes on what the client says until either side leaves.
func (c *connection) relay(ctx context.Context) error {
	lines := make(chan line)
	go func() {
		defer close(lines)
		for r := newLineReader(c.o.In, c.o.Limits.MaxBytes); ; {
			l, err := r.next()
			if err != nil {
				return
			}
			select {
			case lines <- l:
			case <-c.life.Done():
				return
			}
		}
	}()
	for {
		select {
		case l, ok := <-lines:
			if !ok {
				c.drainOpen(ctx)
				return nil
			}
			if !l.empty() {
				c.take(l)
			}
		case <-c.out.done: // the client reads no more
			return nil
		case <-c.life.Done():
			if e := (*ostiary.Error)(nil); ctx.Err() == nil && errors.As(context.Cause(c.life), &e) {
				return e
			}
			return nil
		}
	}
}

// take handles one line of the client. Requests go on by themselves;
// notifications and answers leave in the order in which they came, and what comes
// behind them waits for them.
func (c *connection) take(l line) {
	if l.tooLong {
		id := wire.RecoverHeadID(l.raw)
		if c.isOpen(wire.IDKey(id)) {
			id = nil
		}
		c.refuse(id, refuseLong(c.o.Limits.MaxBytes))
		return
	}
	m, err := wire.Parse(l.raw, c.o.Limits)
	switch {
	case err != nil: // the door says what is wrong with it, and keeps the evidence
		id := wire.RecoverID(l.raw)
		if c.isOpen(wire.IDKey(id)) {
			id = nil // the answer would be taken for that of the other
		}
		c.ask(&wire.Message{Kind: wire.KindRequest, Raw: l.raw, ID: id})
	case m.Kind == wire.KindRequest:
		e := c.ask(m)
		if e != nil && m.Method == "initialize" && m.Era == wire.EraLegacy {
			c.hold(e)
		}
	case m.Method == "notifications/cancelled" && c.withdraw(m):
	default:
		c.tell(m)
	}
}

// holdFor is how long the messages behind a handshake wait for its answer, which
// says to which session they belong.
const holdFor = time.Minute

func (c *connection) hold(e *errand) {
	t := time.NewTimer(holdFor)
	defer t.Stop()
	select {
	case <-e.done:
	case <-t.C:
	case <-c.life.Done():
	}
}

// ask begins a request; nil if it was refused here.
func (c *connection) ask(m *wire.Message) *errand {
	e := &errand{m: m, sent: make(chan struct{}), done: make(chan struct{})}
	select {
	case c.slots <- struct{}{}:
	default:
		c.refuse(m.ID, &ostiary.Error{Code: ostiary.CodeLimitConcurrency, Message: "too many requests are open on this connection: wait for answers before you send more"})
		return nil
	}
	e.ctx, e.cancel = context.WithCancel(c.life)
	if m.Key != "" {
		c.mu.Lock()
		double := c.open[m.Key] != nil
		if !double {
			c.open[m.Key] = e
		}
		c.mu.Unlock()
		if double { // an answer under this id would be taken for that of the other
			e.cancel()
			<-c.slots
			c.refuse(nil, &ostiary.Error{Code: ostiary.CodeWireID, Message: "a request with this id is open: give each request an id of its own"})
			return nil
		}
	}
	if m.Key == "" {
		c.mu.Lock()
		c.strays[e] = true
		c.mu.Unlock()
	}
	before := c.last
	c.busy.Go(func() {
		defer func() { <-c.slots }()
		defer c.forget(e)
		defer close(e.done)
		defer e.cancel()
		defer e.isSent()
		select {
		case <-before:
			c.carry(e)
		case <-e.ctx.Done():
			c.fail(e, errDoorEnded)
		}
	})
	return e
}

func (c *connection) forget(e *errand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.strays, e)
}

// tell sends a notification or an answer of the client.
func (c *connection) tell(m *wire.Message) {
	select {
	case c.notes <- struct{}{}:
	case <-c.life.Done():
		return
	}
	after := []<-chan struct{}{c.last}
	c.mu.Lock()
	if e := c.open[m.CancelKey]; e != nil { // it must not overtake what it cancels
		after = append(after, e.sent)
	}
	c.mu.Unlock()
	sent := make(chan struct{})
	c.last = sent
	c.busy.Go(func() {
		defer func() { <-c.notes }()
		defer close(sent)
		ctx, cancel := context.WithTimeout(c.life, tellFor)
		defer cancel()
		for _, before := range after {
			select {
			case <-before:
			case <-ctx.Done():
			}
		}
		if err := c.note(ctx, m); err != nil {
			c.say(noCall(err))
		}
	})
}

// tellFor bounds the sending of what has no answer.
const tellFor = 30 * time.Second

// withdraw ends a request of the modern era by its stream, which is how that era
// cancels over HTTP. It returns false for one that the door must be told about.
func (c *connection) withdraw(m *wire.Message) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.open[m.CancelKey]
	if e == nil {
		return c.session == "" // there is nobody to tell
	}
	e.withdrawn = true
	if e.m.Era != wire.EraModern {
		return false
	}
	delete(c.open, m.CancelKey)
	e.cancel()
	return true
}

// drainOpen lets requests under way end when the client will send no more.
func (c *connection) drainOpen(ctx context.Context) {
	grace, cancel := context.WithTimeout(ctx, c.o.Grace)
	defer cancel()
	c.mu.Lock()
	var all []*errand
	for _, e := range c.open {
		if e.m.Method != "subscriptions/listen" { // that one ends with the connection
			all = append(all, e)
		}
	}
	for e := range c.strays {
		all = append(all, e)
	}
	c.mu.Unlock()
	for _, e := range all {
		select {
		case <-e.done:
		case <-c.life.Done():
		case <-grace.Done():
			return
		}
	}
	select {
	case <-c.last:
	case <-c.life.Done():
	case <-grace.Done():
	}
}

// finish ends what is open and the session.
func (c *connection) finish() {
	c.end(errDoorEnded)
	c.busy.Wait()
	c.mu.Lock()
	session := c.session
	c.mu.Unlock()
	if session != "" {
		ctx, cancel := context.WithTimeout(context.Background(), c.o.Grace)
		defer cancel()
		c.leave(ctx, session)
	}
	c.out.finish(c.o.Grace)
}
