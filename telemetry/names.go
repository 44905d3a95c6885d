package telemetry

import (
	"sync/atomic"
	"unicode/utf8"

	"github.com/puzpuzpuz/xsync/v4"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// Other stands for every name that is not known here, as OpenTelemetry has it.
const Other = "_OTHER"

// The attributes of the door's own; those of the conventions are in package semconv.
const (
	attrCall      = "ostiary.call.id"
	attrCode      = "ostiary.code"
	attrEffect    = "ostiary.effect"
	attrPrincipal = "ostiary.principal"
	attrSignal    = "ostiary.signal"
	attrStage     = "ostiary.stage"
	attrUpstream  = "ostiary.upstream"
	attrVerdict   = "ostiary.verdict"
)

const (
	mostTools = 1000 // different names of tools in one process
	longest   = 128  // bytes of one, as the protocol has it
)

// tools are the names that servers list, as far as there is room for them.
type tools struct {
	known *xsync.Map[string, struct{}]
	count atomic.Int64
}

// name is the tool of a call if its server lists it; "" for a call of no tool.
func (t *tools) name(c *ostiary.Call) string {
	if c.Class != ostiary.ClassTool {
		return ""
	}
	if c.Definition == (ostiary.Digest{}) || len(c.Target) > longest || !utf8.ValidString(c.Target) {
		return Other
	}
	if _, ok := t.known.Load(c.Target); ok {
		return c.Target
	}
	if t.count.Add(1) > mostTools {
		t.count.Add(-1)
		return Other
	}
	if _, had := t.known.LoadOrStore(c.Target, struct{}{}); had {
		t.count.Add(-1)
	}
	return c.Target
}

// method is one of the protocol's.
func method(name string) string {
	if wire.Describe(name, wire.FromClient).Known || wire.Describe(name, wire.FromServer).Known {
		return name
	}
	return Other
}

// failure is the error.type of a call, "" for one that went well. A result with
// isError is a failure.
func failure(o *ostiary.Outcome) string {
	if o.Decision.Verdict != ostiary.Allow && o.Decision.Verdict != ostiary.Answer {
		return string(o.Decision.Code)
	}
	switch o.Status {
	case ostiary.StatusToolError:
		return "tool_error"
	case ostiary.StatusRPCError:
		return rpcCode(o.Result)
	}
	return ""
}

// rpcCode is the number of a JSON-RPC error if the protocol knows it. Any other is
// the server's to choose.
func rpcCode(r *ostiary.Result) string {
	if r == nil {
		return Other
	}
	raw, _ := wire.Member(r.Body, "code")
	switch code := string(raw); code {
	case "-32700", "-32600", "-32601", "-32602", "-32603", "-32000", "-32001", "-32002", "-32020", "-32021", "-32022", "-32042":
		return code
	}
	return Other
}
