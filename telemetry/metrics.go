package telemetry

import (
	"context"
	"time"

	"github.com/puzpuzpuz/xsync/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/semconv/v1.41.0/mcpconv"

	"github.com/ostiary/ostiary"
)

// The metrics of the door's own.
const (
	metricDecisions = "ostiary.decisions"
	metricSettled   = "ostiary.approval.wait.duration"
	metricAnomalies = "ostiary.anomalies"
	metricOpen      = "ostiary.calls.open"
	metricWaiting   = "ostiary.approvals.waiting"
	metricSessions  = "ostiary.sessions"
	metricUpstream  = "ostiary.upstream.available"
	metricLag       = "ostiary.audit.waiting"
	metricWritable  = "ostiary.audit.writable"
	metricDropped   = "ostiary.telemetry.dropped"
)

// buckets are those of the conventions for the duration of an MCP operation, with
// finer ones below, since a refusal takes less than a millisecond.
func buckets() []float64 {
	return []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300}
}

// mostSeries bounds the sets of attributes that are kept, and those of one metric.
const mostSeries = 4000

// labels are what the metrics of a call tell apart.
type labels struct{ method, tool, upstream, failure, status string }

// verdict is what the counter of decisions tells apart.
type verdict struct{ stage, code, upstream, verdict string }

// instruments count calls. All methods may be called by many goroutines.
type instruments struct {
	server  mcpconv.ServerOperationDuration
	client  mcpconv.ClientOperationDuration
	settled metric.Float64Histogram
	decided metric.Int64Counter
	odd     metric.Int64Counter

	calls    *xsync.Map[labels, []metric.RecordOption]
	verdicts *xsync.Map[verdict, []metric.AddOption]
	waits    *xsync.Map[string, []metric.RecordOption]
}

func newInstruments(m metric.Meter) (i *instruments, err error) {
	i = &instruments{
		calls:    xsync.NewMap[labels, []metric.RecordOption](),
		verdicts: xsync.NewMap[verdict, []metric.AddOption](),
		waits:    xsync.NewMap[string, []metric.RecordOption](),
	}
	in := metric.WithExplicitBucketBoundaries(buckets()...)
	if i.server, err = mcpconv.NewServerOperationDuration(m, in); err != nil {
		return nil, err
	}
	if i.client, err = mcpconv.NewClientOperationDuration(m, in); err != nil {
		return nil, err
	}
	if i.settled, err = m.Float64Histogram(metricSettled, in, metric.WithUnit("s"),
		metric.WithDescription("How long calls that asked were held until somebody decided, or nobody did in time.")); err != nil {
		return nil, err
	}
	if i.odd, err = m.Int64Counter(metricAnomalies, metric.WithUnit("{anomaly}"),
		metric.WithDescription("Jumps of somebody's calls of a tool against what is usual.")); err != nil {
		return nil, err
	}
	i.decided, err = m.Int64Counter(metricDecisions, metric.WithUnit("{decision}"),
		metric.WithDescription("What was decided about calls: the end of each, and every question on the way."))
	return i, err
}

// finished counts a call, and its way to the server if it ran.
func (i *instruments) finished(l labels, took time.Duration, ran bool, away time.Duration) {
	o := i.of(l)
	i.server.Inst().Record(context.Background(), took.Seconds(), o...)
	if ran {
		i.client.Inst().Record(context.Background(), away.Seconds(), o...)
	}
}

// of is the set of attributes for l, made once.
func (i *instruments) of(l labels) []metric.RecordOption {
	if o, ok := i.calls.Load(l); ok {
		return o
	}
	if i.calls.Size() >= mostSeries {
		l.tool, l.status = "", ""
	}
	o := []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(l.attributes()...))}
	i.calls.Store(l, o)
	return o
}

// attributes are those of the conventions, as far as they have a value.
func (l *labels) attributes() []attribute.KeyValue {
	a := []attribute.KeyValue{attribute.String(string(semconv.McpMethodNameKey), l.method), attribute.String(attrUpstream, l.upstream)}
	if l.tool != "" {
		a = append(a, semconv.GenAIToolName(l.tool), semconv.GenAIOperationNameExecuteTool)
	}
	if l.failure != "" {
		a = append(a, attribute.String(string(semconv.ErrorTypeKey), l.failure))
	}
	if l.status != "" {
		a = append(a, semconv.RPCResponseStatusCode(l.status))
	}
	return a
}

func (i *instruments) decide(d *ostiary.Decision, upstream string) {
	v := verdict{d.Stage, string(d.Code), upstream, d.Verdict.String()}
	o, ok := i.verdicts.Load(v)
	if !ok {
		if i.verdicts.Size() >= mostSeries {
			v.stage, v.upstream = Other, Other
		}
		a := []attribute.KeyValue{attribute.String(attrVerdict, v.verdict), attribute.String(attrUpstream, v.upstream)}
		if v.stage != "" {
			a = append(a, attribute.String(attrStage, v.stage))
		}
		if v.code != "" {
			a = append(a, attribute.String(attrCode, v.code))
		}
		o = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(a...))}
		i.verdicts.Store(v, o)
	}
	i.decided.Add(context.Background(), 1, o...)
}

// waited counts how long a call was held for an answer.
func (i *instruments) waited(v ostiary.Verdict, took time.Duration) {
	o, ok := i.waits.Load(v.String())
	if !ok {
		o = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(attribute.String(attrVerdict, v.String())))}
		i.waits.Store(v.String(), o)
	}
	i.settled.Record(context.Background(), took.Seconds(), o...)
}
