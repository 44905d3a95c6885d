package gateway

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// lister is a server whose tools/list the test answers.
func lister(t testing.TB) *scripted {
	s := newScripted(t)
	usual := s.auto
	s.auto = func(m *wire.Message) ([]string, bool) {
		if m.Method == "tools/list" {
			return nil, false
		}
		return usual(m)
	}
	return s
}

func listed(request, tools string) string {
	m, err := wire.Parse([]byte(request), wire.Limits{})
	if err != nil {
		return ""
	}
	return result(m, tools)
}

const readTool = `{"name":"read","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"openWorldHint":false}}`

func TestCallsWaitForTheCatalog(t *testing.T) {
	s := lister(t)
	b := openDoor(t, policy.Options{}, s.behind).shaken()
	list := s.next(`"tools/list"`)
	b.send(call("1", "read"))
	s.say(listed(list, `{"tools":[{"name":"x","inputSchema":{}}],"nextCursor":"two"}`))
	list = s.next(`"tools/list"`, `"cursor":"two"`)
	s.say(listed(list, `{"tools":[`+readTool+`]}`))
	s.next(`"id":1`)
	s.say(answer("1", "done"))
	b.want("done")

	// The list changed: what comes now is judged by the new one.
	s.say(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
	b.want("list_changed")
	b.send(call("2", "read"))
	s.say(listed(s.next(`"tools/list"`), `{"tools":[]}`))
	b.want(`"id":2`, `policy_unknown`)
}

func TestASilentServerIsNotJudged(t *testing.T) {
	s := lister(t)
	b := openDoor(t, rows(), func(o *Options) { s.behind(o); o.CatalogWait = 50 * time.Millisecond })
	b.send(initialize)
	b.want(`"id":0`)
	b.send(call("0", "read"))
	b.want(`"id":0`, `policy_catalog`, "notifications/initialized")
	b.send(initialized)
	s.next(`"tools/list"`)
	b.send(call("1", "read"))
	b.want(`"id":1`, `policy_catalog`)
}

// Each of these lists is refused, and with it every call; the next call tries
// again.
func TestListsThatAreNoLists(t *testing.T) {
	for name, body := range map[string]string{
		"null":    `{"tools":null}`,
		"object":  `{"tools":{}}`,
		"missing": `{"Tools":[]}`,
		"cursor":  `{"tools":[],"nextCursor":5}`,
		"round":   `{"tools":[],"nextCursor":"same"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			var good atomic.Bool
			bad, usual := handshakes(body), s.auto
			s.auto = func(m *wire.Message) ([]string, bool) {
				if good.Load() {
					return usual(m)
				}
				return bad(m)
			}
			b := openDoor(t, rows(), s.behind).shaken()
			b.send(call("1", "read"))
			b.want(`policy_catalog`, `did not list its tools`)
			good.Store(true)
			b.send(call("2", "read"))
			s.next(`"id":2`)
			s.say(answer("2", "done"))
			b.want("done")
		})
	}
}

func TestACursorThatNeverEnds(t *testing.T) {
	s := newScripted(t)
	usual, n := s.auto, 0
	s.auto = func(m *wire.Message) ([]string, bool) {
		if m.Method == "tools/list" {
			n++
			return []string{result(m, fmt.Sprintf(`{"tools":[%s],"nextCursor":"%d"}`, readTool, n))}, true
		}
		return usual(m)
	}
	b := openDoor(t, rows(), s.behind).shaken()
	b.send(call("1", "read"))
	b.want(`policy_catalog`)
	if n > 2*pagesMost {
		t.Errorf("%d pages were read", n)
	}
}

// Exactly as many entries as may be are listed; one more, in one page or in two,
// refuses the list, and so do bytes without end.
func TestTheCatalogIsBounded(t *testing.T) {
	many := func(n int) string {
		return strings.TrimSuffix(strings.Repeat(`1,`, n-1)+readTool, ",")
	}
	large := `{"name":"large","description":"` + strings.Repeat("x", 15<<20) + `"}`
	for name, tt := range map[string]struct {
		pages []string
		want  string
	}{
		"control":         {[]string{many(itemsMost)}, ""},
		"control, pages":  {[]string{many(itemsMost - 1), `2`}, ""},
		"control, large":  {[]string{large, large, large, readTool}, ""},
		"one more":        {[]string{many(itemsMost + 1)}, "more than 10000 tools"},
		"one more, pages": {[]string{many(itemsMost), `2`}, "more than 10000 tools"},
		"large":           {[]string{large, large, large, large, large, readTool}, "more than 67108864 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if raceDetector && strings.Contains(name, "large") {
				t.Skip("75 MiB take longer to parse under the race detector than a client waits; the test without it reads them")
			}
			s := newScripted(t)
			usual, n := s.auto, 0
			s.auto = func(m *wire.Message) ([]string, bool) {
				if m.Method != "tools/list" {
					return usual(m)
				}
				next := ""
				if n++; n < len(tt.pages) {
					next = fmt.Sprintf(`,"nextCursor":"%d"`, n)
				}
				return []string{result(m, `{"tools":[`+tt.pages[n-1]+`]`+next+`}`)}, true
			}
			b := openDoor(t, rows(), func(o *Options) { s.behind(o); o.Limits.MaxBytes, o.CatalogWait = 16<<20, patience }).shaken()
			b.send(call("1", "read"))
			if tt.want != "" {
				b.want(`policy_catalog`, tt.want)
				return
			}
			s.next(`"id":1`)
			s.say(answer("1", "done"))
			b.want("done")
		})
	}
}

func TestToolsThatMeanTwoThingsAreRefusedAlone(t *testing.T) {
	s := newScripted(t)
	twin := strings.Replace(readTool, `"read"`, `"twin"`, 1)
	bad := `{"name":"bad","inputSchema":{"properties":{"path":{},"PATH":{}}},"annotations":{"readOnlyHint":true}}`
	s.auto = handshakes(`{"tools":[` + readTool + `,` + twin + `,` + twin + `,` + bad + `]}`)
	b := openDoor(t, policy.Options{}, s.behind).shaken()
	for _, name := range []string{"twin", "bad"} {
		b.send(call("1", name))
		b.want(`"isError":true`)
	}
	b.send(call("2", "read"))
	s.next(`"id":2`)
	s.say(answer("2", "done"))
	b.want("done")
	has(t, b.err.String(), "twin", "bad")
}

// The modern era has no handshake: the first call lists, with what such a request
// must carry, and the list is read again in the background when it is old.
func TestTheModernCatalogGrowsOld(t *testing.T) {
	s := lister(t)
	c := newClock()
	b := openDoor(t, rows(), func(o *Options) { s.behind(o); o.Now = c.now })
	b.send(modernCall("1", ""))
	list := s.next(`"tools/list"`, `"io.modelcontextprotocol/protocolVersion":"2026-07-28"`, `"io.modelcontextprotocol/clientCapabilities":{}`)
	s.say(listed(list, `{"resultType":"complete","ttlMs":60000,"tools":[`+readTool+`]}`))
	s.next(`"id":1`)
	s.say(answer("1", "one"))
	b.want("one")

	c.move(59 * time.Second)
	b.send(modernCall("2", ""))
	s.next(`"id":2`) // no listing before it
	s.say(answer("2", "two"))
	b.want("two")

	c.move(2 * time.Second)
	b.send(modernCall("3", ""))
	first, second := s.next(), s.next() // the call does not wait for the list
	if strings.Contains(first, `"id":3`) {
		first, second = second, first
	}
	has(t, first, `"tools/list"`)
	has(t, second, `"id":3`)
	s.say(answer("3", "three"), listed(first, `{"tools":[]}`))
	b.want("three")
	got := ""
	for i := 4; !strings.Contains(got, "policy_unknown"); i++ {
		id := fmt.Sprint(i)
		b.send(modernCall(id, ""))
		select { // until the new list is there the old one holds
		case <-s.got:
			s.say(answer(id, "old"))
			got = b.read()
		case got = <-b.lines():
		}
	}
}

func TestAServerThatAlwaysChanges(t *testing.T) {
	s := newScripted(t)
	usual := s.auto
	var lists atomic.Int32
	s.auto = func(m *wire.Message) ([]string, bool) {
		lines, done := usual(m)
		if m.Method == "tools/list" {
			lists.Add(1)
			lines = append([]string{`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`}, lines...)
		}
		return lines, done
	}
	b := openDoor(t, rows(), func(o *Options) { s.behind(o); o.CatalogWait = 500 * time.Millisecond }).shaken()
	b.send(call("1", "read"))
	for got := ""; !strings.Contains(got, `"id":1`); got = b.read() {
		if got != "" {
			has(t, got, "list_changed")
		}
	}
	if n := lists.Load(); n > 40 {
		t.Errorf("%d listings in half a second", n)
	}
}
