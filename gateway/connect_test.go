package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// stdioEnd is a client of Connect.
type stdioEnd struct {
	t      *testing.T
	in     *io.PipeWriter
	lines  *bufio.Reader
	stderr *bytes.Buffer // read it when it has ended
	ended  chan error
	token  string
}

// connectTo runs Connect against a handler, with a bound of 64 KiB a message.
func connectTo(t *testing.T, h http.HandlerFunc) *stdioEnd {
	t.Helper()
	server := httptest.NewServer(h)
	in, inEnd := io.Pipe()
	out, outEnd := io.Pipe()
	e := &stdioEnd{t: t, in: inEnd, lines: bufio.NewReader(out), stderr: &bytes.Buffer{}, ended: make(chan error, 1), token: "the-secret-credential"}
	ctx, cancel := context.WithCancel(context.Background())
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	go func() {
		err := Connect(ctx, ConnectOptions{
			Endpoint: func(context.Context) (string, error) { return server.URL + "/s/mcp", nil },
			Door:     "http://door.example", Client: client,
			Header: func() (http.Header, error) { return http.Header{"Authorization": {"Bearer " + e.token}}, nil },
			Limits: wire.Limits{MaxBytes: 64 << 10}, Grace: 5 * time.Second, In: in, Out: outEnd, Stderr: e.stderr,
		})
		outEnd.Close()
		e.ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		inEnd.Close()
		out.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return e
}

func (e *stdioEnd) say(lines ...string) {
	e.t.Helper()
	for _, l := range lines {
		if _, err := io.WriteString(e.in, l+"\n"); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *stdioEnd) hears() string {
	e.t.Helper()
	l, err := e.lines.ReadString('\n')
	if err != nil {
		e.t.Fatalf("no line: %v", err)
	}
	return strings.TrimSuffix(l, "\n")
}

// leaves closes the input and returns what was said last, and how Connect ended.
func (e *stdioEnd) leaves() (rest string, err error) {
	e.t.Helper()
	e.in.Close()
	b, rerr := io.ReadAll(e.lines)
	if rerr != nil {
		e.t.Error(rerr)
	}
	return string(b), <-e.ended
}

// listRequest is a request of the legacy era, callRequest one of the modern.
const (
	listRequest = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	callRequest = `{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"pay","arguments":{"to":"Zoë","amount":5},` +
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
	initRequest = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
)

func answered(w http.ResponseWriter, kind, body string) {
	w.Header().Set("Content-Type", kind)
	_, _ = io.WriteString(w, body)
}

// TestConnectHostileDoor: whatever stands at the other end, the client gets one
// line of JSON-RPC for its request, nothing grows, and no credential leaves for
// another place.
func TestConnectHostileDoor(t *testing.T) {
	const fine = `{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}`
	elsewhere := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		elsewhere <- r.Header.Get("Authorization")
	}))
	t.Cleanup(other.Close)
	endless := func(w http.ResponseWriter, begin string) {
		_, err := io.WriteString(w, begin)
		for junk := strings.Repeat("x", 32<<10); err == nil; {
			_, err = io.WriteString(w, junk)
		}
	}
	for name, c := range map[string]struct {
		door http.HandlerFunc
		want string // in the answer
	}{
		"control: JSON": {func(w http.ResponseWriter, _ *http.Request) { answered(w, "application/json", fine) }, fine},
		"control: over lines": {func(w http.ResponseWriter, _ *http.Request) {
			answered(w, "application/json", strings.ReplaceAll(fine, ",", ",\r\n "))
		}, `"result"`},
		"control: event": {func(w http.ResponseWriter, _ *http.Request) { answered(w, "text/event-stream", "data: "+fine+"\n\n") }, fine},
		"control: refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}`)
		}, `"id":1,"error":{"code":-32600,"message":"no"}`},
		"endless line of JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			endless(w, `{"jsonrpc":"`)
		}, "longer than one message may be"},
		"endless line of event": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			endless(w, "data: ")
		}, "longer than one message may be"},
		"endless lines of event": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			endless(w, strings.Repeat("data: x\n", 9000))
		}, "longer than one message may be"},
		"another content type": {func(w http.ResponseWriter, _ *http.Request) { answered(w, "text/html", fine) }, "neither JSON nor an event stream"},
		"no content type": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, fine)
		}, "neither JSON nor an event stream"},
		"nothing": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }, "neither JSON nor an event stream"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, "redirect"},
		"redirect with a body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", other.URL)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(308)
			_, _ = io.WriteString(w, fine)
		}, "redirect"},
		"no JSON":             {func(w http.ResponseWriter, _ *http.Request) { answered(w, "application/json", "<html>") }, "no JSON-RPC message"},
		"no JSON in an event": {func(w http.ResponseWriter, _ *http.Request) { answered(w, "text/event-stream", "data: <html>\n\n") }, "no JSON-RPC message"},
		"two messages":        {func(w http.ResponseWriter, _ *http.Request) { answered(w, "application/json", fine+"\n"+fine) }, "no JSON-RPC message"},
		"keys twice": {func(w http.ResponseWriter, _ *http.Request) {
			answered(w, "application/json", `{"jsonrpc":"2.0","id":1,"id":1,"result":{}}`)
		}, "no JSON-RPC message"},
		"another's answer": {func(w http.ResponseWriter, _ *http.Request) {
			answered(w, "application/json", `{"jsonrpc":"2.0","id":2,"result":{}}`)
		}, "another request"},
		"another's answer, event": {func(w http.ResponseWriter, _ *http.Request) {
			answered(w, "text/event-stream", "data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n\n")
		}, "cut off"},
		"a request as the answer": {func(w http.ResponseWriter, _ *http.Request) {
			answered(w, "application/json", `{"jsonrpc":"2.0","id":1,"method":"ping"}`)
		}, "something else than the answer"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			answered(w, "application/json", fine)
		}, "cut off"},
		"hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "hung up"},
		"does not know us": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "sign in \x1b[2J", http.StatusUnauthorized)
		}, "--token-file"},
		"no such page": {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "Correct --name or the URL"},
	} {
		t.Run(name, func(t *testing.T) {
			e := connectTo(t, c.door)
			e.say(listRequest)
			got := e.hears()
			m, err := wire.Parse([]byte(got), wire.Limits{MaxBytes: 64 << 10})
			if err != nil || m.Key != "n:1" || !strings.Contains(got, c.want) {
				t.Errorf("%s, %v; want %q", got, err, c.want)
			}
			if rest, err := e.leaves(); rest != "" || err != nil {
				t.Errorf("after it %q, %v", rest, err)
			}
			if said := e.stderr.String(); strings.Contains(said+got, e.token) || strings.ContainsRune(said, 0x1b) || strings.HasPrefix(name, "control") != (said == "") {
				t.Errorf("standard error: %q", said)
			}
		})
	}
	if len(elsewhere) > 0 {
		t.Errorf("the credential went elsewhere: %q", <-elsewhere)
	}
}

// notedDoor answers as a door does, and notes what it got.
type notedDoor struct {
	mu  sync.Mutex
	got []*http.Request
	say []string // the bodies
}

func (d *notedDoor) note(r *http.Request) string {
	b, _ := io.ReadAll(r.Body) // what came is what is noted
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got, d.say = append(d.got, r), append(d.say, string(b))
	return string(b)
}

func (d *notedDoor) all() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for i, r := range d.got {
		fmt.Fprintf(&b, "%s session=%s version=%s method=%s name=%s %s\n", r.Method, r.Header.Get(headerSession), r.Header.Get(headerVersion), r.Header.Get(headerMethod), r.Header.Get(headerName), d.say[i])
	}
	return b.String()
}

// TestConnectLegacy: the session is named from its handshake on, one stream hears
// what belongs to no request, and the end says so.
func TestConnectLegacy(t *testing.T) {
	d := &notedDoor{}
	listening, deleted := make(chan bool, 1), make(chan bool, 1)
	e := connectTo(t, func(w http.ResponseWriter, r *http.Request) {
		body := d.note(r)
		switch {
		case r.Method == http.MethodGet:
			answered(w, "text/event-stream", "id: 7\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n")
			_ = http.NewResponseController(w).Flush()
			listening <- true
			<-r.Context().Done()
		case r.Method == http.MethodDelete:
			deleted <- true
		case strings.Contains(body, "initialize\""):
			w.Header().Set(headerSession, "s-1")
			answered(w, "application/json", `{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"x","version":"1"}}}`)
		case strings.Contains(body, `"id":1`):
			answered(w, "application/json", `{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}`)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	})
	// All at once: what stands behind the handshake waits for its session.
	e.say(initRequest, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, listRequest)
	var got []string
	for range 3 {
		got = append(got, e.hears())
	}
	<-listening
	if all := strings.Join(got, "\n"); !strings.HasPrefix(all, `{"jsonrpc":"2.0","id":0`) || !strings.Contains(all, `"id":1,`) || !strings.Contains(all, "list_changed") {
		t.Errorf("%s", all)
	}
	if rest, err := e.leaves(); rest != "" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	<-deleted
	sent := d.all()
	for i, line := range strings.Split(strings.TrimSpace(sent), "\n") {
		if named := strings.Contains(line, "session=s-1"); named != (i > 0) {
			t.Errorf("message %d: %s", i, line)
		}
		if i > 0 && !strings.HasPrefix(line, "DELETE") && !strings.Contains(line, "version=2025-11-25") {
			t.Errorf("message %d: %s", i, line)
		}
	}
	if strings.Index(sent, "notifications/initialized") > strings.Index(sent, `"id":1`) {
		t.Errorf("a request overtook what stood before it:\n%s", sent)
	}
}

// TestConnectModern: the header says what the body says, the arguments among it
// that the list of tools names, and a cancellation ends the stream.
func TestConnectModern(t *testing.T) {
	d := &notedDoor{}
	gone := make(chan bool, 1)
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	e := connectTo(t, func(w http.ResponseWriter, r *http.Request) {
		switch body := d.note(r); {
		case strings.Contains(body, "tools/list"):
			answered(w, "application/json", `{"jsonrpc":"2.0","id":"l","result":{"resultType":"complete","tools":[{"name":"pay","inputSchema":{"type":"object","properties":{`+
				`"to":{"type":"string","x-mcp-header":"To"},"amount":{"type":"integer","x-mcp-header":"Amount"}}}}]}}`)
		case strings.Contains(body, "tools/call"):
			answered(w, "text/event-stream", "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":1}}\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			gone <- true
		default:
			answered(w, "application/json", `{"jsonrpc":"2.0","id":"d","result":{}}`)
		}
	})
	e.say(`{"jsonrpc":"2.0","id":"l","method":"tools/list","params":{` + meta + `}}`)
	e.hears()
	e.say(callRequest)
	if got := e.hears(); !strings.Contains(got, "notifications/progress") { // unbuffered, while the call runs
		t.Error(got)
	}
	call := d.got[1]
	for field, want := range map[string]string{
		headerVersion: "2026-07-28", headerMethod: "tools/call", headerName: "pay", headerSession: "",
		"Mcp-Param-To": "=?base64?Wm/Dqw==?=", "Mcp-Param-Amount": "5", "Authorization": "Bearer " + e.token,
	} {
		if got := call.Header.Get(field); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	e.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c"}}`)
	<-gone
	e.say(`{"jsonrpc":"2.0","id":"d","method":"server/discover","params":{` + meta + `}}`)
	if got := e.hears(); !strings.Contains(got, `"id":"d"`) { // the cancelled call is not answered
		t.Error(got)
	}
	if rest, err := e.leaves(); rest != "" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	if sent := d.all(); strings.Contains(sent, "notifications/cancelled") || strings.Contains(sent, "DELETE") {
		t.Errorf("sent:\n%s", sent)
	}
}

