package team

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// shared is the server behind the door that many people use: notes, in both eras
// of the protocol. It knows nothing of who calls, and keeps what reached it.
type shared struct {
	*httptest.Server
	release chan struct{} // ends the tool wait
	left    chan string   // what callers of the tool wait gave up

	mu       sync.Mutex
	sessions int
	reached  []string // method, name and session, beside handshakes and lists
	seen     []string // credentials
}

func openShared(t *testing.T) *shared {
	t.Helper()
	s := &shared{release: make(chan struct{}), left: make(chan string, 16)}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

const tools = `{"tools":[
{"name":"read","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},
{"name":"save","inputSchema":{"type":"object"}},
{"name":"wait","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},
{"name":"brew","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}],
"resultType":"complete","ttlMs":60000,"cacheScope":"public"}`

const resources = `{"resources":[{"uri":"note://open","name":"open"},{"uri":"note://writers","name":"writers"}],
"resultType":"complete","ttlMs":60000,"cacheScope":"public"}`

type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name   string `json:"name"`
		URI    string `json:"uri"`
		TaskID string `json:"taskId"`
		Meta   struct {
			Token json.RawMessage `json:"progressToken"`
		} `json:"_meta"`
	} `json:"params"`
}

// ServeHTTP implements http.Handler.
func (s *shared) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	session := r.Header.Get("Mcp-Session-Id")
	s.mu.Lock()
	s.seen = append(s.seen, r.Header.Get("Authorization"))
	s.mu.Unlock()
	switch r.Method {
	case http.MethodDelete:
		s.note("DELETE " + session)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodGet:
		s.note("GET " + session)
		w.Header().Set("Content-Type", "text/event-stream")
		s.event(w, `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"note://of-`+session+`"}}`)
		<-r.Context().Done()
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the door has gone
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	s.answer(w, r, &m, session)
}

func (s *shared) answer(w http.ResponseWriter, r *http.Request, m *message, session string) {
	reply := func(result string) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, result)
	}
	text := func(what string) {
		reply(fmt.Sprintf(`{"content":[{"type":"text","text":%q}],"resultType":"complete"}`, what))
	}
	switch m.Method {
	case "initialize":
		s.mu.Lock()
		s.sessions++
		w.Header().Set("Mcp-Session-Id", fmt.Sprintf("up-%d", s.sessions))
		s.mu.Unlock()
		reply(`{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"resources":{"subscribe":true}},"serverInfo":{"name":"notes","version":"1"}}`)
		return
	case "server/discover":
		reply(`{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"resources":{}},"serverInfo":{"name":"notes","version":"1"},"ttlMs":60000,"cacheScope":"public"}`)
		return
	case "tools/list":
		reply(tools)
		return
	case "resources/list":
		reply(resources)
		return
	case "resources/templates/list":
		reply(`{"resourceTemplates":[],"resultType":"complete","ttlMs":60000,"cacheScope":"public"}`)
		return
	case "notifications/initialized":
		w.WriteHeader(http.StatusAccepted)
		return
	}
	s.note(strings.TrimSpace(m.Method + " " + m.Params.Name + m.Params.URI + m.Params.TaskID + " " + session))
	switch m.Method + " " + m.Params.Name {
	case "tools/call read", "tools/call save":
		text(m.Params.Name + " done")
	case "tools/call wait":
		s.wait(w, r, m)
	case "tools/call brew":
		reply(`{"resultType":"task","taskId":"task-of-brew","status":"working","ttlMs":60000,"createdAt":"2026-11-21T00:00:00Z","lastUpdatedAt":"2026-11-21T00:00:00Z"}`)
	case "tasks/get ", "tasks/cancel ", "tasks/update ":
		reply(`{"resultType":"complete","taskId":"task-of-brew","status":"completed","ttlMs":60000,"createdAt":"2026-11-21T00:00:00Z","lastUpdatedAt":"2026-11-21T00:00:00Z","result":{"content":[{"type":"text","text":"brewed for ann"}]}}`)
	case "resources/read ":
		reply(fmt.Sprintf(`{"contents":[{"uri":%q,"text":"the text of it"}],"resultType":"complete","ttlMs":0,"cacheScope":"private"}`, m.Params.URI))
	case "ping ", "resources/subscribe ":
		reply(`{}`)
	default:
		if m.ID == nil {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		reply(`{"resultType":"complete"}`)
	}
}

// wait says that it has begun, and ends when it is released or its caller leaves.
func (s *shared) wait(w http.ResponseWriter, r *http.Request, m *message) {
	w.Header().Set("Content-Type", "text/event-stream")
	s.event(w, fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s,"progress":1,"message":"begun"}}`, m.Params.Meta.Token))
	select {
	case <-r.Context().Done():
		s.left <- string(m.ID)
	case <-s.release:
		s.event(w, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"released"}],"resultType":"complete"}}`, m.ID))
	}
}

func (s *shared) event(w http.ResponseWriter, data string) {
	fmt.Fprintf(w, "data: %s\n\n", data)
	w.(http.Flusher).Flush()
}

func (s *shared) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reached = append(s.reached, what)
}

// count is how many messages came beside handshakes and lists.
func (s *shared) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.reached)
}
