package gateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// got waits for what must come.
func got[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// TestCancelledByClosing: in the modern era the end of the POST withdraws the
// call, and the server sees the end of its own.
func TestCancelledByClosing(t *testing.T) {
	came, gone := make(chan string, 1), make(chan string, 1)
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.handle = func(_ http.ResponseWriter, r *http.Request, m *wire.Message) {
			came <- m.Name
			<-r.Context().Done()
			gone <- m.Name
		}
	})
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		resp, err := w.client.Do(w.request(ctx, "POST", modernRead("1", "read", "{}"), modernFields("read")...))
		if err == nil {
			resp.Body.Close()
		}
		ended <- err
	}()
	got(t, came, "the call")
	leave()
	got(t, gone, "the end of the call at the server")
	if err := got(t, ended, "the end at the client"); err == nil {
		t.Error("the client got an answer")
	}
	w.recorded(is{code: "gateway_cancelled", target: "read", status: "cancelled"})
}

// TestCancelledByNotification: in the legacy era a notification withdraws the
// call, the server gets it with the client's own words, and the exchange ends
// without an answer. Leaving alone withdraws nothing.
func TestCancelledByNotification(t *testing.T) {
	came, words, finish := make(chan string, 1), make(chan string, 1), make(chan struct{})
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
			if m.Method == "notifications/cancelled" {
				words <- string(m.Raw)
				w.WriteHeader(http.StatusAccepted)
				return
			}
			came <- m.Name
			select {
			case <-r.Context().Done():
			case <-finish:
				sayJSON(w, answer(string(m.ID), "done"))
			}
		}
	})
	id := w.session()
	ended := make(chan reply, 1)
	go func() { ended <- w.post(call("1", "read"), "Mcp-Session-Id", id) }()
	got(t, came, "the call")
	w.post(cancelled("1"), "Mcp-Session-Id", id).want(t, 202)
	if got := got(t, words, "the cancellation"); got != cancelled("1") {
		t.Errorf("the server got %s", got)
	}
	if r := got(t, ended, "the end of the exchange"); r.status != 200 || r.body != "" {
		t.Errorf("the client got %d %q", r.status, r.body)
	}
	w.recorded(is{code: "gateway_cancelled", target: "read", status: "cancelled"})

	ctx, leave := context.WithCancel(t.Context())
	go func() {
		got(t, came, "the second call")
		leave()
	}()
	if resp, err := w.client.Do(w.request(ctx, "POST", call("2", "read"), "Mcp-Session-Id", id)); err == nil {
		resp.Body.Close()
		t.Fatal("the client did not leave")
	}
	close(finish)
	w.recorded(is{kind: "outcome", target: "read", status: "ok"})
}

// TestAStreamThatIsTakenUpAgain: when the server ends its stream to be asked
// later, the client's ends too, and what is left comes by the stream that resumes.
func TestAStreamThatIsTakenUpAgain(t *testing.T) {
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.handle = func(w http.ResponseWriter, _ *http.Request, _ *wire.Message) {
			sayEvents(w, "id: e1\nretry: 10\ndata: \n\n")
		}
		s.own = func(w http.ResponseWriter, r *http.Request) {
			sayEvents(w, "id: e2\ndata: "+answer("1", "after "+r.Header.Get("Last-Event-Id"))+"\n\n")
		}
	})
	id := w.session()
	w.post(call("1", "read"), "Mcp-Session-Id", id).want(t, 200, "id: e1", "retry: 10")
	ctx, leave := context.WithTimeout(t.Context(), patience)
	defer leave()
	resp, err := w.client.Do(w.request(ctx, "GET", "", "Mcp-Session-Id", id, "Last-Event-ID", "e1"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	has(t, events(t, resp.Body)(), "after e1", `"id":1`)
	w.recorded(is{kind: "outcome", target: "read", status: "ok"})
}

// TestTheStreamOfASession: what the server says by itself comes by the one GET
// stream, and DELETE ends it and the server's session.
func TestTheStreamOfASession(t *testing.T) {
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.own = func(w http.ResponseWriter, r *http.Request) {
			sayEvents(w, `data: {"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:`+r.Header.Get("Mcp-Session-Id")+"\"}}\n\n")
		}
	})
	id := w.session()
	resp, err := w.client.Do(w.request(t.Context(), "GET", "", "Mcp-Session-Id", id))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	next := events(t, resp.Body)
	has(t, next(), "x:up-1")
	w.do(w.request(t.Context(), "GET", "", "Mcp-Session-Id", id)).want(t, 409, "already")
	w.do(w.request(t.Context(), "DELETE", "", "Mcp-Session-Id", id)).want(t, 204)
	if s := got(t, w.behind.ended, "the end of the server's session"); s != "up-1" {
		t.Errorf("session %s ended", s)
	}
	has(t, next(), "end: ")
	w.post(call("1", "read"), "Mcp-Session-Id", id).want(t, 404)
}