// TestConnectFraming: one line is one message, bounded; what is none goes to the
// door, which has the evidence, and its answer is never that of an open request.
func TestConnectFraming(t *testing.T) {
	d := &notedDoor{}
	release, arrived := make(chan bool), make(chan bool, 2)
	e := connectTo(t, func(w http.ResponseWriter, r *http.Request) {
		switch body := d.note(r); body {
		case listRequest:
			arrived <- true
			<-release
			answered(w, "application/json", `{"jsonrpc":"2.0","id":1,"result":{"true":1}}`)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32700,"message":"what is that"}}`)
		}
	})
	e.say(listRequest)
	<-arrived
	e.say(listRequest)
	if got := e.hears(); !strings.Contains(got, `"id":null`) || !strings.Contains(got, "wire_id") {
		t.Errorf("an id twice: %s", got)
	}
	e.say(`{"jsonrpc":"2.0","id":1,"x":"` + strings.Repeat("x", 65<<10) + `"}`)
	if got := e.hears(); !strings.Contains(got, `"id":null`) || !strings.Contains(got, "wire_size") {
		t.Errorf("a long line: %s", got)
	}
	e.say("", `{"jsonrpc":"2.0","id":1,"id":1,"method":"x"}`)
	if got := e.hears(); got != `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what is that"}}` {
		t.Errorf("what is no message: %s", got)
	}
	close(release)
	if got := e.hears(); got != `{"jsonrpc":"2.0","id":1,"result":{"true":1}}` {
		t.Errorf("the open request: %s", got)
	}
	e.say(`{`)
	if rest, err := e.leaves(); err != nil || rest != `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what is that"}}`+"\n" {
		t.Errorf("%q, %v", rest, err)
	}
	if sent := d.all(); strings.Count(sent, "\n") != 3 || !strings.Contains(sent, `"id":1,"id":1`) {
		t.Errorf("sent:\n%s", sent)
	}
}

