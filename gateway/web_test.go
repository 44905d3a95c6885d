package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// web is an endpoint under test with a real HTTP server behind it.
type web struct {
	*bench
	url      string
	client   *http.Client
	endpoint *Endpoint
	behind   *site
	shut     func()
}

// site is the server behind: it shakes hands and lists, and hands everything else
// to the test.
type site struct {
	*httptest.Server
	tools  string
	offers string // its capabilities
	handle func(w http.ResponseWriter, r *http.Request, m *wire.Message)
	own    func(w http.ResponseWriter, r *http.Request) // what it says by itself

	mu      sync.Mutex
	shakes  int
	reached []string           // what came beside handshakes and lists, as method and name
	ended   chan string        // sessions that were deleted
	streams chan *http.Request // GET streams
}

func newSite(t testing.TB) *site {
	s := &site{tools: twoTools, offers: `{"tools":{}}`, ended: make(chan string, 64), streams: make(chan *http.Request, 8)}
	s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
		sayJSON(w, answer(string(m.ID), "done"))
	}
	s.Server = httptest.NewServer(s)
	return s
}

func sayJSON(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, body)
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodDelete:
		s.ended <- r.Header.Get("Mcp-Session-Id")
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodGet:
		s.streams <- r
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		if s.own != nil {
			s.own(w, r)
		}
		<-r.Context().Done()
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the door has gone
	}
	m, err := wire.Parse(body, wire.Limits{AllowNewlines: true})
	if err != nil {
		http.Error(w, "bad message", http.StatusBadRequest)
		return
	}
	switch m.Method {
	case "initialize":
		s.mu.Lock()
		s.shakes++
		w.Header().Set("Mcp-Session-Id", fmt.Sprintf("up-%d", s.shakes))
		s.mu.Unlock()
		sayJSON(w, result(m, `{"protocolVersion":"2025-11-25","capabilities":`+s.offers+`,"serverInfo":{"name":"s","version":"1"}}`))
	case "tools/list":
		sayJSON(w, result(m, s.tools))
	case "notifications/initialized":
		w.WriteHeader(http.StatusAccepted)
	default:
		s.mu.Lock()
		s.reached = append(s.reached, m.Method+" "+m.Name)
		s.mu.Unlock()
		if m.Kind != wire.KindRequest && m.Method == "" || m.Kind == wire.KindNotification && m.Method != "notifications/cancelled" {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		s.handle(w, r, m)
	}
}

// count is how many messages came beside handshakes and lists.
func (s *site) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.reached)
}

// openWeb starts an endpoint. Who calls is in the field Who, alice by default;
// change may change anything before it starts.
func openWeb(t testing.TB, rules policy.Options, change func(*HTTPOptions, *site)) *web {
	t.Helper()
	return openWebHouse(t, rules, func(*ostiary.Options) {}, change)
}

// openWebHouse is openWeb with a changed line.
func openWebHouse(t testing.TB, rules policy.Options, line func(*ostiary.Options), change func(*HTTPOptions, *site)) *web {
	t.Helper()
	before := runtime.NumGoroutine()
	b := &bench{t: t, state: filepath.Join(t.TempDir(), "state")}
	l, pol, logger := b.house(rules, line)
	s := newSite(t)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	o := HTTPOptions{
		Authenticate: func(r *http.Request) (ostiary.Principal, string, error) {
			switch who := r.Header.Get("Who"); who {
			case "":
				return ostiary.Principal{ID: "alice"}, "proved", nil
			case "nobody":
				return ostiary.Principal{}, "", &ostiary.Error{Code: ostiary.CodeAuthMissing, Message: "who are you"}
			default:
				return ostiary.Principal{ID: who}, "proved", nil
			}
		},
		Refuse: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusUnauthorized)
		},
		Door: Options{
			Line: l, Policy: pol, Upstream: "up",
			Remote: &Remote{URL: s.URL, Client: &http.Client{Transport: transport,
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}},
			Limits: wire.Limits{MaxBytes: 64 << 10}, CatalogWait: 10 * time.Second, Grace: 2 * time.Second,
			Log: logger, Now: time.Now, Rand: rand.Reader,
		},
		WriteWait: patience, IdleSession: time.Hour, Sessions: 100, Log: logger,
	}
	change(&o, s)
	e := NewEndpoint(o)
	front := httptest.NewServer(Hosts{Refused: e.Refused}.Guard(e))
	mine := &http.Transport{MaxIdleConnsPerHost: 64}
	w := &web{bench: b, url: front.URL, client: &http.Client{Transport: mine}, endpoint: e, behind: s}
	var once sync.Once
	w.shut = func() {
		once.Do(func() {
			e.Close()
			mine.CloseIdleConnections()
			front.CloseClientConnections()
			front.Close()
			transport.CloseIdleConnections()
			s.CloseClientConnections()
			s.Close()
			if err := b.log.Close(); err != nil {
				t.Error(err)
			}
			noneLeft(t, before)
		})
	}
	t.Cleanup(w.shut)
	return w
}

func plain(*HTTPOptions, *site) {}

// reply is an answer over HTTP.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) want(t testing.TB, status int, parts ...string) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	has(t, r.body, parts...)
	return r
}

// request makes a request as clients do; fields are names and values, and a value
// of "-" leaves the field out.
func (w *web) request(ctx context.Context, method, body string, fields ...string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, w.url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i < len(fields); i += 2 {
		switch name := http.CanonicalHeaderKey(fields[i]); {
		case fields[i+1] == "-":
			delete(r.Header, name)
		case name == "Host":
			r.Host = fields[i+1]
		case fields[i] == "Content-Type", fields[i] == "Accept":
			r.Header.Set(name, fields[i+1])
		default:
			r.Header[name] = append(r.Header[name], fields[i+1])
		}
	}
	return r
}

func (w *web) do(r *http.Request) reply {
	w.t.Helper()
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

func (w *web) post(body string, fields ...string) reply {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return w.do(w.request(ctx, http.MethodPost, body, fields...))
}

// session begins a legacy session and returns its id.
func (w *web) session(fields ...string) string {
	w.t.Helper()
	id := w.post(initialize, fields...).want(w.t, http.StatusOK, `"result"`).header.Get("Mcp-Session-Id")
	if id == "" {
		w.t.Fatal("the session has no id")
	}
	w.post(initialized, append(fields, "Mcp-Session-Id", id)...).want(w.t, http.StatusAccepted)
	return id
}

const modernMetaText = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

// modernRead is a tools/call of revision 2026-07-28, and modernFields its header.
func modernRead(id, tool, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":%q,"arguments":%s,%s}}`, id, tool, arguments, modernMetaText)
}

func modernFields(tool string, more ...string) []string {
	return append([]string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", tool}, more...)
}

// without leaves fields out.
func without(fields []string, name string) []string {
	var left []string
	for i := 0; i < len(fields); i += 2 {
		if fields[i] != name {
			left = append(left, fields[i], fields[i+1])
		}
	}
	return left
}

// events reads the data of an event stream as it comes.
func events(t testing.TB, body io.Reader) func() string {
	t.Helper()
	r := newEventReader(body, 1<<20)
	return func() string {
		for {
			e, err := r.next()
			if err != nil {
				return "end: " + err.Error()
			}
			if len(bytes.TrimSpace(e.data)) > 0 {
				return string(e.data)
			}
		}
	}
}
