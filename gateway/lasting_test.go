package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// open opens a stream of a session; its status, what reads it, and what closes it.
func (w *web) stream(session string, fields ...string) (status int, next func() string, leave func()) {
	w.t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	resp, err := w.client.Do(w.request(ctx, "GET", "", append(fields, "Mcp-Session-Id", session)...))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		leave()
		resp.Body.Close()
	})
	return resp.StatusCode, events(w.t, resp.Body), leave
}

// listens is a server whose subscriptions are acknowledged and never end.
func listens(_ *HTTPOptions, s *site) {
	s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
		if m.Method != "subscriptions/listen" {
			sayJSON(w, answer(string(m.ID), "done"))
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: %s\n\n", note("subscriptions/acknowledged", string(m.ID), `,"notifications":{}`))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// TestStreamsAreCounted: streams of sessions and subscriptions together, those of
// one principal and those of all; one that ends makes room.
func TestStreamsAreCounted(t *testing.T) {
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		listens(o, s)
		o.Capacity = &Capacity{PerPrincipal: 2, Streams: 3}
	})
	one, two := w.session(), w.session()
	status, _, leave := w.stream(one)
	if status != 200 {
		t.Fatalf("the first stream: %d", status)
	}
	w.subscribe("1", `{"toolsListChanged":true}`)
	get := func(session, who string) reply {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		resp, err := w.client.Do(w.request(ctx, "GET", "", "Mcp-Session-Id", session, "Who", who))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode == 200 {
			return reply{status: 200, header: resp.Header}
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply{resp.StatusCode, resp.Header, string(body)}
	}
	if r := get(two, "alice").want(t, 429, "of yours"); r.header.Get("Retry-After") != "30" {
		t.Errorf("it says to ask again after %q", r.header.Get("Retry-After"))
	}
	listen := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{},%s}}`, modernMetaText)
	w.post(listen, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "subscriptions/listen").want(t, 429, "of yours")
	w.recorded(is{code: "limit_concurrency"})
	bob, carl := w.session("Who", "bob"), w.session("Who", "carl")
	if status, _, _ := w.stream(bob, "Who", "bob"); status != 200 {
		t.Fatalf("bob's stream: %d", status)
	}
	get(carl, "carl").want(t, 503, "as many sessions or streams")
	w.post(call("1", "read"), "Mcp-Session-Id", two).want(t, 200, "done") // calls need no stream
	leave()
	until(t, func() bool { return get(two, "alice").status == 200 })
}

// TestWhatLastsEndsWithItsCredential: a stream and a subscription end when the time
// of the token is over, when it is taken back and when it stands for other scopes.
func TestWhatLastsEndsWithItsCredential(t *testing.T) {
	var mu sync.Mutex
	var refused error
	var scopes []string
	var ends time.Time
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		listens(o, s)
		authenticate := o.Authenticate
		o.Authenticate = func(r *http.Request) (ostiary.Principal, string, error) {
			who, session, err := authenticate(r)
			mu.Lock()
			defer mu.Unlock()
			if who.ID == "alice" && err == nil {
				who.Scopes, err = scopes, refused
			}
			return who, session, err
		}
		o.Ends = func(r *http.Request) time.Time {
			mu.Lock()
			defer mu.Unlock()
			if r.Header.Get("Who") == "" {
				return ends
			}
			return time.Time{}
		}
	})
	change := func(f func()) {
		mu.Lock()
		defer mu.Unlock()
		f()
	}
	bob := w.session("Who", "bob")
	_, _, _ = w.stream(bob, "Who", "bob")
	for _, c := range []struct {
		name   string
		change func()
		code   ostiary.Code
	}{
		{"time", func() { refused = &ostiary.Error{Code: ostiary.CodeAuthExpired, Message: "over"} }, "auth_expired"},
		{"scopes", func() { scopes = []string{"less"} }, "gateway_session"},
	} {
		t.Run(c.name, func(t *testing.T) {
			change(func() { refused, scopes, ends = nil, []string{"all"}, time.Now().Add(300*time.Millisecond) })
			_, stream, _ := w.stream(w.session())
			subscription, _ := w.subscribe("1", `{}`)
			has(t, subscription(), "acknowledged")
			change(c.change)
			for name, next := range map[string]func() string{"stream": stream, "subscription": subscription} {
				if l := next(); l != "end: EOF" {
					t.Errorf("the %s goes on with %s", name, l)
				}
			}
			w.recorded(is{code: string(c.code)})
		})
	}
	change(func() { refused = nil })
	w.endpoint.o.Capacity.mu.Lock()
	defer w.endpoint.o.Capacity.mu.Unlock()
	if w.endpoint.o.Capacity.of["bob"] != 1 {
		t.Error("bob's stream ended too")
	}
}

// TestAStreamIsTakenUpBesideAnother: a client that lost the stream of a request
// comes back for the rest with the id of the last event, while its own stream stays
// open; the answer comes by that one alone.
func TestAStreamIsTakenUpBesideAnother(t *testing.T) {
	rest := make(chan struct{})
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "id: e7\nretry: 10\ndata:\n\n")
		}
		s.own = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Last-Event-ID") == "e7" {
				<-rest
				fmt.Fprintf(w, "id: e8\ndata: %s\n\n", answer("5", "late"))
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
		}
	})
	id := w.session()
	status, own, _ := w.stream(id)
	if status != 200 {
		t.Fatalf("the session's stream: %d", status)
	}
	if r := w.post(call("5", "read"), "Mcp-Session-Id", id).want(t, 200, "id: e7"); strings.Contains(r.body, "late") {
		t.Fatal("the answer came at once")
	}
	if status, _, _ := w.stream(id); status != 409 {
		t.Errorf("a second stream: %d, want 409", status)
	}
	status, resumed, _ := w.stream(id, "Last-Event-ID", "e7")
	if status != 200 {
		t.Fatalf("the stream that takes up: %d", status)
	}
	close(rest)
	has(t, resumed(), `"id":5`, "late")
	w.endpoint.Close()
	if l := own(); !strings.HasPrefix(l, "end: ") {
		t.Errorf("the session's own stream got %s", l)
	}
}

// TestASlowBodyIsNotWaitedFor: the header came at once, the body does not.
func TestASlowBodyIsNotWaitedFor(t *testing.T) {
	w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) { o.ReadWait = 300 * time.Millisecond })
	body := modernRead("1", "read", "{}")
	send := func(after time.Duration) reply {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, rawHead(fmt.Sprintf("Content-Length: %d", len(body)))+body[:9]); err != nil {
			t.Fatal(err)
		}
		rest := time.AfterFunc(after, func() { io.WriteString(conn, body[9:]) })
		defer rest.Stop()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply{resp.StatusCode, resp.Header, string(said)}
	}
	send(10*time.Millisecond).want(t, 200, "done")
	send(time.Hour).want(t, 408, "too long")
	w.recorded(is{code: "gateway_http"})
	if n := w.behind.count(); n != 1 {
		t.Errorf("the server was reached %d times", n)
	}
}

// TestClosingDrains: a call that is under way gets its answer, a new one 503 and
// when to ask again, and what has no end ends at once.
func TestClosingDrains(t *testing.T) {
	came, goOn := make(chan struct{}), make(chan struct{})
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		listens(o, s)
		o.Door.Grace = patience
		rest := s.handle
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
			if m.Name == "put" {
				close(came)
				<-goOn
			}
			rest(w, r, m)
		}
	})
	id := w.session()
	_, stream, _ := w.stream(id)
	subscription, _ := w.subscribe("1", `{}`)
	has(t, subscription(), "acknowledged")
	var answered atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.post(call("1", "put"), "Mcp-Session-Id", id).want(t, 200, "done")
		answered.Store(true)
	}()
	<-came
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		w.endpoint.Close()
	}()
	if l := subscription(); l != "end: EOF" {
		t.Errorf("the subscription goes on with %s", l)
	}
	for _, r := range []reply{
		w.post(call("2", "read"), "Mcp-Session-Id", id), w.post(initialize),
		w.post(modernRead("1", "read", "{}"), modernFields("read")...),
	} {
		if r.want(t, 503, "closing").header.Get("Retry-After") == "" {
			t.Error("it does not say when to ask again")
		}
	}
	close(goOn)
	<-done
	<-closed
	if !answered.Load() {
		t.Error("the call under way has no answer")
	}
	if l := stream(); l != "end: EOF" {
		t.Errorf("the stream goes on with %s", l)
	}
}
