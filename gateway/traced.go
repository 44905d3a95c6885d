package gateway

import (
	"bytes"
	"slices"

	"github.com/ostiary/ostiary/wire"
)

// The members of _meta that carry a trace (MCP 2026-07-28, basic, trace context).
const (
	metaTraceparent = "traceparent"
	metaTracestate  = "tracestate"
)

// traced is the request with the door's own place in the trace, so that what the
// server does appears below it. Like the id that a server over stdio gets, it is put
// in behind the gates: it is no part of what a rule or a person judges, and of what
// is repeated. A call that is not traced, and one that cannot be, goes as it came.
func (d *door) traced(q *caller) (m *wire.Message) {
	if d.o.Trace == nil {
		return q.m
	}
	defer func() {
		if recover() != nil {
			m = q.m
		}
	}()
	parent, begun := d.o.Trace(q.c)
	if parent == "" {
		return q.m
	}
	value := wire.Quote(parent)
	object := slices.Concat([]byte(`{"`+metaTraceparent+`":`), value, []byte("}"))
	var put change
	switch {
	case q.m.Meta != nil:
		put = change{within: q.m.Meta, set: []wire.Setting{{Name: metaTraceparent, Value: value}}}
		if begun {
			put.drop = []string{metaTracestate} // of a trace that this call is not in
		}
	case q.m.Params != nil:
		put = change{within: q.m.Params, set: []wire.Setting{{Name: "_meta", Value: object}}}
	default:
		put = change{within: bytes.TrimSpace(q.m.Raw), set: []wire.Setting{{Name: "params", Value: slices.Concat([]byte(`{"_meta":`), object, []byte("}"))}}}
	}
	edits, err := put.edits(q.m)
	if err != nil {
		return q.m
	}
	changed, err := d.spliced(q.m, edits)
	if err != nil {
		return q.m
	}
	return changed
}
