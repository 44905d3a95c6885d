package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/ostiary/ostiary/internal/peers/collector"
)

// served is a door over HTTP with its listener for monitoring.
type served struct {
	t          *testing.T
	c          *exec.Cmd
	url, admin string
	said       chan string // all of standard error, when it has ended
}

// served starts `ostiary serve` with an admin listener.
func (d *doorway) served(args ...string) *served {
	d.t.Helper()
	s := &served{t: d.t, said: make(chan string, 1)}
	s.c = exec.Command("ostiary", append([]string{"serve", "--config", d.policy, "--state", d.state, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args...)...)
	stderr, err := s.c.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := s.c.Start(); err != nil {
		d.t.Fatal(err)
	}
	var all strings.Builder
	lines := bufio.NewScanner(stderr)
	for s.url == "" && lines.Scan() {
		fmt.Fprintln(&all, lines.Text())
		var one struct{ Msg string }
		if json.Unmarshal(lines.Bytes(), &one) != nil {
			one.Msg = lines.Text()
		}
		if at, ok := strings.CutPrefix(one.Msg, "admin on "); ok {
			s.admin = "http://" + at
		}
		if at, ok := strings.CutPrefix(one.Msg, "serving notes at "); ok {
			s.url = at
		}
	}
	if s.url == "" || s.admin == "" {
		d.t.Fatalf("serve did not start: %v\n%s", s.c.Wait(), all.String())
	}
	go func() {
		for lines.Scan() {
			fmt.Fprintln(&all, lines.Text())
		}
		s.said <- all.String()
	}()
	d.t.Cleanup(func() {
		if s.c.ProcessState == nil {
			_ = s.c.Process.Kill()
			_ = s.c.Wait()
		}
	})
	return s
}

// get asks the admin listener by a name.
func (s *served) get(path, host string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.admin+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// ended tells the door to end and returns what it said.
func (s *served) ended() string {
	s.t.Helper()
	said := <-s.said
	if err := s.c.Wait(); err != nil {
		s.t.Errorf("serve ended with %v\n%s", err, said)
	}
	return said
}

// heldServer is a server whose tool `read` notes the _meta of its calls and, for the
// text "hold", waits.
func heldServer(t *testing.T) (url string, metas chan mcp.Meta, held, release chan struct{}) {
	t.Helper()
	metas, held, release = make(chan mcp.Meta, 100), make(chan struct{}, 1), make(chan struct{})
	s := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "read", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}},
		func(_ context.Context, q *mcp.CallToolRequest, in noteIn) (*mcp.CallToolResult, any, error) {
			metas <- q.Params.Meta
			if in.Text == "hold" {
				held <- struct{}{}
				<-release
			}
			return &mcp.CallToolResult{IsError: in.Text == "fail", Content: []mcp.Content{&mcp.TextContent{Text: "SECRET-RESULT"}}}, nil, nil
		})
	server := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, nil))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1), metas, held, release
}

const watchedPolicy = `version: 1
upstreams:
  notes: {url: %s, allow_private: [localhost]}
rules:
  - {tool: notes/read, effect: read, scope: "notes:read"}
limits: {shutdown: 30s}
telemetry:
  service: door-under-test
  otlp:
    endpoint: %s
    headers: {Authorization: "Bearer ${file:%s}"}
    allow_private: [localhost]
`