// TestConnectLosesItsSession: a door that has forgotten it ends the connection,
// so that the client begins anew.
func TestConnectLosesItsSession(t *testing.T) {
	d := &notedDoor{}
	e := connectTo(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(d.note(r), "initialize\"") {
			w.Header().Set(headerSession, "s-1")
			answered(w, "application/json", `{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}`)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	})
	e.say(initRequest)
	e.hears()
	e.say(listRequest)
	if got := e.hears(); !strings.Contains(got, `"id":1`) || !strings.Contains(got, "gateway_session") {
		t.Error(got)
	}
	if err := <-e.ended; !errors.Is(err, ostiary.CodeGatewaySession) {
		t.Error(err)
	}
	if strings.Contains(d.all(), "DELETE") {
		t.Error("a session that is gone was ended")
	}
}

// TestConnectComesBack: a stream that ends with an id before its answer is taken
// up again behind it.
func TestConnectComesBack(t *testing.T) {
	d := &notedDoor{}
	back := make(chan string, 10)
	e := connectTo(t, func(w http.ResponseWriter, r *http.Request) {
		body := d.note(r)
		switch {
		case r.Method == http.MethodGet && r.Header.Get(headerLastID) == "e-9":
			back <- r.Header.Get(headerLastID)
			answered(w, "text/event-stream", "id: e-10\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"late\":1}}\n\n")
		case r.Method == http.MethodGet:
			answered(w, "text/event-stream", ": hello\n\n")
			_ = http.NewResponseController(w).Flush()
			select {
			case back <- "":
			default:
			}
			<-r.Context().Done()
		case strings.Contains(body, "initialize\""):
			w.Header().Set(headerSession, "s-1")
			answered(w, "application/json", `{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}`)
		case strings.Contains(body, `"id":1`):
			answered(w, "text/event-stream", "id: e-9\nretry: 10\ndata: \n\n")
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	})
	e.say(initRequest)
	e.hears()
	e.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	<-back
	e.say(listRequest)
	if got := e.hears(); got != `{"jsonrpc":"2.0","id":1,"result":{"late":1}}` {
		t.Error(got)
	}
	if rest, err := e.leaves(); rest != "" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}
