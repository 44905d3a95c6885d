package wire

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ostiary/ostiary"
)

func (p *parser) get(s slot) []byte { return p.found[s].in(p.raw) }

// present counts those of the members that are there.
func (p *parser) present(members ...slot) (n int) {
	for _, s := range members {
		if p.found[s].end > 0 {
			n++
		}
	}
	return n
}

func (p *parser) view() (*Message, error) {
	m, err := p.message()
	if err != nil {
		return nil, err
	}
	return m, nil
}

// message decides what the members that were found mean.
func (p *parser) message() (*Message, error) {
	m := &Message{Raw: p.raw, ID: p.get(slotID), Params: p.get(slotParams), Result: p.get(slotResult), Error: p.get(slotError)}
	if !bytes.Equal(p.get(slotJSONRPC), []byte(`"2.0"`)) && !isJSONString(p.get(slotJSONRPC), "2.0") {
		return nil, refuse(ostiary.CodeWireEnvelope, `the message is not JSON-RPC 2.0; send "jsonrpc": "2.0"`)
	}
	if err := m.classify(p.get(slotMethod)); err != nil {
		return nil, err
	}
	if p.loneEnd > 0 {
		return nil, refuseAt(ostiary.CodeWireUTF8, p.loneEnd, "a string of the message has half of a surrogate pair; send whole characters")
	}
	if err := m.readID(); err != nil {
		return nil, err
	}
	switch m.Kind {
	case KindRequest, KindNotification:
		return m, p.readParams(m)
	case KindResult:
		return m, p.readResult(m)
	case KindError:
		if !isKind(m.Error, '{') {
			return nil, refuse(ostiary.CodeWireEnvelope, "the error of a response must be an object")
		}
		m.ResultTwin = p.resultTwin
		return m, p.readElicitations(m)
	}
	return m, nil
}

// classify tells requests, notifications and responses apart.
func (m *Message) classify(method []byte) error {
	switch {
	case method != nil && (m.Result != nil || m.Error != nil):
		return refuse(ostiary.CodeWireEnvelope, "the message has a method and a result or error; send a request or a response")
	case m.Result != nil && m.Error != nil:
		return refuse(ostiary.CodeWireEnvelope, "the response has a result and an error; send one of them")
	case method != nil:
		name, ok := decodeString(method)
		if !ok || name == "" {
			if hasLoneSurrogateString(method) {
				return refuse(ostiary.CodeWireUTF8, "the method has half of a surrogate pair; send whole characters")
			}
			return refuse(ostiary.CodeWireEnvelope, "the method must be a string and not empty")
		}
		m.Method, m.Kind = name, KindRequest
		if m.ID == nil {
			m.Kind = KindNotification
		}
		if m.Params != nil && m.Params[0] != '{' {
			return refuse(ostiary.CodeWireParams, "params must be an object; leave it out if there are none")
		}
		return nil
	case m.Result == nil && m.Error == nil:
		return refuse(ostiary.CodeWireEnvelope, "the message has no method, result or error; send a request, a notification or a response")
	case m.Params != nil:
		return refuse(ostiary.CodeWireEnvelope, "the message has params and a result or error, but no method; send a request or a response")
	case m.Result != nil:
		m.Kind = KindResult
	default:
		m.Kind = KindError
	}
	return nil
}

func (m *Message) readID() error {
	if m.Kind == KindNotification {
		return nil
	}
	// An error may answer a request whose id could not be read (JSON-RPC: null;
	// MCP since 2025-11-25: absent).
	if m.Kind == KindError && (m.ID == nil || m.ID[0] == 'n') {
		return nil
	}
	if m.Key = idKey(m.ID); m.Key == "" {
		return refuse(ostiary.CodeWireID, "a request and a result need an id that is a string or a number of ordinary size")
	}
	return nil
}

