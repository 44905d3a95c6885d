package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// catalog is what the upstream offers, listed by the door itself, and the rules
// compiled against it. Calls to tools wait for it; where it cannot be had they
// are denied.
type catalog struct {
	d     *door
	empty *policy.Book // for everything that is not a tool

	mu       sync.Mutex
	now      tools
	ready    chan struct{} // closed unless calls must wait for a newer list
	stale    bool          // a list is asked for and its reading has not begun
	started  bool
	expires  time.Time // modern era: when the list should be read again
	meta     []byte    // modern era: what our own requests carry in _meta
	wants    map[string]bool
	changing map[string]bool // of which lists the server says that it tells when they change

	life    context.Context // nil before begin
	running bool            // keep runs
	over    chan struct{}   // not nil while it does; closed when it ends
	past    history

	more map[Kind]*shelf // the lists that are pinned beside the tools
}

// tools are the rules of one list, or why there is none.
type tools struct {
	book  *policy.Book
	named map[string]tool
	err   error
}

// tool is what calls need of one entry.
type tool struct {
	schema     []byte
	output     []byte // the schema of its structured content
	definition ostiary.Digest
	parameters []parameter // that the header repeats
}

// kinds are the lists of an upstream; calls wait for the first only.
var kinds = [...]string{"tools", "resources", "prompts"}

func newCatalog(d *door) *catalog {
	nothing, known := d.o.compiled.get(ostiary.Digest{})
	if !known {
		book, _ := d.o.Policy.Compile(d.o.Upstream, nil)
		nothing.book = d.offered(book)
		d.o.compiled.put(ostiary.Digest{}, nothing)
	}
	c := &catalog{
		d: d, empty: nothing.book, ready: make(chan struct{}),
		wants: map[string]bool{"tools": true}, changing: map[string]bool{},
	}
	c.more = map[Kind]*shelf{
		KindPrompt:   newShelf(c, "prompts", "prompts"),
		KindTemplate: newShelf(c, "resources/templates", "resources"),
	}
	return c
}

// base returns the rules for everything that is not a tool.
func (c *catalog) base() *policy.Book { return c.latest().book }

// latest is the list of tools as it was read last, without any if it never was.
func (c *catalog) latest() tools {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.book == nil {
		return tools{book: c.empty}
	}
	return c.now
}

// legacyReady lists when a handshake is complete, also a second one.
func (c *catalog) legacyReady() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started, c.meta, c.expires = true, nil, time.Time{}
	c.outdate()
	c.ask(true)
}

// changed lists again; calls wait for the new list.
func (c *catalog) changed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outdate()
	if c.started {
		c.ask(true)
	}
}

// ask wants a new list, for which calls wait or which replaces the old one when
// it is there. It is called with the lock held.
func (c *catalog) ask(wait bool) {
	if wait && closed(c.ready) {
		c.ready = make(chan struct{})
	}
	c.stale = true
	c.start()
}

// begin lets the catalog list until life ends.
func (c *catalog) begin(life context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life = life
	c.start()
}

// start lists in the background if somebody asked. It is called with the lock held.
func (c *catalog) start() {
	if !c.stale || c.running || c.life == nil || c.life.Err() != nil {
		return
	}
	c.running, c.over = true, make(chan struct{})
	go c.keep(c.life, c.over)
}

// ended returns a channel that is closed when nothing is listed any more, once the
// catalog's life has ended.
func (c *catalog) ended() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over == nil {
		c.over = make(chan struct{})
		close(c.over)
	}
	return c.over
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// wait returns the rules for tools and the entry of the tool that m calls. In the
// modern era, which has no handshake, the first call begins the listing.
func (c *catalog) wait(ctx context.Context, m *wire.Message) (*policy.Book, tool, error) {
	now, err := c.await(ctx, c.prepare(m))
	if err != nil {
		return nil, tool{}, err
	}
	return now.book, now.named[m.Name], now.err
}

// definition returns the digest of a tool's entry as of now: in the modern era,
// where a server need not say that its list has changed, a list that is over its
// time is read again first.
func (c *catalog) definition(ctx context.Context, name string) (ostiary.Digest, error) {
	c.mu.Lock()
	if !c.expires.IsZero() && !c.d.o.Now().Before(c.expires) {
		c.expires = time.Time{}
		c.ask(true)
	}
	ready := c.ready
	c.mu.Unlock()
	now, err := c.await(ctx, ready)
	if err != nil {
		return ostiary.Digest{}, err
	}
	return now.named[name].definition, now.err
}