// TestEqualIdsDoNotMix: clients of the modern era share a door and choose their
// ids and progress tokens themselves.
func TestEqualIdsDoNotMix(t *testing.T) {
	const clients = 8
	var arrived atomic.Int32
	all := make(chan struct{})
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
			if arrived.Add(1) == clients {
				close(all)
			}
			select {
			case <-all: // they are open at once
			case <-r.Context().Done():
				return
			}
			text, _ := wire.Member(m.Arguments, "text")
			sayEvents(w, `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":1,"message":`+string(text)+"}}\n\n"+
				"data: "+answer(string(m.ID), string(text[1:len(text)-1]))+"\n\n")
		}
	})
	var each sync.WaitGroup
	for i := range clients {
		each.Go(func() {
			mine := fmt.Sprintf("mine-%d", i)
			body := strings.Replace(modernRead("1", "read", `{"text":"`+mine+`"}`), `"_meta":{`, `"_meta":{"progressToken":7,`, 1)
			r := w.post(body, modernFields("read")...)
			if r.status != 200 || strings.Count(r.body, mine) != 2 || strings.Count(r.body, "mine-") != 2 {
				t.Errorf("client %d got %d %s", i, r.status, r.body)
			}
		})
	}
	each.Wait()
}

// TestAnHTTPClientThatDoesNotRead: it slows its own server down and is cut off after
// the time for one write; what the server says is kept nowhere.
func TestAnHTTPClientThatDoesNotRead(t *testing.T) {
	said := make(chan int, 1)
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		o.WriteWait = 200 * time.Millisecond
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			note := `data: {"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:` + strings.Repeat("y", 32<<10) + "\"}}\n\n"
			w.Header().Set("Content-Type", "text/event-stream")
			total := 0
			for total < 1<<30 {
				n, err := io.WriteString(w, note)
				if total += n; err != nil {
					break
				}
			}
			said <- total
		}
	})
	returned := make(chan struct{}, 1)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.endpoint.ServeHTTP(rw, r)
		returned <- struct{}{}
	}))
	defer front.Close()
	conn, err := net.Dial("tcp", front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := modernRead("1", "read", "{}")
	if _, err := io.WriteString(conn, rawHead(fmt.Sprintf("Content-Length: %d", len(body)))+body); err != nil {
		t.Fatal(err)
	}
	if n := got(t, said, "the end of what the server says"); n >= 128<<20 {
		t.Errorf("the server could say %d bytes to nobody", n)
	}
	got(t, returned, "the end of the exchange")
	w.recorded(is{target: "read", code: "gateway_cancelled"})
	// The control reads, and gets all of a long answer.
	w.behind.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
		sayJSON(w, answer(string(m.ID), strings.Repeat("z", 60<<10)))
	}
	if r := w.post(body, modernFields("read")...).want(t, 200); strings.Count(r.body, "z") != 60<<10 {
		t.Errorf("the control got %d bytes", len(r.body))
	}
}

// TestSessionsAreCounted: one principal has so many and no more; others and whoever
// ends one go on.
func TestSessionsAreCounted(t *testing.T) {
	w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) { o.Sessions = 2 })
	first := w.session()
	w.session()
	if r := w.post(initialize).want(t, 429, "2 sessions"); r.header.Get("Retry-After") != "30" {
		t.Errorf("it says to ask again after %q", r.header.Get("Retry-After"))
	}
	w.recorded(is{code: "limit_concurrency"})
	w.session("Who", "bob")
	w.do(w.request(t.Context(), "DELETE", "", "Mcp-Session-Id", first)).want(t, 204)
	w.session()
	w.behind.mu.Lock()
	defer w.behind.mu.Unlock()
	if w.behind.shakes != 4 {
		t.Errorf("the server saw %d handshakes", w.behind.shakes)
	}
}

