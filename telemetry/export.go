package telemetry

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ostiary/ostiary"
)

// Collector is where traces and metrics are pushed to, by OTLP over HTTP.
type Collector struct {
	// URL is its base; /v1/traces and /v1/metrics are below it.
	URL string
	// Headers go with every request; they may be secret.
	Headers map[string]string
	// Client reaches it. Its transport decides which addresses may be dialled.
	Client *http.Client
	// Every is how often metrics are pushed; 30 s by default.
	Every time.Duration
	// NoTraces and NoMetrics leave one of the two out.
	NoTraces, NoMetrics bool
}

const (
	pushEvery  = 30 * time.Second
	pushLimit  = 10 * time.Second // for one request, its repetitions included
	mostAnswer = 64 << 10
	quietFor   = time.Minute // between two complaints
)

const (
	signalTraces = iota
	signalMetrics
)

func signals() [2]string { return [2]string{"traces", "metrics"} }

// exporter pushes to a collector. Nobody waits for it but close.
type exporter struct {
	t       *Telemetry
	traces  *otlptrace.Exporter
	metrics *otlpmetrichttp.Exporter
	reader  *sdkmetric.ManualReader
	ctx     context.Context // ends when close has waited long enough
	stop    context.CancelFunc
	last    chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	spoke time.Time
}

// newExporter says everything that an environment variable could change.
func newExporter(t *Telemetry, c *Collector) (*exporter, error) {
	e := &exporter{t: t, last: make(chan struct{})}
	e.ctx, e.stop = context.WithCancel(context.Background())
	base := strings.TrimSuffix(c.URL, "/")
	headers := maps.Clone(c.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	var err error
	if !c.NoTraces {
		if e.traces, err = otlptracehttp.New(e.ctx, otlptracehttp.WithEndpointURL(base+"/v1/traces"), otlptracehttp.WithHeaders(headers),
			otlptracehttp.WithHTTPClient(c.Client), otlptracehttp.WithTimeout(pushLimit), otlptracehttp.WithEncoding(otlptracehttp.EncodingProtobuf),
			otlptracehttp.WithCompression(otlptracehttp.GzipCompression), otlptracehttp.WithMaxResponseSize(mostAnswer),
			otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: pushLimit})); err != nil {
			return nil, err
		}
	}
	if !c.NoMetrics {
		if e.metrics, err = otlpmetrichttp.New(e.ctx, otlpmetrichttp.WithEndpointURL(base+"/v1/metrics"), otlpmetrichttp.WithHeaders(headers),
			otlpmetrichttp.WithHTTPClient(c.Client), otlpmetrichttp.WithTimeout(pushLimit),
			otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression), otlpmetrichttp.WithMaxResponseSize(mostAnswer),
			otlpmetrichttp.WithTemporalitySelector(sdkmetric.DefaultTemporalitySelector), otlpmetrichttp.WithAggregationSelector(sdkmetric.DefaultAggregationSelector),
			otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{})); err != nil {
			return nil, err
		}
		e.reader = sdkmetric.NewManualReader()
	}
	return e, nil
}

// start begins to push; s is nil where no traces are.
func (e *exporter) start(s *spans, every time.Duration) {
	if s != nil {
		e.running.Go(func() {
			for batch := range s.batches {
				e.pushSpans(batch)
			}
		})
	}
	if e.reader != nil {
		e.running.Go(func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					e.pushMetrics()
				case <-e.last:
					e.pushMetrics()
					return
				}
			}
		})
	}
}

func (e *exporter) pushSpans(batch []sdktrace.ReadOnlySpan) {
	ctx, cancel := context.WithTimeout(e.ctx, pushLimit)
	defer cancel()
	if err := e.traces.ExportSpans(ctx, batch); err != nil {
		e.t.dropped[signalTraces].Add(int64(len(batch)))
		e.complain(signalTraces, err)
	}
}

func (e *exporter) pushMetrics() {
	ctx, cancel := context.WithTimeout(e.ctx, pushLimit)
	defer cancel()
	var all metricdata.ResourceMetrics
	err := e.reader.Collect(ctx, &all)
	if err == nil {
		err = e.metrics.Export(ctx, &all)
	}
	if err != nil {
		e.t.dropped[signalMetrics].Add(1)
		e.complain(signalMetrics, err)
	}
}

// complain tells the operator now and then. What the collector answered is not
// repeated: it may hold what we sent.
func (e *exporter) complain(signal int, err error) {
	e.mu.Lock()
	now := e.t.o.Now()
	quiet := !e.spoke.IsZero() && now.Sub(e.spoke) < quietFor
	if !quiet {
		e.spoke = now
	}
	e.mu.Unlock()
	if quiet {
		return
	}
	why := "it refused"
	var oe *ostiary.Error
	switch {
	case errors.As(err, &oe):
		why = oe.Error()
	case errors.Is(err, context.DeadlineExceeded):
		why = "it did not answer in time"
	case errors.Is(err, context.Canceled):
		why = "the door closes"
	}
	e.t.o.Log.Warn("telemetry: the collector did not take what it was sent; calls are not affected", "signal", signals()[signal], "why", why)
}

// close pushes what is left, until ctx ends.
func (e *exporter) close(ctx context.Context) error {
	close(e.last)
	ended := make(chan struct{})
	go func() {
		e.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	e.stop()
	<-ended // every request ends with e.ctx
	var err error
	if e.traces != nil {
		err = e.traces.Shutdown(context.WithoutCancel(ctx))
	}
	if e.metrics != nil {
		err = errors.Join(err, e.metrics.Shutdown(context.WithoutCancel(ctx)))
	}
	return err
}
