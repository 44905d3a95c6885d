package gateway

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// driven is what became of the message of a row.
type driven struct {
	passed, recorded, spoke bool
	client                  string // what it got
}

// driveAll sends the messages of all rows through one door of a world, one after the
// other. allowed says that a row of the policy lets each pass, and conditional that
// it has more to say.
func driveAll(t *testing.T, rows []classRow, w *worldMaker, allowed, conditional bool, spoke func(audit.Record) bool) []driven {
	o := policy.Options{}
	for i := range rows {
		row := rows[i].pattern()
		if !allowed || rows[i].method == "" || slices.ContainsFunc(o.Rows, func(r policy.Row) bool { return r.Kind == row.Kind && r.Pattern == row.Pattern }) {
			continue
		}
		if conditional {
			row.Scopes = []string{"held"}
		}
		w.row(&row)
		o.Rows = append(o.Rows, row)
		if w.deny != nil {
			o.Deny = append(o.Deny, w.deny(row))
		}
	}
	s := newScripted(t)
	shake := handshakes(`{"tools":[{"name":"read","inputSchema":{"type":"object","properties":{"key":{"type":"string"}}},"annotations":{"readOnlyHint":true}}]}`)
	s.auto = func(m *wire.Message) ([]string, bool) {
		if m.Method == "initialize" {
			return []string{result(m, `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"},"instructions":"planted"}`)}, true
		}
		return shake(m)
	}
	begun := &beginnings{w: w, of: map[string]string{}}
	b := openHouse(t, o, func(o *ostiary.Options) {
		w.line(o)
		begun.Recorder, o.Recorder = o.Recorder, begun
	}, func(o *Options) {
		s.behind(o)
		o.Principal.Scopes = []string{"held"}
	}).shaken()
	w.end() // the handshake counts for nothing
	d := &classDrive{bench: b, server: s, begin: w.begin}
	all := make([]driven, len(rows))
	for i := range rows {
		r := &rows[i]
		d.passed = false
		d.saw.Reset()
		w.of.Store(r)
		r.drive(d)
		w.of.Store(nil)
		w.end()
		all[i] = driven{passed: d.passed, client: d.saw.String()}
	}
	b.close()
	for _, rec := range b.logged() {
		i := slices.IndexFunc(rows, func(r classRow) bool {
			return r.class.String() == rec.Class && r.method == rec.Method && begun.of[rec.Call] == r.id()
		})
		if i >= 0 {
			all[i].recorded = true
			all[i].spoke = all[i].spoke || spoke != nil && spoke(rec)
		}
	}
	return all
}

// beginnings notes of each call the row whose message was sent when it began.
type beginnings struct {
	ostiary.Recorder
	w  *worldMaker
	mu sync.Mutex
	of map[string]string
}

func (b *beginnings) Begin(c *ostiary.Call) (ostiary.Entry, error) {
	if r := b.w.of.Load(); r != nil {
		b.mu.Lock()
		b.of[c.ID] = r.id()
		b.mu.Unlock()
	}
	return b.Recorder.Begin(c)
}

// classDrive sends messages and sees what becomes of them.
type classDrive struct {
	*bench
	server *scripted
	begin  func()
	n      int  // of ids
	passed bool // the other side got it
	saw    strings.Builder
}

// id is a fresh one.
func (d *classDrive) id(prefix string) string {
	d.n++
	return fmt.Sprintf(`"%s%d"`, prefix, d.n)
}

// twice sends a message a second time: only then can a rate refuse it.
func twice(send func(*classDrive)) func(*classDrive) {
	return func(d *classDrive) {
		send(d)
		send(d)
	}
}

// until looks at what both sides get until one of the lines is the last.
func (d *classDrive) until(last func(byServer bool, line string) bool) {
	d.t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case l := <-d.server.got:
			if last(true, l) {
				return
			}
		case l := <-d.lines():
			d.saw.WriteString(l + "\n")
			if last(false, l) {
				return
			}
		case <-late:
			d.t.Fatalf("nothing came of it; standard error: %s", d.err.String())
		}
	}
}

func hasID(line, id string) bool { return strings.Contains(line, `"id":`+id) }

func hasMethod(line, method string) bool { return strings.Contains(line, `"method":"`+method+`"`) }

