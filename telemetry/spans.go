package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	queued     = 2048            // calls whose spans are still to be made
	batchSpans = 512             // spans in one request
	batchEvery = 2 * time.Second // how long a span waits at most for others
	batches    = 8               // requests that wait for the collector
)

// spans makes the spans of calls that have ended, in one goroutine, so that no call
// waits for it.
type spans struct {
	t       *Telemetry
	queue   chan *watch
	ids     ids
	tracer  trace.Tracer
	batch   []sdktrace.ReadOnlySpan
	batches chan []sdktrace.ReadOnlySpan
	stop    chan struct{}
	done    sync.WaitGroup
}

func newSpans(t *Telemetry, r *resource.Resource) *spans {
	s := &spans{t: t, queue: make(chan *watch, queued), batches: make(chan []sdktrace.ReadOnlySpan, batches), stop: make(chan struct{})}
	// Everything that an environment variable could change is said here.
	p := sdktrace.NewTracerProvider(sdktrace.WithResource(r), sdktrace.WithSampler(sdktrace.AlwaysSample()),
		sdktrace.WithIDGenerator(&s.ids), sdktrace.WithSpanProcessor((*collect)(s)),
		sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{AttributeValueLengthLimit: 256, AttributeCountLimit: 32, EventCountLimit: 32,
			AttributePerEventCountLimit: 8, LinkCountLimit: 0, AttributePerLinkCountLimit: 0}))
	s.tracer = p.Tracer(scope, trace.WithInstrumentationVersion(t.o.Version))
	s.done.Go(s.make)
	return s
}

// take hands over a call that has ended. What finds no room is dropped and counted.
func (s *spans) take(w *watch) {
	select {
	case s.queue <- w:
	default:
		s.t.dropped[signalTraces].Add(1)
		s.t.pool.Put(w)
	}
}

// make runs until close, and then until the queue is empty.
func (s *spans) make() {
	defer close(s.batches)
	tick := time.NewTicker(batchEvery)
	defer tick.Stop()
	for {
		select {
		case w := <-s.queue:
			s.span(w)
		case <-tick.C:
			s.flush()
		case <-s.stop:
			for {
				select {
				case w := <-s.queue:
					s.span(w)
					continue
				default:
				}
				s.flush()
				return
			}
		}
	}
}

func (s *spans) close() {
	close(s.stop)
	s.done.Wait()
}

// span makes the span of a call and that of its way to the server.
func (s *spans) span(w *watch) {
	ctx := context.Background()
	if w.place.parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: w.place.trace, SpanID: w.place.parent, TraceFlags: trace.FlagsSampled, Remote: true,
		}))
	}
	name := w.method
	if w.tool != "" && w.tool != Other {
		name += " " + w.tool
	}
	attributes := append(w.attributes(), attribute.String(attrCall, w.call), attribute.String(attrEffect, w.effect),
		attribute.String(attrPrincipal, w.principal), attribute.String(attrVerdict, w.last.Verdict.String()))
	if w.last.Stage != "" {
		attributes = append(attributes, attribute.String(attrStage, w.last.Stage))
	}
	if w.last.Code != "" {
		attributes = append(attributes, attribute.String(attrCode, string(w.last.Code)))
	}
	s.ids.trace, s.ids.span = w.place.trace, w.place.server
	ctx, call := s.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(w.began), trace.WithAttributes(attributes...))
	for _, e := range w.stages {
		a := []attribute.KeyValue{attribute.String(attrStage, e.name), attribute.String(attrVerdict, e.verdict)}
		if e.code != "" {
			a = append(a, attribute.String(attrCode, e.code))
		}
		call.AddEvent(eventStage, trace.WithTimestamp(e.at), trace.WithAttributes(a...))
	}
	if !w.back.IsZero() {
		s.ids.span = w.place.client
		_, away := s.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(w.ran), trace.WithAttributes(w.attributes()...))
		failed(away, w.failure)
		away.End(trace.WithTimestamp(w.back))
	}
	failed(call, w.failure)
	call.End(trace.WithTimestamp(w.ended))
	s.t.pool.Put(w)
	if len(s.batch) >= batchSpans {
		s.flush()
	}
}

const eventStage = "ostiary.stage"

// failed marks the span of a failure, with a word of a closed list and no text.
func failed(s trace.Span, failure string) {
	if failure != "" {
		s.SetStatus(codes.Error, failure)
	}
}

// flush hands the batch to the exporter. A collector that does not keep up loses it.
func (s *spans) flush() {
	if len(s.batch) == 0 {
		return
	}
	select {
	case s.batches <- s.batch:
	default:
		s.t.dropped[signalTraces].Add(int64(len(s.batch)))
	}
	s.batch = nil
}

// ids gives out the ids that a span is to have. It is used by one goroutine.
type ids struct {
	trace trace.TraceID
	span  trace.SpanID
}

// NewIDs implements sdktrace.IDGenerator.
func (i *ids) NewIDs(context.Context) (trace.TraceID, trace.SpanID) { return i.trace, i.span }

// NewSpanID implements sdktrace.IDGenerator.
func (i *ids) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return i.span }

// collect puts spans that have ended into the batch.
type collect spans

// OnStart implements sdktrace.SpanProcessor.
func (*collect) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (c *collect) OnEnd(s sdktrace.ReadOnlySpan) { c.batch = append(c.batch, s) }

// Shutdown implements sdktrace.SpanProcessor.
func (*collect) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (*collect) ForceFlush(context.Context) error { return nil }
