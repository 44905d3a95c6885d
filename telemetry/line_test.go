package telemetry_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/peers/collector"
	"github.com/ostiary/ostiary/telemetry"
)

// nowhere is a Recorder that keeps nothing.
type nowhere struct{}

func (nowhere) Begin(*ostiary.Call) (ostiary.Entry, error) { return nowhere{}, nil }
func (nowhere) Intent(ostiary.Decision) error              { return nil }
func (nowhere) End(ostiary.Outcome) error                  { return nil }

type gate struct {
	name string
	d    ostiary.Decision
}

func (g gate) Name() string                                                   { return g.name }
func (g gate) Check(context.Context, *ostiary.Call) (ostiary.Decision, error) { return g.d, nil }

// person says yes.
type person struct{}

func (person) Name() string { return "approval" }
func (person) Settle(context.Context, *ostiary.Call, []ostiary.Decision) (ostiary.Decision, error) {
	return ostiary.Allowed(), nil
}

func line(t testing.TB, o ostiary.Observer, gates ...ostiary.Gate) *ostiary.Line {
	t.Helper()
	gates = append([]ostiary.Gate{gate{"limit", ostiary.Allowed()}}, gates...)
	l, err := ostiary.New(ostiary.Options{Gates: gates, Settler: person{}, Recorder: nowhere{}, Timeout: time.Minute, Now: time.Now, Observer: o})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func start(t testing.TB, o telemetry.Options) *telemetry.Telemetry {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Service, o.Version, o.Now = "ostiary-test", "1.2.3", time.Now
	tel, err := telemetry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = tel.Close(ctx)
	})
	return tel
}

func pushed(t testing.TB) (*collector.Collector, *telemetry.Collector) {
	t.Helper()
	c := collector.New()
	t.Cleanup(c.Close)
	return c, &telemetry.Collector{URL: c.URL, Client: c.Client(), Headers: map[string]string{"Authorization": "Bearer SECRET-HEADER"}, Every: time.Hour}
}

func call(id, tool, meta string) *ostiary.Call {
	c := &ostiary.Call{
		ID: id, Received: time.Now(), Principal: ostiary.Principal{ID: "alice", Client: "SECRET-CLIENT"}, Session: "SECRET-SESSION",
		Upstream: "files", Method: "tools/call", Class: ostiary.ClassTool, Target: tool, Definition: ostiary.Digest{1}, Effect: ostiary.EffectRead,
		Closed: true, Rule: &ostiary.Rule{}, Arguments: []byte(`{"password":"SECRET-ARGUMENT"}`), Token: "SECRET-TOKEN", Key: "SECRET-KEY",
	}
	if meta != "" {
		c.Meta = []byte(meta)
	}
	return c
}

func gives(s ostiary.Status, body string) ostiary.Runner {
	return func(context.Context, *ostiary.Call) (*ostiary.Result, error) {
		return &ostiary.Result{Status: s, Body: []byte(body), Text: "SECRET-TEXT"}, nil
	}
}

func parent(flags string) string {
	return `{"progressToken":"SECRET-PROGRESS","traceparent":"00-` + parentTrace + "-" + parentSpan + "-" + flags + `","tracestate":"v=SECRET-STATE","baggage":"user=SECRET-BAGGAGE"}`
}

func closed(t *testing.T, tel *telemetry.Telemetry) {
	t.Helper()
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func attributes(s *tracepb.Span) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		all[a.Key] = a.Value.GetStringValue()
	}
	return all
}
