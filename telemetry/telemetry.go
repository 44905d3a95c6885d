package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	"github.com/puzpuzpuz/xsync/v4"
	"go.opentelemetry.io/otel/attribute"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"github.com/ostiary/ostiary"
)

// scope names the instrumentation.
const scope = "github.com/ostiary/ostiary"

// Options are what a Telemetry is made of.
type Options struct {
	// Service is service.name, Version the program's.
	Service, Version string
	// Sample is the share of calls that are traced, from 0 to 1. A call with a trace
	// context that is not sampled never is.
	Sample float64
	// Known reports whether the configuration names a principal; nil knows nobody.
	Known func(principal string) bool
	// Collector is nil where nothing is pushed.
	Collector *Collector
	// Scraped says that Handler is served.
	Scraped bool
	// Now is the clock, Log hears of a collector that takes nothing. Required.
	Now func() time.Time
	Log *slog.Logger
}

// Telemetry is an [ostiary.Observer]. It is used by many goroutines at once; Close it.
type Telemetry struct {
	o        Options
	meter    metric.Meter
	count    *instruments
	tools    tools
	trace    *tracer
	spans    *spans    // nil without traces
	push     *exporter // nil without a collector
	registry *prometheus.Registry
	pool     sync.Pool
	open     atomic.Int64
	dropped  [2]atomic.Int64
	closed   atomic.Bool
}

var _ ostiary.Observer = (*Telemetry)(nil)

// New begins to count, and to push where there is a collector.
func New(o Options) (*Telemetry, error) {
	if o.Known == nil {
		o.Known = func(string) bool { return false }
	}
	t := &Telemetry{o: o, trace: newTracer(o.Sample), tools: tools{known: xsync.NewMap[string, struct{}]()}}
	t.pool.New = func() any { return &watch{} }
	what := resource.NewWithAttributes(semconv.SchemaURL, semconv.ServiceName(o.Service), semconv.ServiceVersion(o.Version))
	options := []sdkmetric.Option{
		sdkmetric.WithResource(what), sdkmetric.WithCardinalityLimit(mostSeries), sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter),
	}
	if o.Scraped {
		t.registry = prometheus.NewRegistry()
		t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		p, err := otelprom.New(otelprom.WithRegisterer(t.registry), otelprom.WithoutScopeInfo(),
			otelprom.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes))
		if err != nil {
			return nil, err
		}
		options = append(options, sdkmetric.WithReader(p))
	}
	if o.Collector != nil {
		var err error
		if t.push, err = newExporter(t, o.Collector); err != nil {
			return nil, err
		}
		if t.push.reader != nil {
			options = append(options, sdkmetric.WithReader(t.push.reader))
		}
	}
	t.meter = sdkmetric.NewMeterProvider(options...).Meter(scope, metric.WithInstrumentationVersion(o.Version))
	var err error
	if t.count, err = newInstruments(t.meter); err != nil {
		return nil, err
	}
	if t.push == nil {
		return t, nil
	}
	if t.push.traces != nil {
		t.spans = newSpans(t, what)
	}
	every := o.Collector.Every
	if every <= 0 {
		every = pushEvery
	}
	t.push.start(t.spans, every)
	return t, nil
}

// Traceparent is the trace context that the server gets with a call, "" where the
// call is not traced and goes as it came. Begun says that it is of a trace that
// begins here, to which no tracestate of the caller belongs.
func (t *Telemetry) Traceparent(c *ostiary.Call) (text string, begun bool) {
	if t.spans == nil {
		return "", false
	}
	p := t.trace.place(c)
	if !p.sampled {
		return "", false
	}
	return p.text(), !p.parent.IsValid()
}

// Anomaly counts a jump of somebody's calls.
func (t *Telemetry) Anomaly(upstream string) {
	t.count.odd.Add(context.Background(), 1, metric.WithAttributes(attribute.String(attrUpstream, upstream)))
}

const (
	readLimit   = 10 * time.Second
	readersMost = 4
)

// Handler answers with the metrics as Prometheus' text; nil where Options do not
// say Scraped.
func (t *Telemetry) Handler() http.Handler {
	if t.registry == nil {
		return nil
	}
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(t.o.Log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: readersMost, Timeout: readLimit,
	})
}

// Close pushes what is left, until ctx ends. What is counted later is lost.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.closed.Swap(true) {
		return nil
	}
	if t.push == nil {
		return nil
	}
	if t.spans != nil {
		t.spans.close()
	}
	if err := t.push.close(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