// await waits until nobody must wait for a newer list.
func (c *catalog) await(ctx context.Context, ready <-chan struct{}) (tools, error) {
	if !closed(ready) {
		t := time.NewTimer(c.d.o.CatalogWait)
		defer t.Stop()
		select {
		case <-ready:
		case <-t.C:
			return tools{}, c.missing()
		case <-ctx.Done():
			return tools{}, context.Cause(ctx)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, nil
}

func (c *catalog) prepare(m *wire.Message) (ready <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.started && m.Era == wire.EraModern:
		c.started, c.meta = true, modernMeta(m)
		c.ask(true)
	case c.now.err != nil && closed(c.ready): // it failed before; perhaps it works now
		c.ask(true)
	case !c.expires.IsZero() && !c.d.o.Now().Before(c.expires):
		c.expires = time.Time{}
		c.ask(false)
	}
	return c.ready
}

func (c *catalog) missing() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started {
		return &ostiary.Error{Code: ostiary.CodePolicyCatalog,
			Message: "the handshake is not complete, so the tools are not known and no call can be judged: send notifications/initialized first"}
	}
	return &ostiary.Error{Code: ostiary.CodePolicyCatalog,
		Message: fmt.Sprintf("the server did not say within %s which tools it has, so no call can be judged: try again, or ask the operator to look at the server", c.d.o.CatalogWait)}
}

// listGap is the least time between the beginnings of two listings, so that a
// server that always says it has changed does not keep the door busy.
const listGap = 50 * time.Millisecond

// keep lists while somebody asks, until ctx ends.
func (c *catalog) keep(ctx context.Context, over chan<- struct{}) {
	defer close(over)
	defer c.d.breaks()
	for {
		c.mu.Lock()
		if !c.stale || ctx.Err() != nil {
			c.running = false
			c.mu.Unlock()
			return
		}
		c.stale = false
		meta := c.meta
		c.mu.Unlock()
		gap := time.NewTimer(listGap)
		room := listBytes
		lists, ttl, next := c.read(ctx, meta, &room)
		if ctx.Err() != nil {
			gap.Stop()
			continue
		}
		c.publish(next, ttl)
		if next.err == nil {
			c.keepFile(ctx, meta, &room, lists)
		}
		select {
		case <-gap.C:
		case <-ctx.Done():
			gap.Stop()
		}
	}
}

// publish makes a list the one that calls are judged by. One that came while the
// server said it had changed again is thrown away, unless nobody must wait.
func (c *catalog) publish(next tools, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := !closed(c.ready)
	switch {
	case c.stale && waiting:
		return
	case next.err != nil && !waiting && c.now.book != nil:
		// A refresh of a list that did not say it had changed.
		c.d.o.Log.Warn("the server's tools could not be listed again; the last list holds", "error", next.err)
	default:
		c.now = next
	}
	if c.meta != nil {
		c.expires = c.d.o.Now().Add(ttl)
	}
	if waiting {
		close(c.ready)
	}
}

// offers notes which lists the upstream has, from its handshake.
func (c *catalog) offers(result []byte) {
	caps, ok := wire.Member(result, "capabilities")
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kind := range kinds {
		v, has := wire.Member(caps, kind)
		c.wants[kind] = ok && has && !bytes.Equal(v, []byte("null"))
		says, _ := wire.Member(v, "listChanged")
		c.changing[kind] = ok && has && string(says) == "true"
	}
}

// outdate says of all other lists that they must be read again. It is called with
// the lock held.
func (c *catalog) outdate() {
	for _, s := range c.more {
		s.changes.Add(1)
	}
}

func (c *catalog) wanted(kind string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wants[kind]
}

// modernMeta is what requests of revision 2026-07-28 and later carry: the
// client's revision, and no capability, since nobody answers questions for us.
func modernMeta(m *wire.Message) []byte {
	raw, err := json.Marshal(map[string]any{
		"io.modelcontextprotocol/protocolVersion":    m.Version,
		"io.modelcontextprotocol/clientCapabilities": map[string]any{},
		"io.modelcontextprotocol/clientInfo":         map[string]any{"name": "ostiary", "version": "0"},
	})
	if err != nil {
		return nil
	}
	return raw
}
