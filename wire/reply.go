package wire

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// The JSON-RPC error codes that the door uses. RPCRefused lies in the range that
// JSON-RPC leaves to implementations and outside of what MCP and its SDKs use.
const (
	RPCParseError     = -32700
	RPCInvalidRequest = -32600
	RPCMethodNotFound = -32601
	RPCInternalError  = -32603
	RPCRefused        = -32010
	// Those of MCP 2026-07-28: invalid params, a header that says something else
	// than the body, a revision that is not known.
	RPCInvalidParams  = -32602
	RPCHeaderMismatch = -32020
	RPCVersion        = -32022
)

// MetaDecision is the key in _meta of a refused tools/call under which the
// decision stands.
const MetaDecision = "ostiary/decision"

// RPCCode returns the JSON-RPC error code for a refusal: RPCParseError for bytes
// that parsers read differently or not at all, RPCInvalidRequest for the other
// malformed messages, RPCMethodNotFound for a method that no rule allows (a
// client that probes then falls back), RPCInternalError for a fault of the door,
// RPCRefused for everything else.
func RPCCode(code ostiary.Code) int {
	switch code {
	case ostiary.CodeWireParse, ostiary.CodeWireUTF8, ostiary.CodeWireTrailing, ostiary.CodeWireDuplicate:
		return RPCParseError
	case ostiary.CodePolicyMethod:
		return RPCMethodNotFound
	case ostiary.CodeWireMeta, ostiary.CodeGatewayTask:
		return RPCInvalidParams
	case ostiary.CodeWireHeader:
		return RPCHeaderMismatch
	case ostiary.CodeWireVersion:
		return RPCVersion
	case ostiary.CodeInternal, ostiary.CodePanic:
		return RPCInternalError
	}
	if strings.HasPrefix(string(code), "wire_") {
		return RPCInvalidRequest
	}
	return RPCRefused
}

// ErrorReply builds a JSON-RPC error response without a line break. A nil id
// becomes null. data is left out if nil; data that encoding/json cannot encode
// makes the reply an internal error, since a refusal must be sent.
func ErrorReply(id []byte, rpcCode int, message string, data any) []byte {
	var enc []byte
	if data != nil {
		var err error
		if enc, err = json.Marshal(data); err != nil {
			rpcCode, message, enc = RPCInternalError, "the door could not build its reply; the operator finds the reason in the audit log", nil
		}
	}
	return errorReply(id, rpcCode, message, enc)
}

func errorReply(id []byte, rpcCode int, message string, data []byte) []byte {
	b := appendHead(make([]byte, 0, 96+len(id)+len(message)+len(data)), id)
	b = strconv.AppendInt(append(b, `"error":{"code":`...), int64(rpcCode), 10)
	b = appendString(append(b, `,"message":`...), message)
	if data != nil {
		b = append(append(b, `,"data":`...), data...)
	}
	return append(b, "}}"...)
}

// Refusal builds the answer to a refused request: for tools/call a result with
// isError, the decision's Message as text and the decision in _meta; for any
// other method a JSON-RPC error with the same object in data. It returns nil for
// a notification or a response, which must not be answered. Of m it reads Kind,
// ID, Method and Era.
func Refusal(m *Message, callID string, d ostiary.Decision) []byte {
	if m.Kind != KindRequest {
		return nil
	}
	if m.Method != "tools/call" {
		data := appendDecision(nil, callID, d)
		if d.Code == ostiary.CodeWireVersion && m.Version != "" {
			data = appendVersions(data, m.Version)
		}
		return errorReply(m.ID, RPCCode(d.Code), d.Message, data)
	}
	b := appendHead(make([]byte, 0, 256+len(m.ID)+len(d.Message)), m.ID)
	b = append(b, `"result":{`...)
	if m.Era == EraModern {
		b = append(b, `"resultType":"complete",`...)
	}
	b = appendString(append(b, `"content":[{"type":"text","text":`...), d.Message)
	b = append(b, `}],"isError":true,"_meta":{"`+MetaDecision+`":`...)
	return append(appendDecision(b, callID, d), "}}}"...)
}

// RefusalMalformed builds the answer to bytes that Parse refused; the id is what
// RecoverID finds in raw.
func RefusalMalformed(raw []byte, callID string, d ostiary.Decision) []byte {
	return errorReply(RecoverID(raw), RPCCode(d.Code), d.Message, appendDecision(nil, callID, d))
}

func appendHead(b, id []byte) []byte {
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	if id == nil {
		b = append(b, "null"...)
	}
	return append(append(b, id...), ',')
}

// appendDecision appends what an agent may know of a decision. Reason is not
// part of it.
func appendDecision(b []byte, callID string, d ostiary.Decision) []byte {
	b = appendString(append(b, `{"code":`...), string(d.Code))
	b = appendString(append(b, `,"stage":`...), d.Stage)
	b = appendString(append(b, `,"call":`...), callID)
	if d.RetryAfter > 0 {
		// Rounded up to a millisecond: who waits this long has waited enough.
		ms := math.Ceil(float64(d.RetryAfter) / float64(time.Millisecond))
		b = strconv.AppendFloat(append(b, `,"retryAfter":`...), ms/1000, 'f', -1, 64)
	}
	return append(b, '}')
}

// appendVersions adds to an object which revisions are known, as
// UnsupportedProtocolVersionError has them (MCP 2026-07-28).
func appendVersions(b []byte, requested string) []byte {
	b = append(b[:len(b)-1], `,"supported":[`...)
	for i, v := range versions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, v.name)
	}
	return append(appendString(append(b, `],"requested":`...), requested), '}')
}
