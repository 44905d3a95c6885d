package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ostiary/ostiary/wire"
)

// sayEvents answers by an event stream.
func sayEvents(w http.ResponseWriter, stream string) {
	w.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(w, stream)
	w.(http.Flusher).Flush()
}

func status(code int, kind, body string) func(http.ResponseWriter, *http.Request, *wire.Message) {
	return func(w http.ResponseWriter, _ *http.Request, _ *wire.Message) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// TestAServerThatDoesNotSpeakMCP: whatever the server answers, the client gets one
// proper answer that says so, at once, with a status that is not the server's, and
// the door goes on. The controls are the good answers before and behind each.
func TestAServerThatDoesNotSpeakMCP(t *testing.T) {
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed.Add(1)
		sayJSON(w, answer("1", "from elsewhere"))
	}))
	t.Cleanup(elsewhere.Close)
	long := strings.Repeat("x", 70<<10)
	type handler = func(http.ResponseWriter, *http.Request, *wire.Message)
	json := func(body string) handler {
		return func(w http.ResponseWriter, _ *http.Request, _ *wire.Message) { sayJSON(w, body) }
	}
	stream := func(body string) handler {
		return func(w http.ResponseWriter, _ *http.Request, _ *wire.Message) { sayEvents(w, body) }
	}
	for _, c := range []struct {
		name   string
		handle handler
		says   string
		code   string
	}{
		{"redirect", func(w http.ResponseWriter, r *http.Request, _ *wire.Message) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "redirect", "gateway_upstream"},
		{"redirect with a message", func(w http.ResponseWriter, _ *http.Request, _ *wire.Message) {
			w.Header().Set("Location", elsewhere.URL)
			status(302, "application/json", answer("1", "moved"))(w, nil, nil)
		}, "redirect", "gateway_upstream"},
		{"401 and a page", status(401, "text/html", "<html>sign in"), "credential", "gateway_upstream"},
		{"401 and a message", status(401, "application/json", answer("1", "hello")), "credential", "gateway_upstream"},
		{"403", status(403, "application/json", "{}"), "credential", "gateway_upstream"},
		{"500 and a page", status(500, "text/html", "<html>oh no"), "status 500", "gateway_upstream"},
		{"500 and an event stream", status(500, "text/event-stream", "data: "+answer("1", "hello")+"\n\n"), "status 500", "gateway_upstream"},
		{"a page", status(200, "text/html", "<html>hello"), "neither JSON nor", "gateway_upstream"},
		{"accepted", status(202, "text/plain", ""), "neither JSON nor", "gateway_upstream"},
		{"nothing", json(""), "answer was refused", "wire_parse"},
		{"half a message", json(`{"jsonrpc":"2.0","id":1,"resu`), "answer was refused", "wire_parse"},
		{"a key twice", json(`{"jsonrpc":"2.0","id":1,"id":1,"result":{}}`), "answer was refused", "wire_duplicate_key"},
		{"too long", json(answer("1", long)), "answer was refused", "wire_size"},
		{"another id", json(answer("2", "hello")), "something else", "gateway_orphan"},
		{"id of another kind", json(answer(`"1"`, "hello")), "something else", "gateway_orphan"},
		{"a notification", json(`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:y"}}`), "something else", "gateway_upstream"},
		{"cut off", func(w http.ResponseWriter, _ *http.Request, _ *wire.Message) {
			w.Header().Set("Content-Length", "1000")
			sayJSON(w, `{"jsonrpc":`)
		}, "cut off", "gateway_upstream"},
		{"stream without answer", stream(""), "cut off", "gateway_upstream"},
		{"stream cut off in the answer", stream("data: " + answer("1", "hello") + "\n"), "cut off", "gateway_upstream"},
		{"stream with another id", stream("data: " + answer("2", "hello") + "\n\n"), "cut off", "gateway_orphan"},
		{"event too long", stream("data: " + answer("1", long) + "\n\n"), "cut off", "gateway_upstream"},
		{"line without end", stream("data: " + strings.Repeat("x", 200<<10)), "cut off", "gateway_upstream"},
		{"bad event", stream("data: hello\n\n"), "answer was refused", "wire_parse"},
	} {
		for _, era := range []string{"modern", "legacy"} {
			t.Run(c.name+"/"+era, func(t *testing.T) {
				var bad atomic.Bool
				w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
					s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
						if bad.Load() {
							c.handle(w, r, m)
							return
						}
						sayEvents(w, "data: "+answer(string(m.ID), "done")+"\n\n")
					}
				})
				body, fields := modernRead("1", "read", "{}"), modernFields("read")
				if era == "legacy" {
					body, fields = call("1", "read"), []string{"Mcp-Session-Id", w.session()}
				}
				w.post(body, fields...).want(t, 200, "done", "event: message")
				bad.Store(true)
				got := w.post(body, fields...).want(t, 200, c.says, `"id":1,`)
				if !strings.Contains(got.body, `"isError":true`) || strings.Contains(got.body, "hello") || got.header.Get("WWW-Authenticate") != "" || got.header.Get("Location") != "" {
					t.Fatalf("the client got %v %s", got.header, got.body)
				}
				w.recorded(is{code: c.code})
				bad.Store(false)
				again := strings.Replace(body, `"id":1`, `"id":3`, 1)
				w.post(again, fields...).want(t, 200, "done", `"id":3`)
			})
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("redirects were followed %d times", n)
	}
}

// TestTheServersErrorsPass: what is an answer of the protocol passes with its
// status, and the right answer behind a wrong one in a stream is the answer.
func TestTheServersErrorsPass(t *testing.T) {
	say := status(404, "application/json", `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such thing"}}`)
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) { say(w, r, m) }
	})
	w.post(modernRead("1", "read", "{}"), modernFields("read")...).want(t, 404, "no such thing")
	say = func(w http.ResponseWriter, _ *http.Request, _ *wire.Message) {
		sayEvents(w, "data: "+answer("2", "wrong")+"\n\ndata: "+answer("1", "right")+"\n\n")
	}
	if got := w.post(modernRead("1", "read", "{}"), modernFields("read")...).want(t, 200, "right"); strings.Contains(got.body, "wrong") {
		t.Fatalf("the client got both: %s", got.body)
	}
	w.recorded(is{code: "gateway_orphan"})
}

// TestTheServerForgetsTheSession: the client is told as the protocol has it, and
// begins a new one.
func TestTheServerForgetsTheSession(t *testing.T) {
	var forgot atomic.Bool
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			if forgot.Load() {
				http.Error(w, "no such session", http.StatusNotFound)
				return
			}
			sayJSON(w, answer(string(m.ID), "done"))
		}
	})
	id := w.session()
	w.post(call("1", "read"), "Mcp-Session-Id", id).want(t, 200, "done")
	forgot.Store(true)
	w.post(call("2", "read"), "Mcp-Session-Id", id).want(t, 404, "begin a new one", `"error"`)
	w.recorded(is{code: "gateway_session", target: "read"})
	n := w.behind.count()
	w.post(call("3", "read"), "Mcp-Session-Id", id).want(t, 404, "not known")
	if w.behind.count() != n {
		t.Error("the server was asked again")
	}
	forgot.Store(false)
	w.post(call("1", "read"), "Mcp-Session-Id", w.session()).want(t, 200, "done")
}
