package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// Bounds of one listing: the pages and entries of each list, and the bytes of all
// lists together. A server whose cursor never ends is refused.
const (
	pagesMost = 1000
	itemsMost = 10_000
	listBytes = 64 << 20
)

// freeBytes is how much a listing that failed must have read for its memory to be
// given back at once.
const freeBytes = 4 << 20

// ttlLeast is how long a list of the modern era holds at least.
const ttlLeast = 30 * time.Second

// list is one list of an upstream.
type list struct {
	items []any            // that could be read
	sums  []ostiary.Digest // of the items, in their lossless form
	texts [][]byte         // that form, where it is kept
	keeps bool             // texts
	bad   []string         // names of entries that parsers read differently
	read  int              // entries of both kinds and of none
	ttl   time.Duration
}

// read lists the tools and compiles the rules against them.
func (c *catalog) read(door context.Context, meta []byte, room *int) (map[string][]any, time.Duration, tools) {
	ctx, cancel := context.WithTimeout(door, c.d.o.CatalogWait)
	defer cancel()
	var l list
	if c.wanted("tools") {
		var err error
		if l, err = c.list(ctx, "tools", meta, room); err != nil {
			if door.Err() == nil {
				c.d.o.Log.Warn("the server's tools could not be listed", "error", err)
			}
			if e := (*ostiary.Error)(nil); errors.As(err, &e) && e.Code == ostiary.CodePinUpstream {
				return nil, ttlLeast, tools{err: e}
			}
			message := "the server did not list its tools, so no call can be judged: try again, or ask the operator to look at the server"
			if e := (*tooMuch)(nil); errors.As(err, &e) {
				message = "the server lists too much (" + e.Error() + "), so no call can be judged: ask the operator to look at the server"
			}
			return nil, ttlLeast, tools{err: &ostiary.Error{Code: ostiary.CodePolicyCatalog, Err: err, Message: message}}
		}
	}
	if c.wanted("tools") {
		if err := c.see(ctx, KindTool, l.entries("name")); err != nil {
			c.d.o.Log.Error("what the server offers cannot be compared with what was accepted, so its tools are refused", "error", err)
			return nil, ttlLeast, tools{err: ostiary.AsError(err)}
		}
	}
	key := l.key()
	now, known := c.d.o.compiled.get(key)
	if !known {
		now = c.compile(&l)
		c.d.o.compiled.put(key, now)
	}
	if err := c.remember(l); err != nil {
		c.d.o.Log.Warn("the new list of tools could not be kept in the history", "error", err)
	}
	return map[string][]any{"tools": l.items}, max(l.ttl, ttlLeast), now
}

// compile makes the rules for a list, and says what is wrong with it.
func (c *catalog) compile(l *list) tools {
	found, twice := toolsOf(c.d.o.Upstream, l.items, l.bad)
	for _, name := range twice {
		c.d.o.Log.Warn("the server lists a tool twice; it is refused", "tool", visible([]byte(name)))
	}
	for _, name := range l.bad {
		c.d.o.Log.Warn("the server's description of a tool reads differently to different parsers; it is refused", "tool", visible([]byte(name)))
	}
	book, problems := c.d.o.Policy.Compile(c.d.o.Upstream, found)
	for _, p := range problems {
		c.d.o.Log.Error("a rule does not fit the server; its tool is refused", "rule", p.Source, "tool", visible([]byte(p.Tool)), "error", p.Err)
	}
	return tools{book: c.d.offered(book), named: l.named(found)}
}

// named are the entries of the tools by name.
func (l *list) named(found []ostiary.Tool) map[string]tool {
	named := make(map[string]tool, len(found))
	for _, t := range found {
		named[t.Name] = tool{schema: t.InputSchema, output: t.OutputSchema}
	}
	for i, item := range l.items {
		m, _ := item.(map[string]any)
		if t, ok := named[text(m, "name")]; ok { // a name that is listed twice names no tool
			t.definition, t.parameters = l.sums[i], parametersOf(m["inputSchema"])
			named[text(m, "name")] = t
		}
	}
	return named
}

// keepFile lists the rest, which no call waits for, and keeps everything in the
// state directory.
func (c *catalog) keepFile(door context.Context, meta []byte, room *int, lists map[string][]any) {
	if c.d.o.CatalogFile == "" {
		return
	}
	for _, kind := range kinds[1:] {
		if !c.wanted(kind) {
			continue
		}
		ctx, cancel := context.WithTimeout(door, c.d.o.CatalogWait)
		l, err := c.list(ctx, kind, meta, room)
		cancel()
		if err != nil && door.Err() != nil {
			break
		}
		if err != nil {
			c.d.o.Log.Warn("the server did not give one of its lists", "list", kind, "error", err)
			continue
		}
		lists[kind] = l.items
	}
	if err := saveCatalog(c.d.o.CatalogFile, c.d.o.Upstream, c.d.o.Now(), lists); err != nil {
		c.d.o.Log.Warn("the list of tools could not be kept", "error", err)
	}
}

// tooMuch says which bound a list went beyond.
type tooMuch struct{ text string }

func (e *tooMuch) Error() string { return e.text }

