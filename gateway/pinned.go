package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// see compares a whole list with what was accepted.
func (c *catalog) see(ctx context.Context, k Kind, entries []Entry) error {
	if c.d.o.Pins == nil {
		return nil
	}
	return c.d.o.Pins.See(ctx, Sight{c.d.o.Upstream, c.d.o.Principal.ID, c.d.identity(ctx)}, k, entries)
}

// entries are those of a list with their canonical text. A name that is listed twice
// names nothing, and so do entries without one. key is the member with the name.
func (l *list) entries(key string) (found []Entry) {
	if l.texts == nil {
		return nil
	}
	times := map[string]int{}
	for _, name := range l.bad {
		times[name]++
	}
	for _, entry := range l.items {
		m, _ := entry.(map[string]any)
		times[text(m, key)]++
	}
	for i, entry := range l.items {
		m, _ := entry.(map[string]any)
		if name := text(m, key); name != "" && times[name] == 1 {
			found = append(found, Entry{Name: name, Text: l.texts[i]})
		}
	}
	return found
}

// begun reports whether the catalog is being read or was.
func (c *catalog) begun() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}

// accepted puts the accepted forms into what the client is shown: a changed tool is
// listed as it was accepted, one that never was is left out, and the words of a
// handshake are those that were accepted.
func (d *door) accepted(ctx context.Context, q *caller, r *ostiary.Result, reply *wire.Message) error {
	if d.o.Pins == nil || reply == nil || reply.Kind != wire.KindResult {
		return nil
	}
	if q.m.Method == "initialize" || q.m.Method == "server/discover" {
		return d.greeted(ctx, q, r)
	}
	of := lists[q.m.Method]
	if of.pinned == "" {
		return nil
	}
	listed, err := d.o.Pins.Listed(ctx, d.o.Upstream, of.pinned)
	if err != nil {
		return err
	}
	if !listed && (d.catalog.begun() || q.m.Era == wire.EraModern) { // at first sight the door looks first
		m := &wire.Message{Era: q.m.Era, Version: q.m.Version}
		if of.pinned == KindTool {
			_, _, err = d.catalog.wait(ctx, m)
		} else {
			_, err = d.catalog.more[of.pinned].known(ctx, m)
		}
		if err != nil {
			return err
		}
	}
	all, err := wire.ReadMembers(r.Body)
	if err != nil {
		return err
	}
	raw, err := all.Find(of.entries)
	if err != nil || raw == nil {
		return err
	}
	kept, same, err := d.entries(ctx, raw, of.pinned, of.name)
	if err != nil || same {
		return err
	}
	r.Body, err = wire.Splice(r.Body, all.Edits(0, func(string) bool { return false }, []wire.Setting{{Name: of.entries, Value: kept}})...)
	return err
}

// entries is an array with the accepted form of each entry, and whether that is the
// array itself.
func (d *door) entries(ctx context.Context, array []byte, k Kind, key string) (kept []byte, same bool, err error) {
	entries := json.NewDecoder(bytes.NewReader(array))
	if _, err := entries.Token(); err != nil {
		return nil, false, err
	}
	kept, same = append(kept, '['), true
	for entries.More() {
		var entry json.RawMessage
		if err := entries.Decode(&entry); err != nil {
			return nil, false, err
		}
		name, _ := wire.Member(entry, key)
		shown, err := d.o.Pins.Shown(ctx, d.o.Upstream, k, word(name), entry)
		if err != nil {
			return nil, false, err
		}
		if same = same && bytes.Equal(shown, entry); shown == nil {
			continue
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(kept, shown...)
	}
	return append(kept, ']'), same, nil
}

// metaServerInfo is where results of revision 2026-07-28 name the server.
const metaServerInfo = "io.modelcontextprotocol/serverInfo"

// greeted puts the accepted words into a handshake's result.
func (d *door) greeted(ctx context.Context, q *caller, r *ostiary.Result) error {
	all, err := wire.ReadMembers(r.Body)
	if err != nil {
		return err
	}
	said, err := greetingOf(all)
	if err != nil {
		return err
	}
	instead, err := d.o.Pins.Greet(ctx, Sight{d.o.Upstream, d.principal(q.on).ID, d.identity(ctx)},
		Greeting{Instructions: said.instructions, ServerInfo: said.info(), Capabilities: said.capabilities})
	if err != nil {
		return err
	}
	instructions, info := instead.Instructions, instead.ServerInfo
	var set []wire.Setting
	if instead.Capabilities != nil {
		set = append(set, wire.Setting{Name: "capabilities", Value: instead.Capabilities})
	}
	if instructions != nil {
		set = append(set, wire.Setting{Name: "instructions", Value: instructions})
	}
	if info != nil && said.own != nil {
		set = append(set, wire.Setting{Name: "serverInfo", Value: info})
	}
	if info != nil && said.meta != nil {
		within, err := wire.ReadMembers(said.around)
		if err != nil {
			return err
		}
		meta, err := wire.Splice(said.around, within.Edits(0, func(string) bool { return false }, []wire.Setting{{Name: metaServerInfo, Value: info}})...)
		if err != nil {
			return err
		}
		set = append(set, wire.Setting{Name: "_meta", Value: meta})
	}
	if len(set) == 0 {
		return nil
	}
	r.Body, err = wire.Splice(r.Body, all.Edits(0, func(string) bool { return false }, set)...)
	return err
}

// greeting is what a handshake's result says of the server: in its members, and in
// _meta, which is around.
type greeting struct{ instructions, capabilities, own, meta, around []byte }

func greetingOf(all wire.Members) (g greeting, err error) {
	for name, to := range map[string]*[]byte{"instructions": &g.instructions, "capabilities": &g.capabilities, "serverInfo": &g.own, "_meta": &g.around} {
		if *to, err = all.Find(name); err != nil {
			return g, err
		}
		if string(*to) == "null" {
			*to = nil
		}
	}
	if len(g.around) > 0 && g.around[0] == '{' {
		within, err := wire.ReadMembers(g.around)
		if err != nil {
			return g, err
		}
		g.meta, err = within.Find(metaServerInfo)
		return g, err
	}
	return g, nil
}

// info is the one serverInfo; two that differ are told as both, which no honest
// server says.
func (g greeting) info() []byte {
	switch {
	case g.own == nil:
		return g.meta
	case g.meta == nil || bytes.Equal(g.own, g.meta):
		return g.own
	}
	return slices.Concat([]byte("["), g.own, []byte(","), g.meta, []byte("]"))
}
