package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// bearer sends a key with every request.
type bearer struct{ key string }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if b.key != "" {
		r.Header.Set("Authorization", "Bearer "+b.key)
	}
	return http.DefaultTransport.RoundTrip(r)
}

type noteIn struct {
	Text string `json:"text"`
}

// sight is a request that a server gets.
type sight struct{ method, credential string }

// sharedServer is a real server over HTTP. It notes what credentials it sees.
func sharedServer(t *testing.T, stateless bool) (url string, seen chan sight) {
	t.Helper()
	seen = make(chan sight, 1000)
	s := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1"}, nil)
	tool := func(name string, hint bool) {
		mcp.AddTool(s, &mcp.Tool{Name: name, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: hint}},
			func(_ context.Context, _ *mcp.CallToolRequest, in noteIn) (*mcp.CallToolResult, any, error) {
				return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: name + " " + in.Text}}}, nil, nil
			})
	}
	tool("read", true)
	tool("save", false)
	h := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, &mcp.StreamableHTTPOptions{Stateless: stateless})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- sight{r.Method, r.Header.Get("Authorization")}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

const servePolicy = `version: 1
upstreams:
  notes:
    url: %s
    allow_private: [localhost]
    credential: {value: "Bearer %s"}
rules:
  - {tool: notes/read, effect: read, scope: "notes:read"}
  - {tool: notes/save, effect: write, scope: "notes:write"}
`

func (d *doorway) serving() string { return d.servingOf("notes") }

// servingOf starts `ostiary serve` on a free port and returns the endpoint's URL.
func (d *doorway) servingOf(name string) string {
	d.t.Helper()
	c := exec.Command("ostiary", "serve", "--config", d.policy, "--state", d.state, "--listen", "127.0.0.1:0")
	stderr, err := c.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		d.t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if m := regexp.MustCompile(`^serving ` + name + ` at (http://\S+)$`).FindStringSubmatch(lines.Text()); m != nil {
			rest := make(chan string, 1)
			go func() {
				var b strings.Builder
				for lines.Scan() {
					fmt.Fprintln(&b, lines.Text())
				}
				rest <- b.String()
			}()
			d.t.Cleanup(func() {
				if err := c.Process.Signal(syscall.SIGTERM); err != nil {
					d.t.Error(err)
				}
				said := <-rest
				if err := c.Wait(); err != nil {
					d.t.Errorf("serve ended with %v\n%s", err, said)
				}
			})
			return m[1]
		}
		d.t.Log(lines.Text())
	}
	d.t.Fatalf("serve did not start: %v", c.Wait())
	return ""
}

func (d *doorway) key(principal string, scopes ...string) string {
	d.t.Helper()
	args := []string{"key", "create", "--principal", principal, "--for", "1h", "--reason", "test", "--json"}
	for _, s := range scopes {
		args = append(args, "--scope", s)
	}
	m := regexp.MustCompile(`ost_key_[0-9a-z]+_[0-9A-Za-z_-]+`).FindString(d.command(args...))
	if m == "" {
		d.t.Fatal("no key was made")
	}
	return m
}

// flipped is a text whose first letter is another one.
func flipped(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

func connect(t *testing.T, url, key string) (*mcp.ClientSession, error) {
	t.Helper()
	return connectPatient(t, url, key, -1)
}

// connectPatient is a client that tries to get its stream back so often.
func connectPatient(t *testing.T, url, key string, retries int) (*mcp.ClientSession, error) {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	return client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: &http.Client{Transport: bearer{key}}, MaxRetries: retries}, nil)
}

func TestServeKnowsWhoCalls(t *testing.T) {
	for _, stateless := range []bool{false, true} {
		t.Run(fmt.Sprintf("stateless=%t", stateless), func(t *testing.T) {
			upstream, seen := sharedServer(t, stateless)
			d := newDoorway(t, fmt.Sprintf(servePolicy, strings.Replace(upstream, "127.0.0.1", "localhost", 1), "upstream-only-credential"))
			url := d.serving()
			reader, writer := d.key("rita", "notes:read"), d.key("walter", "notes:read", "notes:write")

			for _, key := range []string{"", "ost_key_aaaaaaaaaa_" + strings.Repeat("A", 43), "no.such.token", reader[:len(reader)-9] + flipped(reader[len(reader)-9:])} {
				if s, err := connect(t, url, key); err == nil {
					s.Close()
					t.Errorf("somebody with the credential %.12q was let in", key)
				}
			}
			var sessions []*mcp.ClientSession
			for _, key := range []string{reader, writer} {
				s, err := connect(t, url, key)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "read", Arguments: noteIn{Text: "a"}})
				if code, text := d.answer(res, err); code != "" || text != "read a" {
					t.Errorf("control: read gave %q %q", code, text)
				}
				list, err := s.ListTools(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if len(list.Tools) != 1+len(sessions) { // the reader's one comes first
					t.Errorf("%d tools are shown to caller %d", len(list.Tools), len(sessions))
				}
				sessions = append(sessions, s)
			}
			res, err := sessions[0].CallTool(t.Context(), &mcp.CallToolParams{Name: "save", Arguments: noteIn{Text: "b"}})
			if code, text := d.answer(res, err); code != "policy_scope" {
				t.Errorf("a reader's save gave %q %q", code, text)
			}
			res, err = sessions[1].CallTool(t.Context(), &mcp.CallToolParams{Name: "save", Arguments: noteIn{Text: "b"}})
			if code, text := d.answer(res, err); code != "" || text != "save b" {
				t.Errorf("a writer's save gave %q %q", code, text)
			}
			for len(seen) > 0 {
				if got := <-seen; got.credential != "Bearer upstream-only-credential" {
					t.Errorf("the server saw the credential %q", got)
				}
			}
			log := d.command("audit", "query", "--json")
			for _, secret := range []string{reader, writer, "upstream-only-credential"} {
				if strings.Contains(log, secret) {
					t.Error("a credential is in the log")
				}
			}
			if !strings.Contains(log, `"principal":"rita"`) || !strings.Contains(log, `"principal":"walter"`) {
				t.Error("the log does not name who called")
			}
		})
	}
}

