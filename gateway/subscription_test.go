package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// subscribe opens a subscription and returns what reads its stream and ends it.
func (w *web) subscribe(id, wants string, fields ...string) (next func() string, leave func()) {
	w.t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"subscriptions/listen","params":{"notifications":%s,%s}}`, id, wants, modernMetaText)
	resp, err := w.client.Do(w.request(ctx, "POST", body, append(fields, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "subscriptions/listen")...))
	if err != nil || resp.StatusCode != 200 {
		w.t.Fatalf("the subscription: %v %v", resp, err)
	}
	w.t.Cleanup(func() {
		leave()
		resp.Body.Close()
	})
	return events(w.t, resp.Body), leave
}

// ofServer is a request that a started server got, with the id that it knows.
func (s *scripted) ofServer(parts ...string) *wire.Message {
	s.t.Helper()
	m, err := wire.Parse([]byte(s.next(parts...)), wire.Limits{})
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func note(method, id, more string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/%s","params":{"_meta":{"x":1,"io.modelcontextprotocol/subscriptionId":%s}%s}}`, method, id, more)
}

// TestSubscriptionsOfAStartedServer: clients share it and choose the same id; each
// hears what it asked for, under its own id, and nothing of the others.
func TestSubscriptionsOfAStartedServer(t *testing.T) {
	s := newScripted(t)
	w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) {
		o.Door.Remote = nil
		s.behind(&o.Door)
	})
	ids := [3]string{}
	var next [3]func() string
	var leave [3]func()
	for i, c := range []struct{ id, wants string }{
		{"1", `{"toolsListChanged":true}`},
		{"1", `{"resourceSubscriptions":["file:///a"],"promptsListChanged":true}`},
		{`"one"`, `{"toolsListChanged":true,"resourcesListChanged":true}`},
	} {
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			m := s.ofServer("subscriptions/listen")
			ids[i] = string(m.ID)
			s.say(note("subscriptions/acknowledged", ids[i], `,"notifications":`+c.wants))
		}()
		next[i], leave[i] = w.subscribe(c.id, c.wants)
		<-asked
		has(t, next[i](), "acknowledged", `"io.modelcontextprotocol/subscriptionId":`+c.id+"}", `"x":1`)
	}
	if ids[0] == ids[1] {
		t.Fatal("the server knows two subscriptions under one id")
	}
	// What names a subscription is that one's.
	s.say(note("tools/list_changed", ids[0], ""), note("resources/updated", ids[1], `,"uri":"file:///a"`), note("tools/list_changed", ids[2], ""))
	has(t, next[0](), "tools/list_changed", `Id":1}`)
	has(t, next[1](), "resources/updated", `Id":1}`)
	has(t, next[2](), "tools/list_changed", `Id":"one"}`)
	// What was not asked for, or names none that is open, is dropped and recorded.
	s.say(note("tools/list_changed", ids[1], ""), note("resources/updated", ids[0], `,"uri":"file:///a"`), note("tools/list_changed", "4711", ""))
	w.recorded(is{code: "gateway_orphan"})
	// What names none goes to those that asked for it.
	s.say(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`,
		`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///a/b"}}`,
		`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///ab"}}`,
		`{"jsonrpc":"2.0","method":"notifications/prompts/list_changed","params":{"_meta":{"y":2}}}`)
	has(t, next[0](), "tools/list_changed", `"params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}`)
	has(t, next[2](), "tools/list_changed", `"params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"one"}}`)
	has(t, next[1](), "resources/updated", `"uri":"file:///a/b"`, `"_meta":{"io.modelcontextprotocol/subscriptionId":1}`)
	has(t, next[1](), "prompts/list_changed", `"_meta":{"y":2,"io.modelcontextprotocol/subscriptionId":1}`)
	// A client that closes its stream withdraws the subscription, and only it.
	leave[0]()
	s.next("notifications/cancelled", `"requestId":`+ids[0])
	// The server ends one by an answer, the other by a cancellation: streams end.
	s.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"_meta":{"io.modelcontextprotocol/subscriptionId":%s},"resultType":"complete"}}`, ids[1], ids[1]))
	has(t, next[1](), `"id":1,`, `Id":1}`, "complete")
	s.say(cancelled(ids[2]))
	for i := 1; i < 3; i++ {
		if l := next[i](); l != "end: EOF" {
			t.Errorf("stream %d goes on with %s", i, l)
		}
	}
	until(t, func() bool {
		l := w.endpoint.doors.any().local
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.open) == 0
	})
	if n := len(s.got); n != 0 {
		t.Errorf("the server got %d messages more, such as %s", n, <-s.got)
	}
}

