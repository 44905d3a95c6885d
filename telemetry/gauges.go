package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Sources are asked when somebody reads the metrics. Each may be nil; all are used
// by several goroutines.
type Sources struct {
	// Waiting is how many calls wait for a person.
	Waiting func(context.Context) (int, error)
	// Sessions are those of the clients, by upstream.
	Sessions func() map[string]int
	// Upstreams says of each whether calls are sent to it at present.
	Upstreams func() map[string]bool
	// Audit is how many records are not durable yet, and why none can be written.
	Audit func() (waiting int, err error)
}

// askLimit bounds what a reader of the metrics waits for the store.
const askLimit = 2 * time.Second

// Read registers what is asked when the metrics are read. Call it once.
func (t *Telemetry) Read(s Sources) error {
	gauge := func(name, unit, what string) (metric.Int64ObservableGauge, error) {
		return t.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(what))
	}
	open, err := gauge(metricOpen, "{call}", "Calls that have begun and not ended.")
	if err != nil {
		return err
	}
	waiting, err := gauge(metricWaiting, "{request}", "Requests for approval that nobody has answered yet, in the state directory.")
	if err != nil {
		return err
	}
	sessions, err := gauge(metricSessions, "{session}", "Open sessions over HTTP, and principals of the revision without sessions.")
	if err != nil {
		return err
	}
	upstreams, err := gauge(metricUpstream, "1", "Whether calls are sent to the server at present: 0 while it is left alone after failures.")
	if err != nil {
		return err
	}
	lag, err := gauge(metricLag, "{record}", "Records of the evidence that are not durable yet; calls wait for them.")
	if err != nil {
		return err
	}
	writable, err := gauge(metricWritable, "1", "Whether the evidence can be written: 0 means that every call is refused.")
	if err != nil {
		return err
	}
	dropped, err := t.meter.Int64ObservableCounter(metricDropped, metric.WithUnit("{item}"),
		metric.WithDescription("Spans and pushes of metrics that were lost: no room, or the collector did not take them."))
	if err != nil {
		return err
	}
	_, err = t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		o.ObserveInt64(open, t.open.Load())
		for i, name := range signals() {
			o.ObserveInt64(dropped, t.dropped[i].Load(), metric.WithAttributes(attribute.String(attrSignal, name)))
		}
		if s.Waiting != nil {
			asking, cancel := context.WithTimeout(ctx, askLimit)
			if n, err := s.Waiting(asking); err == nil {
				o.ObserveInt64(waiting, int64(n))
			}
			cancel()
		}
		if s.Sessions != nil {
			for name, n := range s.Sessions() {
				o.ObserveInt64(sessions, int64(n), metric.WithAttributes(attribute.String(attrUpstream, name)))
			}
		}
		if s.Upstreams != nil {
			for name, up := range s.Upstreams() {
				o.ObserveInt64(upstreams, bit(up), metric.WithAttributes(attribute.String(attrUpstream, name)))
			}
		}
		if s.Audit != nil {
			n, err := s.Audit()
			o.ObserveInt64(lag, int64(n))
			o.ObserveInt64(writable, bit(err == nil))
		}
		return nil
	}, open, waiting, sessions, upstreams, lag, writable, dropped)
	return err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
