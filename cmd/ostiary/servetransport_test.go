package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// running is `ostiary serve` whose end the test brings about.
type running struct {
	url   string
	serve *exec.Cmd
	ended chan error
}

// start starts it on a free port.
func (d *doorway) start(name string) *running {
	d.t.Helper()
	r := &running{serve: exec.Command("ostiary", "serve", "--config", d.policy, "--state", d.state, "--listen", "127.0.0.1:0"), ended: make(chan error, 1)}
	stderr, err := r.serve.StderrPipe()
	if err == nil {
		err = r.serve.Start()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for r.url == "" && lines.Scan() {
		_, r.url, _ = strings.Cut(lines.Text(), "serving "+name+" at ")
	}
	go func() {
		_, _ = io.Copy(io.Discard, stderr)
		r.ended <- r.serve.Wait()
	}()
	d.t.Cleanup(func() {
		_ = r.serve.Process.Kill() // it may have ended
	})
	if r.url == "" {
		d.t.Fatal("serve did not start")
	}
	return r
}

const modernCall = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"},` +
	`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`

func modernPost(t *testing.T, client *http.Client, url, key string) (posted, string, error) {
	t.Helper()
	return modernPostTo(t, client, url, key, "echo")
}

// modernPostTo calls another tool with the same arguments.
func modernPostTo(t *testing.T, client *http.Client, url, key, tool string) (posted, string, error) {
	t.Helper()
	body := strings.Replace(modernCall, `"echo"`, `"`+tool+`"`, 1)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": "Bearer " + key,
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": tool,
	} {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return posted{}, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return posted{resp.StatusCode, resp.ProtoMajor, resp.Header.Get("Retry-After")}, string(answer), err
}

// posted is what an answer says beside its body.
type posted struct {
	status, protocol int
	retryAfter       string
}

// startedEcho is a policy in front of a server that the door starts.
func startedEcho(t *testing.T, serve string) string {
	t.Helper()
	return fmt.Sprintf("version: 1\nserve: {%s}\nupstreams:\n  notes: {command: [echo-server], cwd: %q}\nrules:\n  - {tool: notes/*, effect: read, scope: \"notes:read\"}\n", serve, t.TempDir())
}

// HTTP/2 is spoken over TLS, as the same protocol, and not in the clear.
func TestServeSpeaksHTTP2OverTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	writePair(t, cert, key, 1, time.Now())
	d := newDoorway(t, startedEcho(t, fmt.Sprintf("cert: %q, key: %q", cert, key)))
	r, secret := d.start("notes"), d.key("rita", "notes:read")
	second := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, body, err := modernPost(t, second, r.url, secret)
	if err != nil || resp.status != http.StatusOK || resp.protocol != 2 || !strings.Contains(body, `"id":1`) {
		t.Fatalf("%v %v %s", resp, err, body)
	}

	plain := newDoorway(t, startedEcho(t, ""))
	r, secret = plain.start("notes"), plain.key("rita", "notes:read")
	if resp, body, err := modernPost(t, http.DefaultClient, r.url, secret); err != nil || resp.status != http.StatusOK {
		t.Fatalf("the control: %v %v %s", resp, err, body)
	}
	clear := &http.Transport{Protocols: new(http.Protocols)}
	clear.Protocols.SetUnencryptedHTTP2(true)
	if resp, _, err := modernPost(t, &http.Client{Transport: clear}, r.url, secret); err == nil {
		t.Errorf("HTTP/2 in the clear was answered with %+v", resp)
	}
}

// A client by WebSocket is known as over HTTP; the key decides.
func TestServeSpeaksByWebSocket(t *testing.T) {
	d := newDoorway(t, startedEcho(t, "websocket: true"))
	r, secret := d.start("notes"), d.key("rita", "notes:read")
	dial := func(key string) (*websocket.Conn, int, error) {
		c, resp, err := websocket.Dial(t.Context(), strings.Replace(r.url, "http", "ws", 1), &websocket.DialOptions{
			Subprotocols: []string{"mcp"}, HTTPHeader: http.Header{"Authorization": {"Bearer " + key}}})
		if resp == nil {
			return c, 0, err
		}
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
		return c, resp.StatusCode, err
	}
	if _, status, err := dial("none"); err == nil || status != http.StatusUnauthorized {
		t.Errorf("without a key that counts: %d %v", status, err)
	}
	c, _, err := dial(secret)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(modernCall)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(t.Context()); err != nil || !strings.Contains(string(got), `"id":1`) || strings.Contains(string(got), "error") {
		t.Errorf("%s %v", got, err)
	}
}

// What ends the process lets a call of 300 ms end first.
func TestServeEndsWhenItsCallsHave(t *testing.T) {
	came := make(chan struct{})
	upstream := rawServer(t, func() {
		close(came)
		<-time.After(300 * time.Millisecond)
	})
	d := newDoorway(t, fmt.Sprintf("version: 1\nupstreams:\n  notes: {url: %q, allow_private: [127.0.0.1]}\nrules:\n  - {tool: notes/echo, effect: read}\n", upstream))
	r, secret := d.start("notes"), d.key("rita")
	done := make(chan string, 1)
	go func() {
		resp, body, err := modernPost(t, http.DefaultClient, r.url, secret)
		if err != nil {
			body = err.Error()
		} else if resp.status != http.StatusOK {
			body = fmt.Sprint(resp, body)
		}
		done <- body
	}()
	<-came
	if err := r.serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// Until its listener closes it says when to come back.
	if resp, body, err := modernPost(t, http.DefaultClient, r.url, secret); err == nil &&
		resp.status != http.StatusOK && (resp.status != http.StatusServiceUnavailable || resp.retryAfter == "") {
		t.Errorf("a new call: %+v %s", resp, body)
	}
	if body := <-done; !strings.Contains(body, "at last") {
		t.Errorf("the call under way got %s", body)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("serve ended with %v", err)
	}
}

// rawServer answers lists at once, and a call when wait returns.
func rawServer(t *testing.T, wait func()) string {
	t.Helper()
	var first sync.Once
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the door has gone
		}
		var m struct {
			ID     json.RawMessage
			Method string
		}
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
			return
		}
		result := `{"resultType":"complete","tools":[{"name":"echo","inputSchema":{"type":"object"}}],"ttlMs":60000,"cacheScope":"public"}`
		if m.Method == "tools/call" {
			first.Do(wait)
			result = `{"resultType":"complete","content":[{"type":"text","text":"at last"}]}`
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, result)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
