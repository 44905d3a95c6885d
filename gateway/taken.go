package gateway

import (
	"context"
	"sync"

	"github.com/ostiary/ostiary/wire"
)

// Taken marks what people have accepted of a server since it was first seen, by list.
// A mark differs from the one before after each acceptance, and means nothing else.
type Taken struct{ Tools, Prompts, Templates uint64 }

// news is what the client of a door was told of acceptances.
type news struct {
	mu    sync.Mutex
	begun bool
	last  Taken
	owed  [len(changes)]bool
}

// changes are the notifications of lists that look different after an acceptance, and
// the capability that a server of the legacy era has them by.
var changes = [...]struct {
	method, of string
	mark       func(Taken) uint64
}{
	{"notifications/tools/list_changed", "tools", func(t Taken) uint64 { return t.Tools }},
	{"notifications/prompts/list_changed", "prompts", func(t Taken) uint64 { return t.Prompts }},
	{"notifications/resources/list_changed", "resources", func(t Taken) uint64 { return t.Templates }},
}

// since returns which lists look different now, or did before and nobody heard of it.
func (n *news) since(now Taken) (owed [len(changes)]bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.begun && n.last == now && n.owed == owed {
		return owed
	}
	for i := range changes {
		owed[i] = n.owed[i] || n.begun && changes[i].mark(now) != changes[i].mark(n.last)
	}
	n.begun, n.last, n.owed = true, now, [len(changes)]bool{}
	return owed
}

func (n *news) owes(i int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.owed[i] = true
}

// hears has the client told of acceptances also while it asks for nothing, until life ends.
func (d *door) hears(life context.Context) {
	if d.o.Pins == nil {
		return
	}
	stop := d.o.Pins.Watch(d.o.Upstream, func() {
		if d.under.enter() {
			defer d.under.leave()
			defer d.breaks()
			d.tellTaken(life)
		}
	})
	context.AfterFunc(life, stop)
}

// tellTaken tells the client that a list looks different, since somebody has accepted
// what waited. The store is not asked for it: it says what is known by then. What nobody could be told is told behind a later request.
func (d *door) tellTaken(ctx context.Context) {
	if d.o.Pins == nil {
		return
	}
	now, known := d.o.Pins.Taken(d.o.Upstream)
	if !known {
		return
	}
	for i, owed := range d.news.since(now) {
		if owed && !d.tellChange(ctx, changes[i].method, changes[i].of) {
			d.news.owes(i)
		}
	}
}

// tellChange sends a notification to whom the era lets hear it: to subscriptions that
// asked for it, and to a legacy client whose server has said that it sends them. It
// reports false where a client that may hear it cannot be reached now.
func (d *door) tellChange(ctx context.Context, method, of string) bool {
	if d.catalog.base().Method(method, wire.Describe(method, wire.FromServer).Class, "").Forbid != nil {
		return true
	}
	for _, to := range d.down.subscribed(method) {
		// Who has left meanwhile needs no news.
		d.reply(ctx, to.on, []byte(`{"jsonrpc":"2.0","method":"`+method+`","params":{"_meta":{"`+metaSubscription+`":`+string(to.id)+`}}}`))
	}
	return d.shared || !d.catalog.tells(of) || d.toClient.send(ctx, nil, []byte(`{"jsonrpc":"2.0","method":"`+method+`"}`)) == nil
}

// subscribed are the open subscriptions that want a notification.
func (t *inflight) subscribed(method string) (to []subscriber) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.open {
		if p.listens != nil && p.sent && !p.ended && p.listens.wants(&wire.Message{Method: method}) {
			to = append(to, subscriber{p.on, p.id})
		}
	}
	return to
}

type subscriber struct {
	on *stream
	id []byte
}

// tells reports whether the handshake of the legacy era is complete, and the server
// has said in it that it tells of changes of these lists.
func (c *catalog) tells(of string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started && c.meta == nil && c.changing[of]
}