// any is the door of a session.
func (s *doors) any() *door {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		return one.door
	}
	return nil
}

// TestSubscriptionsOfARemoteServer: the stream of each is its own, and a server that
// closes one has ended the subscription, not cut off an answer.
func TestSubscriptionsOfARemoteServer(t *testing.T) {
	more := make(chan string)
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
			if m.Method != "subscriptions/listen" {
				sayJSON(w, answer(string(m.ID), "done"))
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: %s\n\n", note("subscriptions/acknowledged", string(m.ID), `,"notifications":{}`))
			w.(http.Flusher).Flush()
			if strings.Contains(string(m.Raw), "promptsListChanged") {
				<-r.Context().Done()
				return
			}
			for l := range more {
				fmt.Fprintf(w, "data: %s\n\n", l)
				w.(http.Flusher).Flush()
			}
		}
	})
	other, _ := w.subscribe("1", `{"promptsListChanged":true}`)
	next, _ := w.subscribe("1", `{"toolsListChanged":true}`, "Who", "bob")
	has(t, other(), "acknowledged")
	has(t, next(), "acknowledged", `Id":1}`)
	more <- note("tools/list_changed", "1", "")
	has(t, next(), "tools/list_changed", `Id":1}`)
	close(more)
	if l := next(); l != "end: EOF" {
		t.Errorf("the stream goes on with %s", l)
	}
}

// TestUpdatesOfWhatNobodyMayRead: a subscription to what lies above does not tell the
// names below that its subscriber may not read. The control is one who may.
func TestUpdatesOfWhatNobodyMayRead(t *testing.T) {
	rules := rows()
	rules.Rows = append(rules.Rows, policy.Row{Kind: policy.Resource, Pattern: "up/file:///a/secret*", Effect: ostiary.EffectRead, Scopes: []string{"a:secret"}})
	updated := func(uri, more string) string {
		return `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{` + more + `"uri":"` + uri + `"}}`
	}
	for _, scopes := range []string{"a:files", "a:files a:secret"} {
		t.Run(scopes, func(t *testing.T) {
			may := strings.Contains(scopes, "secret")
			s := newScripted(t)
			w := openWeb(t, rules, func(o *HTTPOptions, _ *site) {
				signedIn(o, nil)
				o.Door.Remote = nil
				s.behind(&o.Door)
			})
			asked := make(chan string, 1)
			go func() {
				m := s.ofServer("subscriptions/listen")
				asked <- string(m.ID)
				s.say(note("subscriptions/acknowledged", string(m.ID), ""))
			}()
			next, _ := w.subscribe("1", `{"resourceSubscriptions":["file:///a"]}`, "Authorization", "Bearer key|"+scopes)
			id := <-asked
			has(t, next(), "acknowledged")
			s.say(updated("file:///a/secret-plan", ""), updated("file:///a/secret-plan", `"_meta":{"io.modelcontextprotocol/subscriptionId":`+id+`},`), updated("file:///a/open", ""))
			if may {
				has(t, next(), "secret-plan")
				has(t, next(), "secret-plan")
			}
			has(t, next(), "file:///a/open")
			if !may {
				w.recorded(is{method: "notifications/resources/updated", code: "policy_scope"})
			}
		})
	}
}
