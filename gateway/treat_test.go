package gateway

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/idempotency"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/store"
	"github.com/ostiary/ostiary/wire"
)

// washing is a filter that finds dirt, makes it clean, withholds what stinks, and
// remembers as what it saw it.
type washing struct {
	mu   sync.Mutex
	seen []string
}

func (*washing) Name() string { return "washing" }

func (f *washing) Apply(_ context.Context, c *ostiary.Call, r *ostiary.Result) error {
	if len(r.Body) == 0 {
		return nil
	}
	f.mu.Lock()
	f.seen = append(f.seen, c.Method)
	f.mu.Unlock()
	if bytes.Contains(r.Body, []byte("stinks")) {
		r.Find(ostiary.Finding{Stage: "washing", Rule: "smell", Action: "withheld"})
		return &ostiary.Error{Code: ostiary.CodeUntrustedSignal, Message: "it stinks"}
	}
	if n := bytes.Count(r.Body, []byte("dirty")); n > 0 {
		r.Find(ostiary.Finding{Stage: "washing", Rule: "dirt", Action: "washed"})
		r.Body = bytes.ReplaceAll(r.Body, []byte("dirty"), []byte("washed")) // longer
	}
	return nil
}

func (f *washing) times(method string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.seen {
		if m == method {
			n++
		}
	}
	return n
}

// washed is a door with that filter, in front of a server whose handshake and lists
// are dirty; every method may pass.
func washed(t *testing.T, filter bool) (*bench, *scripted, *washing) {
	s, f := newScripted(t), &washing{}
	usual := s.auto
	s.auto = func(m *wire.Message) ([]string, bool) {
		if m.Method == "initialize" {
			return []string{result(m, `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"},"instructions":"dirty"}`)}, true
		}
		if m.Method == "tools/list" && !strings.HasPrefix(string(m.ID), `"ostiary-`) {
			return nil, false
		}
		return usual(m)
	}
	o := vouching()
	for _, method := range []string{"roots/list", "tasks/get", "tasks/result", "tasks/list", "tasks/cancel", "completion/complete", "notifications/cancelled"} {
		o.Rows = append(o.Rows, policy.Row{Kind: policy.Method, Pattern: "up/" + method, Effect: ostiary.EffectRead})
	}
	b := openHouse(t, o, func(o *ostiary.Options) {
		if filter {
			o.Filters = []ostiary.Filter{f}
		}
	}, s.behind)
	b.send(strings.Replace(initialize, `"capabilities":{}`, `"capabilities":{"elicitation":{},"sampling":{},"roots":{}}`, 1))
	if got := b.want(`"id":0`, `"instructions"`); strings.Contains(got, "dirty") == filter {
		t.Errorf("the handshake: %s", got)
	}
	b.send(initialized)
	return b, s, f
}