func (d *classDrive) clientAsks(method, params string) {
	d.request(method, params, func() string { return `{"content":[{"type":"text","text":"planted"}]}` })
}

func (d *classDrive) request(method, params string, answers func() string) {
	id := d.id("c")
	d.begin()
	d.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":{%s}}`, id, method, params))
	d.until(func(byServer bool, l string) bool {
		if byServer && hasID(l, id) {
			d.passed = true
			d.server.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, id, answers()))
		}
		return !byServer && hasID(l, id)
	})
}

// shakes is the handshake itself, which the server answers by itself.
func (d *classDrive) shakes() {
	d.begin()
	d.send(initialize)
	d.until(func(byServer bool, l string) bool {
		d.passed = d.passed || !byServer && strings.Contains(l, "protocolVersion")
		return !byServer && hasID(l, "0")
	})
}

func (d *classDrive) malformed() {
	d.begin()
	d.send(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":1,"a":2}}`)
	d.until(func(byServer bool, l string) bool {
		d.passed = d.passed || byServer
		return !byServer && hasID(l, "7")
	})
}

// clientSays sends a notification; a ping behind it shows that it was judged.
func (d *classDrive) clientSays(method string) {
	id := d.id("p")
	d.begin()
	d.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":%q}`, method), fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"ping"}`, id))
	d.until(func(byServer bool, l string) bool {
		d.passed = d.passed || byServer && hasMethod(l, method)
		if byServer && hasID(l, id) {
			d.server.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{}}`, id))
		}
		return !byServer && hasID(l, id)
	})
}

// serverSays lets the server say something, and then ping.
func (d *classDrive) serverSays(method, params string) {
	id := d.id("s")
	d.begin()
	d.server.say(fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"params":{%s}}`, method, params), fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"ping"}`, id))
	d.until(func(byServer bool, l string) bool {
		d.passed = d.passed || !byServer && hasMethod(l, method)
		if !byServer && hasID(l, id) {
			d.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{}}`, id))
		}
		return byServer && hasID(l, id)
	})
}

// progress is what a server says about a call that is open.
func (d *classDrive) progress() {
	id := d.id("c")
	d.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"read","arguments":{"key":%s},"_meta":{"progressToken":%s}}}`, id, id, id))
	d.server.next(id)
	for range 2 {
		d.serverSays("notifications/progress", `"progressToken":`+id+`,"progress":1,"message":"planted"`)
	}
	d.server.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"content":[]}}`, id))
	d.until(func(byServer bool, l string) bool { return !byServer && hasID(l, id) })
}

// serverAsks lets the server ask; whoever gets the question answers it.
func (d *classDrive) serverAsks(method, params string) {
	id := d.id("s")
	d.begin()
	d.server.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":{%s"_meta":{"x":"planted"}}}`, id, method, comma(params)))
	d.until(func(byServer bool, l string) bool {
		if !byServer && hasID(l, id) {
			d.passed = true
			d.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{}}`, id))
		}
		return byServer && hasID(l, id)
	})
}

func comma(members string) string {
	if members == "" {
		return ""
	}
	return members + ","
}

// asksInside is two questions in the result of a call.
func (d *classDrive) asksInside(method, params string) {
	begin := d.begin
	d.begin = func() {}
	defer func() { d.begin = begin }()
	ask := fmt.Sprintf(`{"method":%q,"params":{%s}}`, method, params)
	d.request("tools/call", `"name":"read","arguments":{"key":`+d.id("k")+`},`+modernMembers, func() string {
		begin()
		return fmt.Sprintf(`{"resultType":"input_required","inputRequests":{"q":%s,"r":%s}}`, ask, ask)
	})
	d.passed = strings.Contains(d.saw.String(), "inputRequests")
}

// answers is the client's answer to a question that may pass.
func (d *classDrive) answers() {
	id := d.id("s")
	d.server.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"elicitation/create","params":{"message":"Name?","requestedSchema":{"type":"object","properties":{}}}}`, id))
	d.until(func(byServer bool, l string) bool {
		if !byServer && hasID(l, id) {
			d.begin()
			d.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept","content":{}}}`, id))
		}
		d.passed = d.passed || byServer && strings.Contains(l, "accept")
		return byServer && hasID(l, id)
	})
}
