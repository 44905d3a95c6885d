package telemetry_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/peers/collector"
	"github.com/ostiary/ostiary/telemetry"
)

const (
	parentTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentSpan  = "00f067aa0ba902b7"
)

func TestSpans(t *testing.T) {
	c, to := pushed(t)
	tel := start(t, telemetry.Options{Sample: 1, Collector: to, Known: func(p string) bool { return p == "alice" }})
	l := line(t, tel, gate{"policy", ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired, Reason: "SECRET-REASON", Message: "SECRET-MESSAGE"}})
	one := call("call-1", "read_file", parent("01"))
	sent, begun := tel.Traceparent(one)
	l.Do(t.Context(), one, gives(ostiary.StatusToolError, `{"isError":true,"content":"SECRET-RESULT"}`))
	closed(t, tel)

	spans := c.Spans()
	if len(spans) != 2 {
		t.Fatalf("%d spans: %v", len(spans), spans)
	}
	away, own := spans[0], spans[1]
	if own.Name != "tools/call read_file" || own.Kind != tracepb.Span_SPAN_KIND_SERVER || away.Kind != tracepb.Span_SPAN_KIND_CLIENT {
		t.Errorf("spans %v, %v", own, away)
	}
	if hex.EncodeToString(own.TraceId) != parentTrace || hex.EncodeToString(own.ParentSpanId) != parentSpan {
		t.Errorf("the span is of trace %x below %x", own.TraceId, own.ParentSpanId)
	}
	if !bytes.Equal(away.ParentSpanId, own.SpanId) || begun || sent != "00-"+parentTrace+"-"+hex.EncodeToString(away.SpanId)+"-01" {
		t.Errorf("the server gets %q (begun %v), the span on the way to it is %x below %x", sent, begun, away.SpanId, away.ParentSpanId)
	}
	want := map[string]string{
		"mcp.method.name": "tools/call", "gen_ai.tool.name": "read_file", "gen_ai.operation.name": "execute_tool", "error.type": "tool_error",
		"ostiary.upstream": "files", "ostiary.call.id": "call-1", "ostiary.effect": "read", "ostiary.principal": "alice", "ostiary.verdict": "allow",
		"ostiary.stage": "approval",
	}
	if got := attributes(own); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("attributes %v, want %v", got, want)
	}
	var stages []string
	for _, e := range own.Events {
		stages = append(stages, e.Attributes[0].Value.GetStringValue()+" "+e.Attributes[1].Value.GetStringValue())
	}
	if want := []string{"limit allow", "policy ask", "approval allow"}; !slices.Equal(stages, want) {
		t.Errorf("stages %q", stages)
	}
	if own.Status.Code != tracepb.Status_STATUS_CODE_ERROR || own.Status.Message != "tool_error" {
		t.Errorf("isError counts as %v", own.Status)
	}
	if own.StartTimeUnixNano > away.StartTimeUnixNano || away.EndTimeUnixNano > own.EndTimeUnixNano || own.EndTimeUnixNano == 0 {
		t.Errorf("the call took %d to %d, its way to the server %d to %d", own.StartTimeUnixNano, own.EndTimeUnixNano, away.StartTimeUnixNano, away.EndTimeUnixNano)
	}
	if bytes.Contains(c.Raw(), []byte("SECRET")) || own.TraceState != "" {
		t.Errorf("what was pushed holds a secret: %q", c.Raw())
	}
	if got := c.Headers()[0].Get("Authorization"); got != "Bearer SECRET-HEADER" { // the control: it would have been found
		t.Errorf("the collector got %q", got)
	}
}

func TestWhoIsTraced(t *testing.T) {
	c, to := pushed(t)
	none := start(t, telemetry.Options{Sample: 0, Collector: to})
	all := start(t, telemetry.Options{Sample: 1, Collector: to})
	for name, q := range map[string]struct {
		meta        string
		none, all   bool
		begun, keep bool
	}{
		"no parent":      {meta: "", all: true, begun: true},
		"sampled":        {meta: parent("01"), all: true, keep: true},
		"not sampled":    {meta: parent("00")},
		"no traceparent": {meta: `{"traceparent":"SECRET"}`, all: true, begun: true},
		"all zero":       {meta: `{"traceparent":"00-00000000000000000000000000000000-00f067aa0ba902b7-01"}`, all: true, begun: true},
		"a number":       {meta: `{"traceparent":1}`, all: true, begun: true},
		"long":           {meta: `{"traceparent":"00-` + strings.Repeat("a", 4096) + `"}`, all: true, begun: true},
	} {
		text, _ := none.Traceparent(call("x", "t", q.meta))
		if (text != "") != q.none {
			t.Errorf("%s, share 0: %q", name, text)
		}
		text, begun := all.Traceparent(call("x", "t", q.meta))
		if (text != "") != q.all || begun != q.begun || strings.Contains(text, parentTrace) != q.keep {
			t.Errorf("%s, share 1: %q %v", name, text, begun)
		}
		if text != "" && len(text) != 55 {
			t.Errorf("%s: %q is no traceparent", name, text)
		}
	}
	half, traced := start(t, telemetry.Options{Sample: 0.5, Collector: to}), 0
	for i := range 1000 {
		if text, _ := half.Traceparent(call(fmt.Sprint(i), "t", "")); text != "" {
			traced++
		}
	}
	if traced < 400 || traced > 600 {
		t.Errorf("of 1000 calls %d are traced at a share of 0.5", traced)
	}
	metrics := start(t, telemetry.Options{Sample: 1, Scraped: true})
	if text, _ := metrics.Traceparent(call("x", "t", parent("01"))); text != "" {
		t.Errorf("without traces the server gets %q", text)
	}
	if len(c.Spans()) != 0 {
		t.Error("spans without calls")
	}
}

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, h http.Handler) (map[string]*dto.MetricFamily, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	p := expfmt.NewTextParser(model.LegacyValidation)
	all, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %v in\n%s", w.Code, err, text)
	}
	return all, text
}

