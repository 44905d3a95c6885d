package gateway

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ostiary/ostiary/wire"
)

// TestTalkByWebSocket: both eras, calls at once, a cancellation, and what the server
// says by itself, each on one connection; refusals are as over HTTP.
func TestTalkByWebSocket(t *testing.T) {
	gone := make(chan struct{})
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
			switch {
			case m.Method == "notifications/cancelled":
				w.WriteHeader(http.StatusAccepted)
			case m.Name == "put":
				<-r.Context().Done()
				close(gone)
			default:
				sayJSON(w, answer(string(m.ID), "done"))
			}
		}
		s.own = func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"x:y\"}}\n\n")
			w.(http.Flusher).Flush()
		}
	})
	legacy := w.talk().shaken()
	legacy.want("resources/updated")
	legacy.send(call("1", "read"), call(`"b"`, "none"))
	has(t, legacy.want("jsonrpc")+legacy.want("jsonrpc"), `"id":1`, "done", `"id":"b"`, "policy_unknown")
	modern := w.talk("Who", "bob")
	modern.send(modernRead("7", "read", "{\n}"))
	modern.want(`"id":7`, "done")
	modern.send(modernRead("8", "put", "{}"))
	until(t, func() bool { return w.behind.count() == 3 })
	modern.send(cancelled("8"))
	got(t, gone, "the end of the call")
	modern.send(`[]`)
	modern.want("-32600")
	w.recorded(is{code: "wire_batch"}, is{target: "put", code: "gateway_cancelled"})
	if legacy.conn.Close(websocket.StatusNormalClosure, "") != nil {
		t.Error("the connection did not close in order")
	}
	got(t, w.behind.ended, "the end of the server's session")
}

// TestWebSocketIsOffAndGuarded: what is refused before there is a connection. Each
// control differs only in what is wrong.
func TestWebSocketIsOffAndGuarded(t *testing.T) {
	for _, c := range []struct {
		name           string
		control, abuse []string
		status         int
		code           string
	}{
		{"nobody", nil, []string{"Who", "nobody"}, 401, "auth_missing"},
		{"other origin", nil, []string{"Origin", "https://evil.example"}, 403, "gateway_host"},
		{"null origin", nil, []string{"Origin", "null"}, 403, "gateway_host"},
		{"rebinding", []string{"Host", "localhost"}, []string{"Host", "evil.example"}, 403, "gateway_host"},
		{"no subprotocol", nil, []string{"Protocol", "-"}, 400, "gateway_http"},
		{"other subprotocol", nil, []string{"Protocol", "chat"}, 400, "gateway_http"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := openWeb(t, rows(), bySocket)
			w.talk(c.control...).shaken()
			_, status, err := w.dial(c.abuse...)
			if err == nil || status != c.status {
				t.Fatalf("%d %v, want %d", status, err, c.status)
			}
			w.recorded(is{code: c.code})
		})
	}
	t.Run("off", func(t *testing.T) {
		w := openWeb(t, rows(), plain)
		if _, status, err := w.dial(); err == nil || status != 501 {
			t.Fatalf("%d %v", status, err)
		}
	})
	// A page of another site, without the guard of names in front: the list of pages
	// is what keeps it out, and with the page on that list the attack works.
	t.Run("hijacking", func(t *testing.T) {
		for _, listed := range []bool{true, false} {
			t.Run(fmt.Sprintf("listed=%t", listed), func(t *testing.T) { // so that one world ends before the next counts
				w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
					bySocket(o, s)
					if listed {
						o.Pages.Origins = []string{"https://evil.example"}
					}
				})
				bare := &web{bench: w.bench, client: w.client, url: serveBare(t, w.endpoint)}
				conn, status, err := bare.dial("Origin", "https://evil.example")
				switch {
				case listed && err != nil:
					t.Fatalf("the control: %v", err)
				case listed:
					conn.shaken().conn.CloseNow()
				case err == nil || status != 403:
					t.Errorf("a page of another site got in: %d", status)
				}
			})
		}
	})
}

// serveBare serves an endpoint without Hosts in front.
func serveBare(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return "http://" + l.Addr().String()
}