// Everything that a server says and that reaches a client passes the filters, once.
// The control is the same door without one.
func TestEverythingPassesTheFilters(t *testing.T) {
	modern := func(method, params string) string {
		return `{"jsonrpc":"2.0","id":%d,"method":"` + method + `","params":{` + params + modernMembers + `}}`
	}
	legacy := func(method, params string) string {
		return `{"jsonrpc":"2.0","id":%d,"method":"` + method + `","params":{` + params + `}}`
	}
	tool := legacy("tools/call", `"name":"read","arguments":{}`)
	const ok, failed = `"result":%s`, `"error":%s`
	answers := []struct{ request, kind, said string }{
		{tool, ok, `{"content":[{"type":"text","text":"dirty"}]}`},
		{tool, ok, `{"content":[{"type":"text","text":"dirty"}],"isError":true}`},
		{tool, ok, `{"content":[],"structuredContent":{"a":"dirty"}}`},
		{tool, ok, `{"content":[{"type":"resource","resource":{"uri":"x:y","text":"dirty"}}]}`},
		{tool, ok, `{"task":{"taskId":"7","status":"working","statusMessage":"dirty"}}`},
		{tool, failed, `{"code":-32000,"message":"dirty"}`},
		{tool, failed, `{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"form","message":"dirty"}]}}`},
		{modern("tools/call", `"name":"read","arguments":{},`), ok, `{"resultType":"input_required","inputRequests":{"q":{"method":"elicitation/create","params":{"message":"dirty"}}}}`},
		{modern("tools/call", `"name":"read","arguments":{},`), ok, `{"resultType":"task","taskId":"8","status":"working","statusMessage":"dirty"}`},
		{modern("server/discover", ""), ok, `{"resultType":"complete","instructions":"dirty"}`},
		{modern("tasks/get", `"taskId":"8",`), ok, `{"resultType":"complete","taskId":"8","status":"completed","result":{"content":[{"type":"text","text":"dirty"}]}}`},
		{legacy("tasks/get", `"taskId":"7"`), ok, `{"taskId":"7","status":"working","statusMessage":"dirty"}`},
		{legacy("tasks/result", `"taskId":"7"`), ok, `{"content":[{"type":"text","text":"dirty"}]}`},
		{legacy("tasks/cancel", `"taskId":"7"`), ok, `{"taskId":"7","statusMessage":"dirty"}`},
		{legacy("tasks/list", ""), ok, `{"tasks":[{"taskId":"7","statusMessage":"dirty"}]}`},
		{legacy("resources/read", `"uri":"x:y"`), ok, `{"contents":[{"uri":"x:y","text":"dirty"}]}`},
		{legacy("resources/subscribe", `"uri":"x:y"`), ok, `{"x":"dirty"}`},
		{legacy("prompts/get", `"name":"p"`), ok, `{"messages":[{"role":"user","content":{"type":"text","text":"dirty"}}]}`},
		{legacy("completion/complete", `"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"v"}`), ok, `{"completion":{"values":["dirty"]}}`},
		{legacy("tools/list", ""), ok, `{"tools":[{"name":"read","description":"dirty","inputSchema":{"type":"object"}}]}`},
		{legacy("resources/list", ""), ok, `{"resources":[{"uri":"x:y","name":"dirty"}]}`},
		{legacy("resources/templates/list", ""), ok, `{"resourceTemplates":[{"uriTemplate":"x:{y}","name":"dirty"}]}`},
		{legacy("prompts/list", ""), ok, `{"prompts":[{"name":"p","description":"dirty"}]}`},
		{legacy("prompts/list", ""), failed, `{"code":-32601,"message":"dirty"}`},
		{legacy("ping", ""), ok, `{"x":"dirty"}`},
		{legacy("logging/setLevel", `"level":"info"`), ok, `{"x":"dirty"}`},
	}
	notes := []string{ // with a call under way whose progress token is pt
		`notifications/message","params":{"level":"info","data":"dirty"}`,
		`notifications/progress","params":{"progressToken":"pt","progress":1,"message":"dirty"}`,
		`notifications/resources/updated","params":{"uri":"x:dirty"}`,
		`notifications/tools/list_changed","params":{"_meta":{"x":"dirty"}}`,
		`notifications/tasks","params":{"taskId":"8","statusMessage":"dirty"}`,
		`notifications/tasks","params":{"taskId":"8","inputRequests":{"q":{"method":"elicitation/create","params":{"message":"dirty"}}}}`,
		`notifications/tasks/status","params":{"taskId":"7","statusMessage":"dirty"}`,
		`notifications/elicitation/complete","params":{"elicitationId":"dirty"}`,
		`notifications/cancelled","params":{"requestId":"pt","reason":"dirty"}`,
	}
	questions := []string{
		`elicitation/create","params":{"message":"dirty","requestedSchema":{"type":"object","properties":{}}}`,
		`sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"dirty"}}]}`,
		`roots/list","params":{"x":"dirty"}`,
		`ping","params":{"x":"dirty"}`,
	}
	for _, filter := range []bool{false, true} {
		b, s, f := washed(t, filter)
		clean := func(what, got, raw string) {
			t.Helper()
			if strings.Contains(got, "dirty") == filter || strings.Contains(got, "washed") != filter {
				t.Errorf("filter %t: %s: the client got %s", filter, what, got)
			}
			if raw = strings.ReplaceAll(raw, "dirty", "washed"); filter && got != strings.ReplaceAll(raw, "[asked by the server up] ", "") && !strings.Contains(got, "[asked by the server up] washed") {
				t.Errorf("%s: the client got %s\nof  %s", what, got, raw) // law 4
			}
		}
		for i, a := range answers {
			request := fmt.Sprintf(a.request, i+1)
			b.send(request)
			m := s.ofServer(`"id":`)
			before := f.times(m.Method)
			said := `{"jsonrpc":"2.0", "id":` + string(m.ID) + `,` + fmt.Sprintf(a.kind, a.said) + `}`
			s.say(said)
			clean(request, b.want(fmt.Sprintf(`"id":%d,`, i+1)), said)
			if n := f.times(m.Method) - before; filter && n != 1 {
				t.Errorf("%s passed the filter %d times", request, n)
			}
		}
		b.send(`{"jsonrpc":"2.0","id":"pt","method":"tools/call","params":{"name":"read","arguments":{},"_meta":{"progressToken":"pt"}}}`)
		s.next(`"id":"pt"`)
		for _, note := range notes {
			said := `{"jsonrpc":"2.0" , "method":"` + note + `}`
			s.say(said)
			clean(note, b.want("notifications/"), said)
		}
		for i, question := range questions {
			id := fmt.Sprintf(`"q%d"`, i)
			said := `{"jsonrpc":"2.0" ,"id":` + id + `,"method":"` + question + `}`
			s.say(said)
			clean(question, b.want(id), said)
			b.send(`{"jsonrpc":"2.0","id":` + id + `,"result":{}}`)
			s.next(id)
		}
		if filter {
			b.records(func(all []audit.Record) bool {
				found := map[string]int{}
				for _, r := range all {
					if r.Found > 0 {
						found[r.Method]++
					}
				}
				return found["notifications/message"] == 1 && found["elicitation/create"] == 1 && found["tools/call"] >= 8 && found["initialize"] == 1
			})
		}
	}
}