// TestServeIsWatched takes real calls through a real endpoint and reads everything
// that monitoring gets: the collector's bytes, Prometheus' text and the log.
func TestServeIsWatched(t *testing.T) {
	upstream, metas, held, release := heldServer(t)
	c := collector.New()
	t.Cleanup(c.Close)
	secret := filepath.Join(t.TempDir(), "otlp")
	if err := os.WriteFile(secret, []byte("SECRET-COLLECTOR-TOKEN"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDoorway(t, fmt.Sprintf(watchedPolicy, upstream, strings.Replace(c.URL, "127.0.0.1", "localhost", 1), secret))
	door := d.served("--log-format", "json", "--verbose")
	key := d.key("SECRET-PRINCIPAL", "notes:read")
	s, err := connectPatient(t, door.url, key, 5) // its stream ends while the door drains
	if err != nil {
		t.Fatal(err)
	}
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for _, text := range []string{"SECRET-ARGUMENT", "fail"} {
		if _, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "read", Arguments: noteIn{Text: text}, Meta: mcp.Meta{
			"traceparent": "00-" + trace + "-" + parent + "-01", "tracestate": "v=SECRET-STATE", "baggage": "k=SECRET-BAGGAGE",
		}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "SECRET-TOOL", Arguments: noteIn{Text: "x"}}); err != nil {
		t.Log(err) // refused, in one way or the other
	}
	if stranger, err := connect(t, door.url, "SECRET-KEY"); err == nil {
		stranger.Close()
		t.Error("somebody without a key was let in")
	}

	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok"} {
		if status, text := door.get(path, ""); status != http.StatusOK || text != want+"\n" {
			t.Errorf("%s: %d %q", path, status, text)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, _ := door.get(path, "rebound.example"); status != http.StatusForbidden {
			t.Errorf("%s is told to pages of others: %d", path, status)
		}
	}
	for _, path := range []string{"/", "/debug/pprof/", "/notes/mcp"} {
		if status, _ := door.get(path, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	_, text := door.get("/metrics", "")
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, name := range []string{"mcp_server_operation_duration_seconds", "mcp_client_operation_duration_seconds", "ostiary_decisions_total", "ostiary_sessions", "ostiary_upstream_available_ratio",
		"ostiary_approvals_waiting", "ostiary_audit_waiting", "ostiary_audit_writable_ratio", "ostiary_calls_open", "go_goroutines", "process_open_fds"} {
		if families[name] == nil {
			t.Errorf("no metric %s", name)
		}
	}

	// A call that is under way when the door is told to end: not ready first, and
	// the call is answered.
	answered := make(chan error, 1)
	go func() {
		_, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "read", Arguments: noteIn{Text: "hold"}})
		answered <- err
	}()
	<-held
	if err := door.c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(20 * time.Second)
	for {
		status, said := door.get("/readyz", "")
		if status == http.StatusServiceUnavailable && said == "gateway_shutdown\n" {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("the door drains and is ready: %d %q", status, said)
		default:
		}
	}
	if status, _ := door.get("/healthz", ""); status != http.StatusOK {
		t.Errorf("the door drains and is dead: %d", status)
	}
	close(release)
	if err := <-answered; err != nil {
		t.Errorf("the call under way: %v", err)
	}
	said := door.ended()
	s.Close()

	var own, away *tracepb.Span
	for _, one := range c.Spans() {
		if hex.EncodeToString(one.TraceId) == trace && one.Kind == tracepb.Span_SPAN_KIND_SERVER && own == nil {
			own = one
		}
		if own != nil && bytes.Equal(one.ParentSpanId, own.SpanId) {
			away = one
		}
	}
	for _, one := range c.Spans() {
		if own != nil && bytes.Equal(one.ParentSpanId, own.SpanId) {
			away = one
		}
	}
	switch got := <-metas; {
	case own == nil || away == nil:
		t.Errorf("no spans of the call: %v", c.Spans())
	case own.Name != "tools/call read" || hex.EncodeToString(own.ParentSpanId) != parent:
		t.Errorf("the call's span is %v", own)
	case got["traceparent"] != "00-"+trace+"-"+hex.EncodeToString(away.SpanId)+"-01" || got["tracestate"] != "v=SECRET-STATE" || got["baggage"] != "k=SECRET-BAGGAGE":
		t.Errorf("the server got %v, the span on the way to it is %x", got, away.SpanId)
	}
	if h := c.Headers(); len(h) == 0 || h[0].Get("Authorization") != "Bearer SECRET-COLLECTOR-TOKEN" {
		t.Errorf("the collector saw the header %v", h)
	}
	if c.Metrics()["ostiary.decisions"] == nil || !bytes.Contains(c.Raw(), []byte("door-under-test")) {
		t.Error("no metrics were pushed")
	}
	for name, all := range map[string]string{"the collector": string(c.Raw()), "Prometheus": text, "the log": said} {
		for _, planted := range []string{"SECRET", key, s.ID()} {
			if planted != "" && strings.Contains(all, planted) {
				t.Errorf("%s gets %q:\n%.2000s", name, planted, all)
			}
		}
	}
	for line := range strings.Lines(said) {
		if !json.Valid([]byte(line)) {
			t.Errorf("the log is not all JSON: %q", line)
		}
	}
}

// The door that its listener for monitoring would open beyond this machine without
// TLS does not start.
func TestAdminStaysHere(t *testing.T) {
	upstream, _, _, _ := heldServer(t)
	d := newDoorway(t, fmt.Sprintf("version: 1\nupstreams:\n  notes: {url: %s, allow_private: [localhost]}\n", upstream))
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", "256.0.0.1:0"} {
		out, err := exec.Command("ostiary", "serve", "--config", d.policy, "--state", d.state, "--listen", "127.0.0.1:0", "--admin", addr).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "--admin") {
			t.Errorf("--admin %s: %v %s", addr, err, out)
		}
	}
	door := d.served() // the control
	if status, _ := door.get("/readyz", ""); status != http.StatusOK {
		t.Errorf("on this machine: %d", status)
	}
	if err := door.c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	door.ended()
}
