package gateway

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// local is the end of a server over stdio that clients reach over HTTP. A legacy
// session has a process of its own. In the modern era one process serves a
// principal, whose clients choose their ids by themselves, so their requests get
// ids and progress tokens of the door's, and what comes back gets theirs again.
type local struct {
	*outbox
	d *door

	mu   sync.Mutex
	last uint64
	open map[string]*renamed // by the canonical id that the server knows
}

// renamed is a request whose id the server knows as another.
type renamed struct {
	outgoing
	n       uint64        // the id that the server knows
	listens *subscription // nil for all but subscriptions/listen
}

var _ serverEnd = (*local)(nil)

func newLocal(d *door, s Server) *local {
	return &local{outbox: newOutbox(s.In()), d: d, open: map[string]*renamed{}}
}

// request implements serverEnd.
func (l *local) request(ctx context.Context, q outgoing) error {
	if q.on == nil || q.on.prefix == "" {
		return l.outbox.send(ctx, q.m.Raw)
	}
	l.mu.Lock()
	l.last++
	id := strconv.FormatUint(l.last, 10)
	l.open["n:"+id] = &renamed{q, l.last, subscriptionOf(q.m)}
	l.mu.Unlock()
	raw, err := renumbered(q.m, []byte(id))
	if err == nil {
		err = l.outbox.send(ctx, raw)
	}
	if err != nil {
		l.forget("n:" + id)
	}
	return err
}

// renumbered is a request with another id, which is its progress token too.
func renumbered(m *wire.Message, id []byte) ([]byte, error) {
	start, end, ok := m.Offset(m.ID)
	if !ok {
		return nil, errUpstreamGone
	}
	edits := []wire.Edit{{Start: start, End: end, With: id}}
	if start, end, ok = m.Offset(m.ProgressToken); ok {
		edits = append(edits, wire.Edit{Start: start, End: end, With: id})
	}
	return wire.Splice(m.Raw, edits...)
}

func (l *local) forget(key string) *renamed {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.open[key]
	delete(l.open, key)
	return q
}

func (l *local) asked(key string) *renamed {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[key]
}

// errNotAsked says that a notification names a subscription that did not ask for
// it, or is none of those that are open.
var errNotAsked = &ostiary.Error{Code: ostiary.CodeGatewayOrphan,
	Message: "a notification for a subscription that is not open or did not ask for it was dropped"}

// restored is a message of the server as the client knows it, and the stream that
// it belongs to. What belongs to no request that is open goes on as it is.
func (l *local) restored(m *wire.Message) (*wire.Message, *stream, error) {
	var q *renamed
	var edits []wire.Edit
	replace := func(from, to []byte) error {
		start, end, ok := m.Offset(from)
		if !ok {
			return errUpstreamGone
		}
		edits = append(edits, wire.Edit{Start: start, End: end, With: to})
		return nil
	}
	var err error
	id := subscriptionID(m)
	switch {
	case m.Kind == wire.KindResult || m.Kind == wire.KindError:
		if q = l.forget(m.Key); q == nil {
			return m, nil, nil
		}
		if err = replace(m.ID, q.m.ID); err == nil && id != nil && wire.IDKey(id) == m.Key {
			err = replace(id, q.m.ID)
		}
	case m.Method == "notifications/progress":
		if q = l.asked(m.ProgressKey); q == nil || q.m.ProgressToken == nil {
			return m, l.d.down.streamOf(m.ProgressKey), nil
		}
		err = replace(m.ProgressToken, q.m.ProgressToken)
	case m.Method == "notifications/cancelled":
		if q = l.forget(m.CancelKey); q == nil {
			return m, nil, nil
		}
		err = replace(m.CancelID, q.m.ID)
	case id != nil && l.d.shared:
		if q = l.asked(wire.IDKey(id)); q == nil || q.listens == nil || !q.listens.asked(m) {
			return nil, nil, errNotAsked
		}
		err = replace(id, q.m.ID)
	default:
		return m, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	back, err := l.spliced(m, edits)
	if err != nil {
		return nil, nil, err
	}
	if back.ProgressKey != "" {
		back.ProgressKey = q.m.ProgressKey
	}
	if back.Key != "" {
		back.Key = q.key
	}
	if back.CancelKey != "" {
		back.CancelKey = q.key
	}
	return back, q.on, nil
}

func (l *local) spliced(m *wire.Message, edits []wire.Edit) (*wire.Message, error) {
	raw, err := wire.Splice(m.Raw, edits...)
	if err != nil {
		return nil, err
	}
	return wire.Parse(raw, l.d.o.Limits)
}

// send implements serverEnd.
func (l *local) send(ctx context.Context, _ *stream, m *wire.Message) error {
	return l.outbox.send(ctx, m.Raw)
}

func (l *local) sendNow(message []byte) error { return l.outbox.sendNow(message) }

// withdraw implements serverEnd, with the id that the server knows. What the
// server itself has ended is not known any more.
func (l *local) withdraw(key string, message []byte) {
	known := !l.d.shared || l.d.ids.isOwn(key)
	l.mu.Lock()
	for id, q := range l.open {
		if q.key == key {
			message, known = wire.Cancelled([]byte(id[len("n:"):]), "nobody waits for the answer any more"), true
			delete(l.open, id) // a server does not answer what was withdrawn
			break
		}
	}
	l.mu.Unlock()
	if !known {
		return
	}
	if err := l.sendNow(message); err != nil {
		l.d.unheard(err)
	}
}

func (l *local) finish(patience time.Duration) { l.outbox.finish(patience) }

// unbroken makes spaces of the line breaks that JSON allows between tokens, in
// place: over stdio a line break ends a message. The message was parsed, so there
// is none inside of a string.
func unbroken(message []byte) {
	for i, c := range message {
		if c == '\n' || c == '\r' {
			message[i] = ' '
		}
	}
}

// fromLocal takes one message of a server over stdio for a client over HTTP.
func (d *door) fromLocal(ctx context.Context, l line, at *local) {
	if !d.under.join() {
		return
	}
	l = d.masked(l)
	m, err := d.parse(l)
	if err == nil {
		var restored *wire.Message
		if restored, l.on, err = at.restored(m); err == nil {
			m = restored
		}
	}
	d.serverMessage(ctx, l, m, err)
}

// streamOf is the stream of the open request with a progress token; nil if there
// is none.
func (t *inflight) streamOf(token string) *stream {
	if token == "" {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.open {
		if p.token == token {
			return p.on
		}
	}
	return nil
}

// anyStream is that of an open request, for what the server says or asks without
// saying to which it belongs.
func (t *inflight) anyStream() *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.open {
		if p.on != nil {
			return p.on
		}
	}
	return nil
}

// startLocal starts the process of a server for clients over HTTP.
func (d *door) startLocal(o Options) error {
	d.stderr = newStderrTail(o.Stderr, o.Upstream, o.StderrBytes).clean(o.Clean)
	defer d.starts(&d.o)
	if o.Server != nil {
		d.server, d.local = o.Server, newLocal(d, o.Server)
		d.toServer = d.local
		return nil
	}
	c, err := startChild(childOptions{Command: o.Command, Dir: o.Dir, Env: o.Env, Stderr: d.stderr})
	if err != nil {
		d.stderr.finish(false)
		return err
	}
	d.server, d.local = c, newLocal(d, c)
	d.toServer = d.local
	return nil
}

// waitListen keeps the GET stream of a session open for a server that says what
// it has to say by its standard output.
func waitListen(ctx context.Context, on *stream) error {
	on.begin()
	<-ctx.Done()
	return nil
}
