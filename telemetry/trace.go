package telemetry

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"math"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// place is where a call stands in a trace.
type place struct {
	trace          trace.TraceID
	parent         trace.SpanID // of who called; zero without one
	server, client trace.SpanID // ours: the call, and its way to the server
	sampled        bool
}

// tracer finds the place of a call from the call alone, so that the door, which puts
// it into the message, and the span, which is made later, need not meet.
type tracer struct {
	seeds [5]maphash.Seed
	below uint64 // the last bytes of trace ids that are sampled
}

func newTracer(share float64) *tracer {
	t := &tracer{below: uint64(math.Min(max(share, 0), 1) * (1 << 63))}
	for i := range t.seeds {
		t.seeds[i] = maphash.MakeSeed()
	}
	return t
}

// place reads the parent in _meta (W3C Trace Context, SEP-414). One that is no
// traceparent is none, and a call without one begins a trace.
func (t *tracer) place(c *ostiary.Call) place {
	var p place
	if parent := t.parent(c.Meta); parent.IsValid() {
		// A caller may ask for less than the operator's share and not for more. The
		// whole of a trace is in or out, and which is in nobody outside can choose.
		p.trace, p.parent = parent.TraceID(), parent.SpanID()
		p.sampled = parent.IsSampled() && t.hash(4, string(p.trace[:]))>>1 < t.below
	} else {
		binary.BigEndian.PutUint64(p.trace[:8], t.hash(0, c.ID))
		low := t.hash(1, c.ID)
		binary.BigEndian.PutUint64(p.trace[8:], low)
		p.sampled = low>>1 < t.below
	}
	binary.BigEndian.PutUint64(p.server[:], t.hash(2, c.ID))
	binary.BigEndian.PutUint64(p.client[:], t.hash(3, c.ID))
	return p
}

func (t *tracer) hash(seed int, id string) uint64 { return max(1, maphash.String(t.seeds[seed], id)) }

func (t *tracer) parent(meta []byte) trace.SpanContext {
	if meta == nil {
		return trace.SpanContext{}
	}
	raw, ok := wire.Member(meta, keyParent)
	if !ok || len(raw) < 2 || raw[0] != '"' {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), carrier(raw[1:len(raw)-1]))
	return trace.SpanContextFromContext(ctx)
}

const keyParent = "traceparent"

// carrier holds a traceparent and nothing else: tracestate is the caller's own text.
type carrier string

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string {
	if key == keyParent {
		return string(c)
	}
	return ""
}

// Set implements propagation.TextMapCarrier.
func (carrier) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (carrier) Keys() []string { return []string{keyParent} }

// text is the traceparent that the server gets.
func (p *place) text() string {
	return "00-" + p.trace.String() + "-" + p.client.String() + "-01"
}
