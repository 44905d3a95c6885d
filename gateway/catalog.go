package gateway

import (
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
// compiled against it. Calls to tools wait for it.
type catalog struct {
	d     *door
	empty *policy.Book // for everything that is not a tool

	mu      sync.Mutex
	book    *policy.Book
	schemas map[string][]byte // of the tools
	err     error
	ready   chan struct{} // closed when book or err is set
	listing bool
	again   bool // the list changed while it was read
	started bool
	meta    []byte // modern era: what our own requests carry in _meta
	wants   map[string]bool
}

func newCatalog(d *door) *catalog {
	book, _ := d.o.Policy.Compile(d.o.Upstream, nil)
	return &catalog{d: d, empty: book, ready: make(chan struct{}), wants: map[string]bool{"tools": true}}
}

func (c *catalog) base() *policy.Book {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.book != nil {
		return c.book
	}
	return c.empty
}

// legacyReady starts the listing when the handshake is complete.
func (c *catalog) legacyReady(ctx context.Context) { c.start(ctx, nil) }

// wait returns the rules for tools, listing the upstream first if need be.
func (c *catalog) wait(ctx context.Context, m *wire.Message) (book *policy.Book, schema []byte, err error) {
	if m.Era == wire.EraModern {
		c.start(ctx, modernMeta(m))
	}
	c.mu.Lock()
	if c.err != nil && !c.listing { // it failed before; perhaps it works now
		c.err, c.ready = nil, make(chan struct{})
		c.run(ctx)
	}
	ready := c.ready
	c.mu.Unlock()
	select {
	case <-ready:
	default:
		t := time.NewTimer(c.d.o.CatalogWait)
		defer t.Stop()
		select {
		case <-ready:
		case <-t.C:
			return nil, nil, &ostiary.Error{Code: ostiary.CodePolicyCatalog,
				Message: fmt.Sprintf("the server did not say within %s which tools it has, so no call can be judged: try again, or ask the operator to look at the server", c.d.o.CatalogWait)}
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.book, c.schemas[m.Name], c.err
}

// start lists once; later calls do nothing.
func (c *catalog) start(ctx context.Context, meta []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started {
		return
	}
	c.started, c.meta = true, meta
	c.run(ctx)
}

// changed lists again; calls wait for the new list.
func (c *catalog) changed(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started {
		return
	}
	if c.listing {
		c.again = true
		return
	}
	c.ready = make(chan struct{})
	c.run(ctx)
}

// run is called with the lock held.
func (c *catalog) run(ctx context.Context) {
	if !c.d.under.join() {
		return
	}
	c.listing = true
	// A listing belongs to the door, not to the call that made it necessary.
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer c.d.under.leave()
		for {
			book, schemas, err := c.read(ctx)
			c.mu.Lock()
			if c.again {
				c.again = false
				c.mu.Unlock()
				continue
			}
			c.book, c.schemas, c.err, c.listing = book, schemas, err, false
			close(c.ready)
			c.mu.Unlock()
			return
		}
	}()
}

// read lists everything and compiles the rules against it.
func (c *catalog) read(ctx context.Context) (*policy.Book, map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.d.o.CatalogWait)
	defer cancel()
	lists := map[string][]any{}
	for _, kind := range [...]string{"tools", "resources", "prompts"} {
		if !c.wanted(kind) {
			continue
		}
		items, err := c.list(ctx, kind)
		if err != nil && kind == "tools" {
			return nil, nil, &ostiary.Error{Code: ostiary.CodePolicyCatalog, Err: err,
				Message: "the server did not list its tools, so no call can be judged: ask the operator to look at the server"}
		}
		lists[kind] = items
	}
	tools, twice := toolsOf(c.d.o.Upstream, lists["tools"])
	for _, name := range twice {
		c.d.o.Log.Warn("the server lists a tool twice; it is refused", "tool", visible([]byte(name)))
	}
	book, problems := c.d.o.Policy.Compile(c.d.o.Upstream, tools)
	for _, p := range problems {
		c.d.o.Log.Error("a rule does not fit the server; its tool is refused", "rule", p.Source, "tool", visible([]byte(p.Tool)), "error", p.Err)
	}
	if err := saveCatalog(c.d.o.CatalogFile, c.d.o.Upstream, c.d.o.Now(), lists); err != nil {
		c.d.o.Log.Warn("the list of tools could not be kept", "error", err)
	}
	schemas := make(map[string][]byte, len(tools))
	for _, t := range tools {
		schemas[t.Name] = t.InputSchema
	}
	return book, schemas, nil
}

func (c *catalog) wanted(kind string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wants[kind]
}

// offers notes which lists the upstream has, from its handshake.
func (c *catalog) offers(result []byte) {
	v, err := wire.Decode(result)
	if err != nil {
		return
	}
	root, _ := v.(map[string]any)
	caps, _ := root["capabilities"].(map[string]any)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kind := range [...]string{"tools", "resources", "prompts"} {
		_, has := caps[kind]
		c.wants[kind] = has
	}
}

// pagesMost bounds a listing; a server whose cursor never ends is refused.
const pagesMost = 1000

// list reads every page of one list with requests of the door's own.
func (c *catalog) list(ctx context.Context, kind string) ([]any, error) {
	var items []any
	cursor := any(nil)
	for range pagesMost {
		params := map[string]any{}
		if c.meta != nil {
			params["_meta"] = json.RawMessage(c.meta)
		}
		if cursor != nil {
			params["cursor"] = cursor
		}
		result, err := c.d.ask(ctx, kind+"/list", params)
		if err != nil {
			return nil, err
		}
		v, err := wire.Decode(result)
		if err != nil {
			return nil, err
		}
		page, _ := v.(map[string]any)
		list, ok := page[kind].([]any)
		if !ok {
			return nil, fmt.Errorf("%s/list answered without a list", kind)
		}
		items = append(items, list...)
		if cursor = page["nextCursor"]; cursor == nil || cursor == "" {
			return items, nil
		}
	}
	return nil, fmt.Errorf("%s/list has more than %d pages", kind, pagesMost)
}

// ask sends a request of the door's own and returns the result.
func (d *door) ask(ctx context.Context, method string, params map[string]any) ([]byte, error) {
	id := d.ids.request()
	raw, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	key := "s:" + id
	p := &pending{method: method, callID: "the door's own", cancel: cancel, reply: make(chan *wire.Message, 1)}
	if err := d.down.add(key, p); err != nil {
		return nil, err
	}
	answered := false
	defer func() { d.down.remove(key, !answered) }()
	if !d.down.markSent(key) {
		return nil, errUpstreamGone
	}
	if err := d.toServer.send(ctx, raw); err != nil {
		return nil, d.gone(ctx, err)
	}
	select {
	case m := <-p.reply:
		answered = true
		if m.Kind == wire.KindError {
			return nil, fmt.Errorf("%s: %s", method, visible([]byte(wire.Text(m.Error, textRunes))))
		}
		return m.Result, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
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
