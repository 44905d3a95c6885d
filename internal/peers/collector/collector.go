// Package collector is an OpenTelemetry collector inside of a test: it takes traces
// and metrics by OTLP over HTTP, decodes them by the protocol's own definitions, and
// keeps every byte that came, so that a test can look for what should not be there.
package collector

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector takes what is pushed to URL. Close it.
type Collector struct {
	*httptest.Server

	mu      sync.Mutex
	raw     bytes.Buffer
	headers []http.Header
	spans   []*trace.Span
	metrics map[string]*metrics.Metric
}

// New starts a collector on a loopback address.
func New() *Collector {
	c := &Collector{metrics: map[string]*metrics.Metric{}}
	c.Server = httptest.NewServer(c)
	return c
}

// ServeHTTP implements http.Handler.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := read(r)
	if err == nil {
		err = c.take(r.URL.Path, r.Header, body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func read(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(r.Body)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func (c *Collector) take(path string, h http.Header, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(body)
	c.headers = append(c.headers, h)
	if path == "/v1/traces" {
		var m coltrace.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &m); err != nil {
			return err
		}
		for _, r := range m.ResourceSpans {
			for _, s := range r.ScopeSpans {
				c.spans = append(c.spans, s.Spans...)
			}
		}
		return nil
	}
	var m colmetrics.ExportMetricsServiceRequest
	if err := proto.Unmarshal(body, &m); err != nil {
		return err
	}
	for _, r := range m.ResourceMetrics {
		for _, s := range r.ScopeMetrics {
			for _, one := range s.Metrics {
				c.metrics[one.Name] = one
			}
		}
	}
	return nil
}

// Spans are all that came.
func (c *Collector) Spans() []*trace.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*trace.Span(nil), c.spans...)
}

// Metrics are the newest of each name.
func (c *Collector) Metrics() map[string]*metrics.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]*metrics.Metric, len(c.metrics))
	for name, m := range c.metrics {
		all[name] = m
	}
	return all
}

// Raw is every byte that came, without compression.
func (c *Collector) Raw() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.raw.Bytes())
}

// Headers are those of the requests.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]http.Header(nil), c.headers...)
}