// TestAbuseByWebSocket: each ends the connection with its code, is recorded, and
// reaches no server; the connection of somebody else goes on.
func TestAbuseByWebSocket(t *testing.T) {
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		o.ReadWait = 500 * time.Millisecond
	})
	other := w.talk("Who", "bob").shaken()
	write := func(c *talk, kind websocket.MessageType, b []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c.conn.Write(ctx, kind, b) // the door may close before all of it is written
	}
	for _, a := range []struct {
		name string
		do   func(*talk)
		code websocket.StatusCode
		is   string
	}{
		{"oversized", func(c *talk) {
			write(c, websocket.MessageText, []byte(strings.Replace(call("1", "read"), `"x"`, `"`+strings.Repeat("x", 65<<10)+`"`, 1)))
		}, websocket.StatusMessageTooBig, "wire_size"},
		{"binary", func(c *talk) { write(c, websocket.MessageBinary, []byte(call("1", "read"))) }, websocket.StatusUnsupportedData, "gateway_http"},
		{"invalid UTF-8", func(c *talk) {
			write(c, websocket.MessageText, []byte(strings.Replace(call("1", "read"), `"x"`, "\"\xff\"", 1)))
		}, websocket.StatusInvalidFramePayloadData, "wire_utf8"},
		{"fragments without end", func(c *talk) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			f, err := c.conn.Writer(ctx, websocket.MessageText)
			for err == nil { // empty ones count no bytes
				_, err = f.Write(nil)
			}
		}, -1, ""},
	} {
		t.Run(a.name, func(t *testing.T) {
			c := w.talk().shaken()
			c.send(call("9", "read"))
			c.want(`"id":9`, "done") // the control
			before := w.behind.count()
			a.do(c)
			if code := c.closed(); code != a.code {
				t.Errorf("closed with %v, want %v", code, a.code)
			}
			if a.is != "" {
				w.recorded(is{code: a.is})
			}
			if n := w.behind.count(); n != before {
				t.Error("the server was reached")
			}
			other.send(call("9", "read"))
			other.want(`"id":9`, "done")
		})
	}
}

// TestConnectionsShareNothing: two clients of one principal choose the same ids;
// each gets its own answers, from a server session of its own.
func TestConnectionsShareNothing(t *testing.T) {
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
			sayJSON(w, answer(string(m.ID), r.Header.Get("Mcp-Session-Id")))
		}
	})
	var both sync.WaitGroup
	for i, c := range []*talk{w.talk().shaken(), w.talk().shaken()} {
		both.Go(func() {
			for n := range 20 {
				c.send(call(fmt.Sprint(n), "read"))
				c.want(fmt.Sprintf(`"id":%d,`, n), fmt.Sprintf("up-%d", i+1))
			}
		})
	}
	both.Wait()
}

// TestAServerThatSendsOnAndOn: a server that ends every stream to be asked again at
// once is asked in measure, for as long as the call may run.
func TestAServerThatSendsOnAndOn(t *testing.T) {
	var asked atomic.Int32
	again := func(w http.ResponseWriter) { sayEvents(w, "id: e1\nretry: 0\ndata: \n\n") }
	slow := rows()
	for i := range slow.Rows {
		slow.Rows[i].Timeout = time.Second
	}
	w := openWeb(t, slow, func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			if m.Method != "tools/call" {
				return
			}
			again(w)
		}
		behind := s.Config.Handler
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && r.Header.Get("Last-Event-Id") != "" {
				asked.Add(1)
				again(w)
				return
			}
			behind.ServeHTTP(w, r)
		})
	})
	c := w.talk().shaken()
	c.send(call("1", "read"))
	c.want(`"id":1`, "limit_timeout")
	if n := asked.Load(); n < 2 || n > 12 {
		t.Errorf("the server was asked %d times in a second", n)
	}
}

// TestAnswersWaitForAConnectionThatIsFull: what one connection has not taken bounds
// what is read for it.
func TestAnswersWaitForAConnectionThatIsFull(t *testing.T) {
	w := openWeb(t, rows(), bySocket)
	c := w.talk().shaken()
	c.send(call("1", "read"))
	c.want(`"id":1`, "done") // the control
	var d *door
	w.endpoint.doors.mu.Lock()
	for _, s := range w.endpoint.doors.all {
		d = s.door
	}
	w.endpoint.doors.mu.Unlock()
	d.down.mu.Lock()
	d.down.unreleased += unreleasedBytes + 1
	d.down.mu.Unlock()
	c.send(call("2", "read"))
	waits := func() bool {
		d.down.mu.Lock()
		defer d.down.mu.Unlock()
		return d.down.freed != nil
	}
	until(t, waits)
	d.down.mu.Lock()
	if d.down.unreleased != unreleasedBytes+1 {
		t.Error("the second answer was read all the same")
	}
	d.down.unreleased -= unreleasedBytes + 1
	close(d.down.freed)
	d.down.freed = nil
	d.down.mu.Unlock()
	c.want(`"id":2`, "done")
}