// A legacy session is its principal's: with another's key it is not there.
func TestServeBindsSessions(t *testing.T) {
	upstream, _ := sharedServer(t, false)
	d := newDoorway(t, fmt.Sprintf(servePolicy, strings.Replace(upstream, "127.0.0.1", "localhost", 1), "upstream-only-credential"))
	url := d.serving()
	mine, other := d.key("rita", "notes:read"), d.key("walter", "notes:read")
	s, err := connect(t, url, mine)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	status := func(method, key, session string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(`{"jsonrpc":"2.0","id":7,"method":"ping"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		req.Header.Set("Mcp-Session-Id", session)
		resp, err := (&http.Client{Transport: bearer{key}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range []struct {
		method, key, session string
		want                 int
	}{
		{http.MethodPost, other, s.ID(), http.StatusNotFound},
		{http.MethodGet, other, s.ID(), http.StatusNotFound},
		{http.MethodDelete, other, s.ID(), http.StatusNotFound},
		{http.MethodPost, mine, "no-such-session", http.StatusNotFound},
		{http.MethodPost, "", s.ID(), http.StatusUnauthorized},
		{http.MethodPost, mine, s.ID(), http.StatusOK}, // the control
	} {
		if got := status(c.method, c.key, c.session); got != c.want {
			t.Errorf("%s with a session of another or none: %d, want %d", c.method, got, c.want)
		}
	}
}

// Whoever mistakes the name of a server is told what a URL looks like, over HTTP and
// by connect, and strangers are told no name. The control is the right URL.
func TestTheWrongNameIsExplained(t *testing.T) {
	d := newDoorway(t, fmt.Sprintf("version: 1\nupstreams:\n  notes: {command: [echo-server], cwd: %q}\n", t.TempDir()))
	url := d.serving()
	for at, want := range map[string]int{url: http.StatusUnauthorized, strings.Replace(url, "notes/mcp", "note/mcp", 1): http.StatusNotFound, strings.Replace(url, "notes/mcp", "mcp", 1): http.StatusNotFound} {
		resp, err := http.Post(at, "application/json", strings.NewReader("{}")) //nolint:noctx // it ends with the door
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != want || want == http.StatusNotFound != strings.Contains(string(said), "/NAME/mcp") || strings.Contains(string(said), "notes") {
			t.Errorf("%s: %d %q, %v", at, resp.StatusCode, said, err)
		}
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/notes/mcp")
	if out, _ := exec.CommandContext(t.Context(), "ostiary", "connect", "--token-file", "key", bare).CombinedOutput(); !strings.Contains(string(out), "begin a URL with http://") {
		t.Errorf("%s with a credential: %s", bare, out)
	}
	for door, want := range map[string]string{
		strings.Replace(url, "notes/mcp", "note/mcp", 1): "Correct --name or the URL",
		bare: "begin it with http://",
		url:  "--token-file", // the control: it is found
	} {
		c := exec.CommandContext(t.Context(), "ostiary", "connect", door)
		c.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}` + "\n")
		if out, _ := c.CombinedOutput(); !strings.Contains(string(out), want) {
			t.Errorf("%s: %s; want %q", door, out, want)
		}
	}
}

// A server over stdio is started for each legacy session, and once for all modern
// clients of a principal, whose equal ids and progress tokens do not mix.
func TestServeStartsServers(t *testing.T) {
	d := newDoorway(t, fmt.Sprintf(`version: 1
upstreams:
  notes: {command: [echo-server], cwd: %q}
rules:
  - {tool: notes/echo, effect: read, scope: "notes:read"}
`, t.TempDir()))
	url := d.serving()
	key := d.key("rita", "notes:read")
	var all []*mcp.ClientSession
	for range 3 {
		s, err := connect(t, url, key)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		all = append(all, s)
	}
	var wait sync.WaitGroup
	for i, s := range all {
		wait.Go(func() {
			for n := range 20 {
				text := fmt.Sprintf("client %d call %d", i, n)
				res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "echo", Arguments: noteIn{Text: text}})
				if code, got := d.answer(res, err); code != "" || got != text {
					t.Errorf("%q gave %q %q", text, code, got)
				}
			}
		})
	}
	for i := range 4 {
		wait.Go(func() {
			for n := range 20 {
				text := fmt.Sprintf("modern client %d call %d", i, n)
				if got := modernEcho(t, url, key, text); !strings.Contains(got, `"id": 1`) && !strings.Contains(got, `"id":1`) || !strings.Contains(got, text) {
					t.Errorf("%q gave %s", text, got)
				}
			}
		})
	}
	wait.Wait()
}

// modernEcho calls echo as revision 2026-07-28 does, always with the same id.
func modernEcho(t *testing.T, url, key, text string) string {
	t.Helper()
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,
"method":"tools/call","params":{"name":"echo","arguments":{"text":%q},"_meta":{"progressToken":1,
"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`, text)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return ""
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "echo",
	} {
		req.Header.Set(name, value)
	}
	resp, err := (&http.Client{Transport: bearer{key}}).Do(req)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(got)
}