func TestMetrics(t *testing.T) {
	c, to := pushed(t)
	tel := start(t, telemetry.Options{Sample: 1, Collector: to, Scraped: true})
	if err := tel.Read(telemetry.Sources{
		Waiting:   func(context.Context) (int, error) { return 3, nil },
		Sessions:  func() map[string]int { return map[string]int{"files": 2} },
		Upstreams: func() map[string]bool { return map[string]bool{"files": true, "gone": false} },
		Audit:     func() (int, error) { return 4, io.ErrShortWrite },
	}); err != nil {
		t.Fatal(err)
	}
	l := line(t, tel)
	l.Do(t.Context(), call("1", "read_file", ""), gives(ostiary.StatusOK, `{}`))
	l.Do(t.Context(), call("2", "read_file", ""), gives(ostiary.StatusRPCError, `{"code":-32602,"message":"SECRET-RPC"}`))
	l.Do(t.Context(), call("3", "read_file", ""), gives(ostiary.StatusRPCError, `{"code":-12345}`))
	denied := line(t, tel, gate{"policy", ostiary.Decision{Code: ostiary.CodePolicyDeny, Reason: "SECRET-REASON"}})
	denied.Do(t.Context(), call("4", "read_file", ""), gives(ostiary.StatusOK, `{}`))
	asked := line(t, tel, gate{"policy", ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired}})
	asked.Do(t.Context(), call("5", "read_file", ""), gives(ostiary.StatusOK, `{}`))

	all, text := scrape(t, tel.Handler())
	if strings.Contains(text, "SECRET") {
		t.Errorf("a secret in\n%s", text)
	}
	for want, n := range map[string]float64{
		`mcp_server_operation_duration_seconds{gen_ai_operation_name="execute_tool",gen_ai_tool_name="read_file",mcp_method_name="tools/call",ostiary_upstream="files"}`:                                                       2,
		`mcp_server_operation_duration_seconds{error_type="-32602",gen_ai_operation_name="execute_tool",gen_ai_tool_name="read_file",mcp_method_name="tools/call",ostiary_upstream="files",rpc_response_status_code="-32602"}`: 1,
		`mcp_server_operation_duration_seconds{error_type="_OTHER",gen_ai_operation_name="execute_tool",gen_ai_tool_name="read_file",mcp_method_name="tools/call",ostiary_upstream="files",rpc_response_status_code="_OTHER"}`: 1,
		`mcp_server_operation_duration_seconds{error_type="policy_deny",gen_ai_operation_name="execute_tool",gen_ai_tool_name="read_file",mcp_method_name="tools/call",ostiary_upstream="files"}`:                              1,
		`mcp_client_operation_duration_seconds{gen_ai_operation_name="execute_tool",gen_ai_tool_name="read_file",mcp_method_name="tools/call",ostiary_upstream="files"}`:                                                       2,
		`ostiary_decisions_total{ostiary_upstream="files",ostiary_verdict="allow"}`:                                                                                                                                            3,
		`ostiary_decisions_total{ostiary_code="policy_deny",ostiary_stage="policy",ostiary_upstream="files",ostiary_verdict="deny"}`:                                                                                           1,
		`ostiary_decisions_total{ostiary_code="approval_required",ostiary_stage="policy",ostiary_upstream="files",ostiary_verdict="ask"}`:                                                                                      1,
		`ostiary_decisions_total{ostiary_stage="approval",ostiary_upstream="files",ostiary_verdict="allow"}`:                                                                                                                   1,
		`ostiary_approval_wait_duration_seconds{ostiary_verdict="allow"}`:                                                                                                                                                      1,
		`ostiary_calls_open{}`: 0, `ostiary_approvals_waiting{}`: 3, `ostiary_sessions{ostiary_upstream="files"}`: 2,
		`ostiary_upstream_available_ratio{ostiary_upstream="files"}`: 1, `ostiary_upstream_available_ratio{ostiary_upstream="gone"}`: 0,
		`ostiary_audit_waiting{}`: 4, `ostiary_audit_writable_ratio{}`: 0, `ostiary_telemetry_dropped_total{ostiary_signal="traces"}`: 0,
	} {
		if got, ok := value(all, want); !ok || got != n {
			t.Errorf("%s is %v (%v), want %v", want, got, ok, n)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	closed(t, tel)
	if m := c.Metrics()["mcp.server.operation.duration"]; m == nil || m.Unit != "s" || len(m.GetHistogram().GetDataPoints()) != 4 {
		t.Errorf("pushed: %v", m)
	}
	if bytes.Contains(c.Raw(), []byte("SECRET")) {
		t.Error("what was pushed holds a secret")
	}
}

// value is that of one series: a counter's, a gauge's, or the count of a histogram.
func value(all map[string]*dto.MetricFamily, series string) (float64, bool) {
	name, rest, _ := strings.Cut(series, "{")
	f := all[name]
	if f == nil {
		return 0, false
	}
	for _, m := range f.Metric {
		var labels []string
		for _, l := range m.Label {
			labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
		}
		slices.Sort(labels)
		if strings.Join(labels, ",")+"}" != rest {
			continue
		}
		switch {
		case m.Histogram != nil:
			return float64(m.Histogram.GetSampleCount()), true
		case m.Counter != nil:
			return m.Counter.GetValue(), true
		case m.Gauge != nil:
			return m.Gauge.GetValue(), true
		}
	}
	return 0, false
}

// Names from outside are bounded, whoever chooses them.
func TestNamesAreBounded(t *testing.T) {
	c, to := pushed(t)
	tel := start(t, telemetry.Options{Sample: 1, Collector: to, Scraped: true})
	l := line(t, tel)
	do := func(c *ostiary.Call) { l.Do(t.Context(), c, gives(ostiary.StatusOK, `{}`)) }
	for i := range 3000 {
		do(call("listed", fmt.Sprintf("tool_%d", i), parent("00")))
		unlisted := call("unlisted", fmt.Sprintf("SECRET_%d", i), parent("00"))
		unlisted.Definition = ostiary.Digest{}
		do(unlisted)
	}
	do(call("listed", "tool_1", parent("00")))
	long := call("long", "SECRET"+strings.Repeat("x", 200), parent("01"))
	do(long)
	odd := call("odd", "SECRET", parent("01"))
	odd.Method, odd.Class, odd.Principal.ID = "SECRET/method", ostiary.ClassUnknown, "SECRET-NAME"
	do(odd)
	resource := call("resource", "file:///SECRET", parent("01"))
	resource.Method, resource.Class = "resources/read", ostiary.ClassResource
	do(resource)
	all, text := scrape(t, tel.Handler())
	tools := map[string]bool{}
	for _, m := range all["mcp_server_operation_duration_seconds"].Metric {
		for _, l := range m.Label {
			if l.GetName() == "gen_ai_tool_name" {
				tools[l.GetValue()] = true
			}
		}
	}
	if len(tools) != 1001 || !tools["tool_1"] || !tools[telemetry.Other] {
		t.Errorf("%d names of tools", len(tools))
	}
	closed(t, tel)
	if strings.Contains(text, "SECRET") || bytes.Contains(c.Raw(), []byte("SECRET")) {
		t.Error("a name that nobody here knows is told")
	}
	var names []string
	for _, s := range c.Spans() {
		if s.Kind == tracepb.Span_SPAN_KIND_SERVER {
			names = append(names, s.Name)
			if p := attributes(s)["ostiary.principal"]; p != telemetry.Other {
				t.Errorf("the principal is told as %q", p)
			}
		}
	}
	if want := []string{"tools/call", "_OTHER", "resources/read"}; !slices.Equal(names, want) {
		t.Errorf("spans %q, want %q", names, want)
	}
}

func BenchmarkCall(b *testing.B) {
	c := collector.New()
	defer c.Close()
	to := func() *telemetry.Collector {
		return &telemetry.Collector{URL: c.URL, Client: c.Client(), Every: time.Hour}
	}
	for _, kind := range []struct {
		name string
		o    *telemetry.Options
	}{
		{"off", nil},
		{"metrics", &telemetry.Options{Scraped: true}},
		{"unsampled", &telemetry.Options{Scraped: true, Collector: to()}},
		{"traced", &telemetry.Options{Scraped: true, Sample: 1, Collector: to()}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			var o ostiary.Observer
			if kind.o != nil {
				o = start(b, *kind.o)
			}
			pass := gate{"gate", ostiary.Allowed()}
			l := line(b, o, pass, pass, pass, pass, pass)
			one, run := call("1", "read_file", ""), gives(ostiary.StatusOK, `{}`)
			b.ReportAllocs()
			for b.Loop() {
				l.Do(b.Context(), one, run)
			}
		})
	}
}