// TestIdleSessionsEnd: a session that nobody uses ends, the server's with it; one
// with an open stream is in use.
func TestIdleSessionsEnd(t *testing.T) {
	w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) { o.IdleSession = 500 * time.Millisecond })
	used := w.post(initialize).header.Get("Mcp-Session-Id") // up-1
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	resp, err := w.client.Do(w.request(ctx, "GET", "", "Mcp-Session-Id", used))
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("the stream: %v %v", resp, err)
	}
	defer resp.Body.Close()
	idle := w.post(initialize).header.Get("Mcp-Session-Id") // up-2
	if s := got(t, w.behind.ended, "the end of the idle session"); s != "up-2" {
		t.Fatalf("the server's session %s ended", s)
	}
	w.post(call("1", "read"), "Mcp-Session-Id", idle).want(t, 404)
	w.post(initialized, "Mcp-Session-Id", used).want(t, 202)
	w.post(call("1", "read"), "Mcp-Session-Id", used).want(t, 200, "done")
	leave()
	if s := got(t, w.behind.ended, "the end of the session without stream"); s != "up-1" {
		t.Fatalf("the server's session %s ended", s)
	}
}

// TestClosingEndsEverything: calls under way end within the grace, streams end, the
// server's sessions are deleted, nobody is let in any more. That no goroutine is
// left is checked by openWeb.
func TestClosingEndsEverything(t *testing.T) {
	came := make(chan struct{}, 2)
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		o.Door.Grace = 50 * time.Millisecond
		s.handle = func(_ http.ResponseWriter, r *http.Request, _ *wire.Message) {
			came <- struct{}{}
			<-r.Context().Done()
		}
	})
	id := w.session()
	resp, err := w.client.Do(w.request(t.Context(), "GET", "", "Mcp-Session-Id", id))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	ended := make(chan reply, 2)
	go func() { ended <- w.post(call("1", "read"), "Mcp-Session-Id", id) }()
	go func() { ended <- w.post(modernRead("1", "read", "{}"), modernFields("read")...) }()
	got(t, came, "a call")
	got(t, came, "the other call")
	w.endpoint.Close()
	for range 2 {
		got(t, ended, "the end of a call").want(t, 200, "door is closing")
	}
	has(t, events(t, resp.Body)(), "end: ")
	if s := got(t, w.behind.ended, "the end of the server's session"); s != "up-1" {
		t.Errorf("session %s ended", s)
	}
	w.post(modernRead("1", "read", "{}"), modernFields("read")...).want(t, 503, "closing")
	w.post(initialize).want(t, 503, "closing")
	w.post(call("1", "read"), "Mcp-Session-Id", id).want(t, 503)
}

// TestAPanicLeavesARecord: wherever the door fails at a request, the request is
// refused and recorded, and the next one passes.
func TestAPanicLeavesARecord(t *testing.T) {
	for _, era := range []string{"modern", "legacy"} {
		for at := 1; at <= 3; at++ {
			t.Run(fmt.Sprintf("%s/%d", era, at), func(t *testing.T) {
				var left atomic.Int32
				w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) {
					o.Door.Grace = 50 * time.Millisecond
					o.Door.Now = func() time.Time {
						if left.Load() > 0 && left.Add(-1) == 0 {
							panic("the clock broke")
						}
						return time.Now()
					}
				})
				body, fields := modernRead("1", "read", "{}"), modernFields("read")
				if era == "legacy" {
					body, fields = call("1", "read"), []string{"Mcp-Session-Id", w.session()}
				}
				w.post(body, fields...).want(t, 200, "done")
				left.Store(int32(at))
				resp, err := w.client.Do(w.request(t.Context(), "POST", body, fields...))
				if err == nil {
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				if left.Load() > 0 {
					t.Skip("the clock is not asked so often")
				}
				w.recorded(is{code: "internal_panic"})
				w.post(strings.Replace(body, `"id":1`, `"id":2`, 1), fields...).want(t, 200, "done")
			})
		}
	}
	t.Run("who calls", func(t *testing.T) {
		w := openWeb(t, policy.Options{}, func(o *HTTPOptions, _ *site) {
			o.Authenticate = func(*http.Request) (ostiary.Principal, string, error) { panic("nobody knows") }
		})
		w.post(initialize).want(t, 500, "the door failed")
		w.recorded(is{code: "internal_panic"})
	})
}

// TestPrettyMessagesPass: over HTTP a message may have line breaks between its
// tokens, on either side, and stays one event.
func TestPrettyMessagesPass(t *testing.T) {
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			sayEvents(w, "data: {\ndata: \"jsonrpc\":\"2.0\",\ndata: \"id\":"+string(m.ID)+",\"result\":{\"content\":[]}}\n\n")
		}
	})
	body := strings.Replace(modernRead("1", "read", "{}"), `{"jsonrpc"`, "{\n \"jsonrpc\"", 1)
	resp, err := w.client.Do(w.request(t.Context(), "POST", body, modernFields("read")...))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	has(t, events(t, resp.Body)(), "{\n\"jsonrpc\"", `"content":[]`)
}