// readParams reads what the method makes of params.
func (p *parser) readParams(m *Message) error {
	if meta := p.get(slotMeta); meta != nil {
		if meta[0] != '{' {
			return refuse(ostiary.CodeWireParams, "params._meta must be an object; leave it out if there is none")
		}
		m.Meta = meta
	}
	if v := p.get(slotMetaVersion); v != nil {
		var ok bool
		if m.Version, ok = decodeString(v); !ok || m.Version == "" {
			return refuse(ostiary.CodeWireParams, "params._meta: "+metaVersion+" must be a string and not empty")
		}
		m.Era = EraModern
	}
	m.ProgressToken = p.get(slotMetaProgress)
	m.HasOwnMeta = p.get(slotMetaGrant) != nil || p.get(slotMetaKey) != nil
	if m.Kind == KindNotification {
		if err := p.readAsks(m, slotInputRequests); err != nil {
			return err
		}
	}
	m.HasInputResponses = p.get(slotInputResponses) != nil || p.get(slotRequestState) != nil
	var err error
	switch m.Method {
	case "tools/call", "prompts/get":
		if m.Name, err = p.need(slotName, "params.name"); err != nil {
			return err
		}
		if m.Arguments = p.get(slotArguments); m.Arguments != nil && m.Arguments[0] != '{' {
			return refuse(ostiary.CodeWireParams, "params.arguments must be an object; leave it out if there are none")
		}
		m.HasBeside = p.params > p.present(slotName, slotArguments, slotMeta)
	case "resources/read":
		m.Name, err = p.need(slotURI, "params.uri")
	case "resources/subscribe", "resources/unsubscribe":
		// The modern era has neither, and its servers say so whatever the params are.
		if m.Name, err = p.need(slotURI, "params.uri"); m.Era == EraModern && p.get(slotURI) == nil {
			err = nil
		}
	case "completion/complete":
		if !isKind(p.get(slotRef), '{') {
			return refuse(ostiary.CodeWireParams, "params.ref must be an object")
		}
		if p.get(slotRefURI) != nil && p.get(slotRefName) != nil {
			return refuse(ostiary.CodeWireParams, "params.ref has a name and a uri; send one of them")
		}
		if p.get(slotRefURI) != nil {
			m.Name, err = p.need(slotRefURI, "params.ref.uri")
		} else {
			m.Name, err = p.need(slotRefName, "params.ref.name")
		}
	case "initialize":
		if p.get(slotVersion) != nil && m.Era == EraLegacy {
			m.Version, err = p.need(slotVersion, "params.protocolVersion")
		}
	case "elicitation/create":
		m.ElicitationMode, err = p.mode()
	case "notifications/cancelled":
		if m.CancelID = p.get(slotRequestID); m.CancelID != nil {
			if m.CancelKey = idKey(m.CancelID); m.CancelKey == "" {
				return refuse(ostiary.CodeWireParams, "params.requestId must be a string or a number")
			}
		}
	case "notifications/progress":
		m.ProgressToken = p.get(slotProgress)
	case "tasks/list":
	default:
		if strings.HasPrefix(m.Method, "tasks/") {
			m.Name, err = p.need(slotTaskID, "params.taskId")
		}
	}
	if err != nil {
		return err
	}
	if m.ProgressToken != nil {
		if m.ProgressKey = idKey(m.ProgressToken); m.ProgressKey == "" {
			return refuse(ostiary.CodeWireParams, "a progressToken must be a string or a number")
		}
	}
	return nil
}

// need returns a member that must be a string and not empty.
func (p *parser) need(s slot, what string) (string, error) {
	v, ok := decodeString(p.get(s))
	if !ok || v == "" {
		return "", refuse(ostiary.CodeWireParams, what+" is needed; send it as a string that is not empty")
	}
	return v, nil
}

// mode is the mode of an elicitation; absent it is "form".
func (p *parser) mode() (string, error) {
	if p.get(slotMode) == nil {
		return "form", nil
	}
	return p.need(slotMode, "params.mode")
}

func (p *parser) readResult(m *Message) error {
	m.ResultKind = ResultComplete
	if m.Result[0] != '{' {
		return nil
	}
	if meta := p.get(slotResultMeta); isKind(meta, '{') {
		m.Meta = meta
	}
	m.ResultTwin = p.resultTwin
	m.IsError = string(p.get(slotResultIsError)) == "true"
	if v := p.get(slotResultKind); v != nil {
		kind, _ := decodeString(v)
		switch kind {
		case "complete":
		case "input_required":
			m.ResultKind = ResultInputRequired
		case "task":
			m.ResultKind = ResultTask
		default:
			m.ResultKind = ResultOther
		}
	}
	if m.ResultKind == ResultTask {
		m.TaskID, _ = decodeString(p.get(slotResultTaskID))
	} else {
		m.TaskID, _ = decodeString(p.get(slotResultTaskTaskID))
	}
	return p.readAsks(m, slotResultInputs, slotResultTaskInputs)
}

func isKind(raw []byte, first byte) bool { return len(raw) > 0 && raw[0] == first }

// decodeString decodes a raw JSON string; it is false for anything else and for
// a lone surrogate.
func decodeString(raw []byte) (string, bool) {
	if !isKind(raw, '"') {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	s, err := jsontext.AppendUnquote(nil, raw)
	return string(s), err == nil
}

func isJSONString(raw []byte, s string) bool { return isKind(raw, '"') && isWord(raw, s) }

func hasLoneSurrogateString(raw []byte) bool { return isKind(raw, '"') && hasLoneSurrogate(raw) }
