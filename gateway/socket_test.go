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

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// talk is a client by WebSocket.
type talk struct {
	t    *testing.T
	conn *websocket.Conn
}

func bySocket(o *HTTPOptions, _ *site) { o.WebSocket = true }

// dial asks for a WebSocket and returns the status of the answer too; fields are
// as in request.
func (w *web) dial(fields ...string) (*talk, int, error) {
	h := http.Header{}
	o := &websocket.DialOptions{Subprotocols: []string{"mcp"}, HTTPHeader: h, HTTPClient: w.client}
	for i := 0; i < len(fields); i += 2 {
		switch {
		case fields[i] == "Host":
			o.Host = fields[i+1]
		case fields[i] == "Protocol" && fields[i+1] == "-":
			o.Subprotocols = nil
		case fields[i] == "Protocol":
			o.Subprotocols = []string{fields[i+1]}
		default:
			h.Set(fields[i], fields[i+1])
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, strings.Replace(w.url, "http", "ws", 1), o)
	status := 0
	if resp != nil {
		status = resp.StatusCode
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
	}
	if err != nil {
		return nil, status, err
	}
	conn.SetReadLimit(1 << 20)
	w.t.Cleanup(func() { conn.CloseNow() })
	return &talk{w.t.(*testing.T), conn}, status, nil
}

func (w *web) talk(fields ...string) *talk {
	w.t.Helper()
	c, status, err := w.dial(fields...)
	if err != nil {
		w.t.Fatalf("%d %v", status, err)
	}
	return c
}

func (c *talk) send(messages ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, m := range messages {
		if err := c.conn.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *talk) want(parts ...string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	kind, got, err := c.conn.Read(ctx)
	if err != nil || kind != websocket.MessageText {
		c.t.Fatalf("%v %v", kind, err)
	}
	return has(c.t, string(got), parts...)
}

// closed waits for the end of the connection.
func (c *talk) closed() websocket.StatusCode {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if _, _, err := c.conn.Read(ctx); err != nil {
			if ctx.Err() != nil {
				c.t.Fatal("the connection stays open")
			}
			return websocket.CloseStatus(err)
		}
	}
}

func (c *talk) shaken() *talk {
	c.t.Helper()
	c.send(initialize)
	c.want(`"id":0`, `"result"`)
	c.send(initialized)
	return c
}

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

// TestAConnectionEndsWithItsCredential: at its time, and at the next message when
// it was taken back.
func TestAConnectionEndsWithItsCredential(t *testing.T) {
	var over atomic.Bool
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		authenticate, ends := o.Authenticate, time.Now().Add(time.Second)
		o.Authenticate = func(r *http.Request) (ostiary.Principal, string, error) {
			switch who, session, err := authenticate(r); {
			case who.ID == "alice" && time.Now().After(ends), who.ID == "bob" && over.Load():
				return ostiary.Principal{}, "", &ostiary.Error{Code: ostiary.CodeAuthExpired, Message: "its time is over"}
			default:
				return who, session, err
			}
		}
		o.Ends = func(r *http.Request) time.Time {
			if r.Header.Get("Who") == "" {
				return ends
			}
			return time.Time{}
		}
	})
	alice, bob, carl := w.talk().shaken(), w.talk("Who", "bob").shaken(), w.talk("Who", "carl").shaken()
	if code := alice.closed(); code != websocket.StatusPolicyViolation {
		t.Errorf("closed with %v at its time", code)
	}
	bob.send(call("1", "read"))
	bob.want("done")
	over.Store(true)
	bob.send(call("2", "read"))
	if code := bob.closed(); code != websocket.StatusPolicyViolation {
		t.Errorf("closed with %v when it was taken back", code)
	}
	w.recorded(is{code: "auth_expired"})
	if n := w.behind.count(); n != 1 {
		t.Errorf("the server was reached %d times", n)
	}
	carl.send(call("3", "read"))
	carl.want("done")
}

// TestAClientThatDoesNotReadIsCutOff: what it does not take is not kept for it.
func TestAClientThatDoesNotReadIsCutOff(t *testing.T) {
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		o.WriteWait = 300 * time.Millisecond
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			sayJSON(w, answer(string(m.ID), strings.Repeat("z", 60<<10)))
		}
	})
	c := w.talk().shaken()
	for i := range 1000 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := c.conn.Write(ctx, websocket.MessageText, []byte(call(fmt.Sprint(i), "read")))
		cancel()
		if err != nil {
			break
		}
	}
	until(t, func() bool { return w.endpoint.o.Capacity.inUse() == 0 })
	reads := w.talk().shaken() // the control reads
	reads.send(call("1", "read"))
	reads.want(`"id":1`, "zzz")
}

// TestIdleConnectionsEnd: nobody uses it, though the client answers pings; one with
// a call under way is in use.
func TestIdleConnectionsEnd(t *testing.T) {
	goOn := make(chan struct{})
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		o.IdleSession = 300 * time.Millisecond
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			<-goOn
			sayJSON(w, answer(string(m.ID), "done"))
		}
	})
	busy := w.talk("Who", "bob").shaken()
	busy.send(call("1", "put"))
	if code := w.talk().shaken().closed(); code != websocket.StatusGoingAway {
		t.Errorf("closed with %v", code)
	}
	close(goOn)
	busy.want(`"id":1`, "done")
}

// TestClosingTellsConnections: calls under way end, then the connection closes in
// order.
func TestClosingTellsConnections(t *testing.T) {
	came, goOn := make(chan struct{}), make(chan struct{})
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		o.Door.Grace = patience
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			close(came)
			<-goOn
			sayJSON(w, answer(string(m.ID), "done"))
		}
	})
	c := w.talk().shaken()
	c.send(call("1", "put"))
	<-came
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		w.endpoint.Close()
	}()
	until(t, func() bool { return w.endpoint.doors.ctx.Err() != nil })
	close(goOn)
	c.want(`"id":1`, "done")
	if code := c.closed(); code != websocket.StatusGoingAway {
		t.Errorf("closed with %v", code)
	}
	<-closed
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