// What a filter withholds reaches nobody: the server's question is refused, its
// notification dropped and recorded, its answer replaced.
func TestWhatAFilterWithholds(t *testing.T) {
	b, s, _ := washed(t, true)
	s.say(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"stinks"}}`)
	s.say(`{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"stinks"}}`)
	s.next(`"id":"q"`, `"error"`, `untrusted_signal`)
	b.send(call("1", "read"))
	s.next(`"id":1`)
	s.say(answer("1", "stinks"))
	if got := b.want(`"id":1`, `"isError":true`, "untrusted_signal", "it stinks"); strings.Contains(got, "smell") {
		t.Errorf("the client got %s", got)
	}
	b.records(func(all []audit.Record) bool {
		return is{method: "notifications/message", code: "untrusted_signal"}.in(all) == 1 &&
			is{method: "elicitation/create", code: "untrusted_signal"}.in(all) == 1 && is{target: "read", code: "untrusted_signal"}.in(all) == 1
	})
}

// Findings in notifications are recorded one by one at first, then counted.
func TestFindingsInManyNotifications(t *testing.T) {
	b, s, _ := washed(t, true)
	const n = 90
	for i := range n {
		s.say(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:dirty-%d"}}`, i))
		b.want("washed")
	}
	b.close()
	var single, counted int
	for _, r := range b.logged() {
		switch {
		case r.Found == 1 && r.Method == "notifications/resources/updated":
			single++
		case strings.Contains(r.Reason, "in 30 more notifications"):
			counted++
		}
	}
	if single != oddBurst || counted != 1 {
		t.Errorf("%d records of one, %d of a count", single, counted)
	}
}

// Who shares a server hears what it says to nobody in particular through the filters too.
func TestSubscriptionsPassTheFilters(t *testing.T) {
	s, f := newScripted(t), &washing{}
	w := openWebHouse(t, rows(), func(o *ostiary.Options) { o.Filters = []ostiary.Filter{f} }, func(o *HTTPOptions, _ *site) {
		o.Door.Remote = nil
		s.behind(&o.Door)
	})
	asked := make(chan string, 1)
	go func() {
		m := s.ofServer("subscriptions/listen")
		s.say(note("subscriptions/acknowledged", string(m.ID), `,"x":"dirty"`))
		asked <- string(m.ID)
	}()
	next, _ := w.subscribe("1", `{"resourceSubscriptions":["x:y"]}`)
	id := <-asked
	has(t, next(), "acknowledged", "washed", `Id":1}`)
	s.say(`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:y","title":"dirty"}}`)
	has(t, next(), `"title":"washed"`, `Id":1}`)
	s.say(note("resources/updated", id, `,"uri":"x:y","title":"dirty"`))
	has(t, next(), `"title":"washed"`, `Id":1}`)
}

// A repeated call gets what the first one got, which has passed the filters once.
func TestARepetitionIsFilteredOnce(t *testing.T) {
	s, f := newScripted(t), &washing{}
	kept, err := store.Open(store.Options{Dir: filepath.Join(t.TempDir(), "store")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	gate, err := idempotency.New(idempotency.Options{Store: kept, Owner: "me", Alive: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	b := openHouse(t, rows(), func(o *ostiary.Options) {
		o.Gates, o.Filters = append(o.Gates, gate), []ostiary.Filter{f}
	}, s.behind).shaken()
	request := `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"put","arguments":{},"_meta":{"ostiary/idempotency-key":"one"}}}`
	b.send(fmt.Sprintf(request, 1))
	s.next(`"id":1`)
	s.say(answer("1", "dirty"))
	b.want(`"id":1`, `"text":"washed"`)
	b.send(fmt.Sprintf(request, 2))
	b.want(`"id":2`, `"text":"washed"`)
	if n := f.times("tools/call"); n != 1 {
		t.Errorf("filtered %d times", n)
	}
}
