package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/pin"
	"github.com/ostiary/ostiary/wire"
)

// tellsAll is the capability of a server that tells of every list that changes.
const tellsAll = `{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true}}`

// taking is another process that sees the server show this kind of thing in other
// words, and in which a person accepts them.
func taking(t *testing.T, dir string, k pin.Kind) (take func()) {
	t.Helper()
	show, accept := changing(t, dir, k)
	return func() {
		t.Helper()
		show()
		accept()
	}
}

// changing is the same in two steps.
func changing(t *testing.T, dir string, k pin.Kind) (show, accept func()) {
	other, desk := pinsOver(t, dir)
	n, name := 0, "read"
	if k != pin.KindTool {
		name = string(k) + ":read"
	}
	show = func() {
		t.Helper()
		n++
		text := fmt.Appendf(nil, `{"description":"in words %d"}`, n)
		seen := pin.Seen{Upstream: "up", Principal: "walter", Kinds: []pin.Kind{k}, Definitions: []pin.Definition{{Kind: k, Name: "read", Text: text}}}
		if err := other.See(t.Context(), seen); err != nil {
			t.Fatal(err)
		}
	}
	if k != pin.KindTool { // of which there are some already
		show()
	}
	return show, func() {
		t.Helper()
		if _, err := desk.Accept(t.Context(), pin.Accept{Upstream: "up", Tool: name}, pin.Who{Name: "olga", Channel: "cli"}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnAcceptanceIsTold: what another process accepts makes a list look different, so
// the client hears that it has changed with its next calls, if the handshake allows.
func TestAnAcceptanceIsTold(t *testing.T) {
	for _, c := range []struct {
		kind         pin.Kind
		offers, told string
	}{
		{pin.KindTool, tellsAll, "notifications/tools/list_changed"},
		{pin.KindPrompt, tellsAll, "notifications/prompts/list_changed"},
		{pin.KindTemplate, tellsAll, "notifications/resources/list_changed"},
		{pin.KindTool, `{"tools":{}}`, ""},
		{pin.KindTool, `{"tools":{"listChanged":false},"prompts":{"listChanged":true}}`, ""},
	} {
		t.Run(string(c.kind)+" "+c.offers, func(t *testing.T) {
			dir := t.TempDir()
			p, _ := pinsOver(t, dir)
			s := newScripted(t)
			usual := handshakes(`{"tools":[` + readTool + `,` + putTool + `]}`)
			s.auto = func(m *wire.Message) ([]string, bool) {
				switch m.Method {
				case "initialize":
					return []string{result(m, `{"protocolVersion":"2025-11-25","capabilities":`+c.offers+`,"serverInfo":{"name":"s","version":"1"}}`)}, true
				case "tools/call":
					return []string{answer(string(m.ID), "done")}, true
				}
				return usual(m)
			}
			b := pinned(t, p, s).shaken()
			id := 0
			var heard []string
			run := func() { // one call, and what is heard until its answer
				t.Helper()
				id++
				b.send(call(fmt.Sprint(id), "put"))
				for {
					got := b.read()
					if strings.Contains(got, fmt.Sprintf(`"id":%d,`, id)) {
						has(t, got, "done")
						return
					}
					heard = append(heard, got)
				}
			}
			run()
			take := taking(t, dir, c.kind)
			run()
			for times := 1; times <= 2; times++ {
				before, _ := p.Taken("up")
				take()
				until(t, func() bool {
					run()
					now, _ := p.Taken("up")
					return now != before && (c.told == "" || len(heard) == times)
				})
			}
			run()
			want := slices.Repeat([]string{`{"jsonrpc":"2.0","method":"` + c.told + `"}`}, 2)
			if c.told == "" {
				want = nil
			}
			if !slices.Equal(heard, want) {
				t.Errorf("the client heard %q, want %q", heard, want)
			}
		})
	}
}

// TestAnAcceptanceIsToldOverHTTP by the stream of a session, and in the modern era by
// the subscriptions that ask for it.
func TestAnAcceptanceIsToldOverHTTP(t *testing.T) {
	for _, modern := range []bool{false, true} {
		t.Run(fmt.Sprint("modern ", modern), func(t *testing.T) {
			dir := t.TempDir()
			p, _ := pinsOver(t, dir)
			w := openWebHouse(t, rows(), func(o *ostiary.Options) { o.Gates = slices.Insert(o.Gates, 2, ostiary.Gate(p)) },
				func(o *HTTPOptions, s *site) {
					listens(o, s)
					s.offers, s.tools = tellsAll, `{"tools":[`+readTool+`,`+putTool+`]}`
					o.Door.Pins = pinning(p)
				})
			var next, silent func() string
			var run func()
			if modern {
				next, _ = w.subscribe(`"one"`, `{"toolsListChanged":true}`)
				has(t, next(), "acknowledged")
				silent, _ = w.subscribe(`"two"`, `{"promptsListChanged":true}`)
				has(t, silent(), "acknowledged")
				run = func() { w.post(modernRead("1", "put", `{}`), modernFields("put")...).want(t, 200) }
			} else {
				id := w.session()
				_, next, _ = w.stream(id)
				run = func() { has(t, w.post(call("1", "put"), "Mcp-Session-Id", id).want(t, 200).body, "done") }
			}
			run()
			take := taking(t, dir, pin.KindTool)
			take()
			heard := make(chan string, 1)
			go func() { heard <- next() }()
			var got string
			until(t, func() bool {
				run()
				select {
				case got = <-heard:
				default:
				}
				return got != ""
			})
			want := `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`
			if modern {
				want = `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"one"}}}`
			}
			has(t, got, want)
			if !modern {
				return
			}
			quiet := make(chan string, 1)
			go func() { quiet <- silent() }()
			take()
			go func() { heard <- next() }()
			until(t, func() bool {
				run()
				return len(heard) == 1
			})
			select {
			case got := <-quiet:
				t.Errorf("who did not ask hears %s", got)
			default:
			}
		})
	}
}

// TestAnIdleClientHears: a client asks for nothing any more, and a person accepts in
// another process what was known to wait.
func TestAnIdleClientHears(t *testing.T) {
	const told = `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`
	t.Run("stdio", func(t *testing.T) {
		dir := t.TempDir()
		p, _ := pinsOver(t, dir)
		s := newScripted(t)
		usual := handshakes(`{"tools":[` + readTool + `,` + putTool + `]}`)
		s.auto = func(m *wire.Message) ([]string, bool) {
			switch m.Method {
			case "initialize":
				return []string{result(m, `{"protocolVersion":"2025-11-25","capabilities":`+tellsAll+`,"serverInfo":{"name":"s","version":"1"}}`)}, true
			case "tools/call":
				return []string{answer(string(m.ID), "done")}, true
			}
			return usual(m)
		}
		b := pinned(t, p, s).shaken()
		b.send(call("1", "put"))
		b.want("done")
		show, accept := changing(t, dir, pin.KindTool)
		for range 2 {
			show()
			waits(t, p)
			accept()
			b.want(told)
		}
	})
	t.Run("http", func(t *testing.T) {
		dir := t.TempDir()
		p, _ := pinsOver(t, dir)
		w := openWebHouse(t, rows(), func(o *ostiary.Options) { o.Gates = slices.Insert(o.Gates, 2, ostiary.Gate(p)) },
			func(o *HTTPOptions, s *site) {
				listens(o, s)
				s.offers, s.tools = tellsAll, `{"tools":[`+readTool+`,`+putTool+`]}`
				o.Door.Pins = pinning(p)
			})
		id := w.session()
		_, next, _ := w.stream(id)
		has(t, w.post(call("1", "put"), "Mcp-Session-Id", id).want(t, 200).body, "done")
		show, accept := changing(t, dir, pin.KindTool)
		show()
		waits(t, p)
		accept()
		has(t, next(), told)
	})
}

// waits has a process look at what is pinned, as a call there would.
func waits(t *testing.T, p *pin.Pins) {
	t.Helper()
	if err := p.See(t.Context(), pin.Seen{Upstream: "another", Kinds: []pin.Kind{pin.KindTool}}); err != nil {
		t.Fatal(err)
	}
}

// TestNews: what is known first is no news, each change is told once, and what nobody
// could be told stays.
func TestNews(t *testing.T) {
	var n news
	for i, c := range []struct {
		now  Taken
		owes int
		want string
	}{
		{Taken{Tools: 1}, -1, "[false false false]"},
		{Taken{Tools: 1}, -1, "[false false false]"},
		{Taken{Tools: 2, Templates: 1}, 2, "[true false true]"},
		{Taken{Tools: 2, Templates: 1}, -1, "[false false true]"},
		{Taken{Tools: 2, Prompts: 5, Templates: 1}, -1, "[false true false]"},
		{Taken{Tools: 2, Prompts: 5, Templates: 1}, -1, "[false false false]"},
	} {
		if got := fmt.Sprint(n.since(c.now)); got != c.want {
			t.Errorf("%d: %s, want %s", i, got, c.want)
		}
		if c.owes >= 0 {
			n.owes(c.owes)
		}
	}
}
