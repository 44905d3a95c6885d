package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A server that fails is left alone: the caller is told so, monitoring sees it, and
// the evidence has it.
func TestServeLeavesAFailingServerAlone(t *testing.T) {
	echo := newEchoServer(t, false)
	var fails atomic.Bool
	var asked atomic.Int32
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fails.Load() && r.Method == http.MethodPost {
			asked.Add(1)
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		echo.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	d := newDoorway(t, fmt.Sprintf("version: 1\nupstreams:\n  notes: {url: %s, allow_private: [localhost]}\nrules:\n  - {tool: \"notes/*\", effect: read}\n",
		strings.Replace(front.URL, "127.0.0.1", "localhost", 1)))
	door := d.served()
	s, err := connect(t, door.url, d.key("alice"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	call := func() (code, text string) {
		res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "whoami", Arguments: struct{}{}})
		if err == nil && len(res.Content) > 1 {
			return "", ""
		}
		return d.answer(res, err)
	}
	available := func(want int) {
		t.Helper()
		line := fmt.Sprintf("} %d", want)
		_, text := door.get("/metrics", "")
		for l := range strings.Lines(text) {
			if strings.HasPrefix(l, "ostiary_upstream_available") {
				if !strings.Contains(l, `"notes"`) || !strings.HasSuffix(strings.TrimSpace(l), line) {
					t.Errorf("monitoring sees %s", l)
				}
				return
			}
		}
		t.Errorf("monitoring does not see the server:\n%s", text)
	}
	if code, text := call(); code != "" {
		t.Fatalf("control: %s %s", code, text)
	}
	available(1)
	fails.Store(true)
	for range breakerFailures {
		if code, text := call(); code != "gateway_upstream" {
			t.Errorf("got %s %s", code, text)
		}
	}
	before := asked.Load()
	if code, text := call(); code != "gateway_circuit" || !strings.Contains(text, "try again in ") || asked.Load() != before {
		t.Errorf("got %s %s, and the server was asked: %t", code, text, asked.Load() != before)
	}
	available(0)
	log := d.command("audit", "query", "--json")
	for _, want := range []string{"gateway_circuit_opened", `"gateway_circuit"`} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in the log", want)
		}
	}
}