// saidNo is the error with which a server answered a request of the door's own.
type saidNo struct{ text string }

func (e *saidNo) Error() string { return e.text }

// list reads every page of one list with requests of the door's own. room is how
// many bytes the listing may still have. What a list that failed had read is
// given back to the system: nothing else may ever make the memory move.
func (c *catalog) list(ctx context.Context, kind string, meta []byte, room *int) (list, error) {
	before := *room
	l, err := c.pages(ctx, kind, meta, room)
	if err != nil && before-*room > freeBytes {
		debug.FreeOSMemory()
	}
	return l, err
}

func (c *catalog) pages(ctx context.Context, kind string, meta []byte, room *int) (list, error) {
	l := list{keeps: c.d.o.Pins != nil}
	cursor := ""
	for range pagesMost {
		params := map[string]any{}
		if meta != nil {
			params["_meta"] = json.RawMessage(meta)
		}
		if cursor != "" {
			params["cursor"] = cursor
		}
		result, err := c.d.ask(ctx, kind+"/list", params)
		if err != nil {
			return list{}, err
		}
		if *room -= len(result); *room < 0 {
			return list{}, &tooMuch{fmt.Sprintf("with %s/list more than %d bytes", kind, listBytes)}
		}
		next, err := l.page(kind, result)
		switch {
		case err != nil:
			return list{}, err
		case next == "":
			return l, nil
		case next == cursor:
			return list{}, fmt.Errorf("%s/list goes round: a page names itself as the next", kind)
		}
		cursor = next
	}
	return list{}, fmt.Errorf("%s/list has more than %d pages", kind, pagesMost)
}

// page adds one page and returns the cursor of the next. Keys count exactly as
// written; an entry that parsers could read differently is only known by name.
func (l *list) page(kind string, result []byte) (next string, err error) {
	of := lists[kind+"/list"]
	raw, ok := wire.Member(result, of.entries)
	if of.pinned == KindTemplate && (!ok || string(raw) == "null") && noTwin(result, of.entries) {
		raw, ok = []byte("[]"), true // servers with resources and without templates say that they have none so too
	}
	if !ok || raw[0] != '[' {
		return "", fmt.Errorf("%s/list answered without a list", kind)
	}
	entries := json.NewDecoder(bytes.NewReader(raw))
	if _, err := entries.Token(); err != nil {
		return "", fmt.Errorf("%s/list answered without a list: %w", kind, err)
	}
	for entries.More() { // one by one: a page may have millions
		if l.read++; l.read > itemsMost {
			return "", &tooMuch{fmt.Sprintf("more than %d %s", itemsMost, kind)}
		}
		var e json.RawMessage
		if err := entries.Decode(&e); err != nil {
			return "", fmt.Errorf("%s/list answered without a list: %w", kind, err)
		}
		v, err := wire.Decode(e)
		if err == nil {
			var canonical []byte
			if canonical, err = wire.Canonical(e); err == nil {
				l.items, l.sums = append(l.items, v), append(l.sums, sha256.Sum256(canonical))
				if l.keeps {
					l.texts = append(l.texts, canonical)
				}
				continue
			}
		}
		if name, ok := wire.Member(e, of.name); ok {
			var s string
			if json.Unmarshal(name, &s) == nil {
				l.bad = append(l.bad, s)
			}
		}
	}
	if ms, ok := wire.Member(result, "ttlMs"); ok {
		var n float64
		if json.Unmarshal(ms, &n) == nil && n > 0 {
			l.ttl = time.Duration(min(n, float64((24*time.Hour).Milliseconds()))) * time.Millisecond
		}
	}
	cursor, ok := wire.Member(result, "nextCursor")
	if !ok || string(cursor) == "null" {
		return "", nil
	}
	if err := json.Unmarshal(cursor, &next); err != nil {
		return "", fmt.Errorf("%s/list: nextCursor is no string", kind)
	}
	return next, nil
}

// noTwin reports whether no member of an object passes for one with this name to
// programs that do not mind upper and lower case.
func noTwin(object []byte, name string) bool {
	all, err := wire.ReadMembers(object)
	if err == nil {
		_, err = all.Find(name)
	}
	return err == nil
}

// ask sends a request of the door's own and returns the result.
func (d *door) ask(ctx context.Context, method string, params map[string]any) ([]byte, error) {
	id := d.ids.request()
	raw, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	own, err := wire.Parse(raw, d.o.Limits)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	key := own.Key
	p := &pending{method: method, callID: id, cancel: cancel, size: len(raw), reply: make(chan struct{})}
	if err := d.down.add(key, p); err != nil {
		return nil, err
	}
	defer d.down.release(p)
	defer d.down.remove(key)
	m, err := d.exchange(ctx, outgoing{key, own, nil, nil, nil}, func() {
		d.toServer.withdraw(key, wire.Cancelled(wire.Quote(id), "the door does not wait any longer"))
	})
	switch {
	case err != nil:
		return nil, err
	case m.Kind == wire.KindError:
		return nil, &saidNo{method + ": " + visible([]byte(wire.Text(m.Error, textRunes)))}
	}
	return m.Result, nil
}
