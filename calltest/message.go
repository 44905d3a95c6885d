package calltest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary/wire"
)

// The revision that cases speak in each era.
const (
	legacyVersion = "2025-11-25"
	modernVersion = "2026-07-28"
)

// message is one line as it is sent, and how it is known again.
type message struct {
	raw    []byte
	id     string // raw; "" for a notification and for bytes that have none
	method string
	target string
	json   bool
}

// names are what a case may write for what is known only when it runs.
type names struct {
	work  string
	token string // the one that was made last; "" is none
}

func expand(data []byte, work string) []byte { return names{work: work}.in(data) }

// in puts the names into a text: $WORK, $WS, $TOKEN. Others stay, since they may
// be part of an attack. What they stand for needs no quoting in JSON.
func (n names) in(data []byte) []byte {
	var out bytes.Buffer
	for {
		i := bytes.IndexByte(data, '$')
		if i < 0 {
			out.Write(data)
			return out.Bytes()
		}
		out.Write(data[:i])
		data = data[i:]
		name := word(data[1:])
		data = data[1+len(name):]
		switch name {
		case "WORK":
			out.WriteString(n.work)
		case "WS":
			out.WriteString(n.work + "/ws")
		case "TOKEN":
			out.WriteString(cmp.Or(n.token, "$TOKEN"))
		default:
			out.WriteString("$" + name)
		}
	}
}

func word(b []byte) string {
	n := bytes.IndexFunc(b, func(r rune) bool {
		return (r < 'A' || r > 'Z') && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
	if n < 0 {
		n = len(b)
	}
	return string(b[:n])
}

// lineOf makes the line to send of a section: a whole message or bytes that are
// no JSON as they stand, anything else as the params of a tools/call.
func lineOf(data []byte, era wire.Era, number int) message {
	data = bytes.TrimSpace(data)
	var compact bytes.Buffer
	if json.Compact(&compact, data) != nil {
		return message{raw: data}
	}
	data = compact.Bytes()
	var m map[string]json.RawMessage
	if json.Unmarshal(data, &m) != nil || m["method"] != nil || m["jsonrpc"] != nil {
		return known(data)
	}
	if era == wire.EraModern && m["_meta"] == nil {
		data = withMember(data, `"_meta":{"io.modelcontextprotocol/protocolVersion":"`+modernVersion+
			`","io.modelcontextprotocol/clientCapabilities":{}}`)
	}
	return known(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":"call-%d","method":"tools/call","params":%s}`, number, data))
}

// withMember puts a member in front of the others of an object.
func withMember(object []byte, member string) []byte {
	rest := object[1:]
	if rest[0] != '}' {
		member += ","
	}
	return append([]byte("{"+member), rest...)
}

// known reads what a message is, as leniently as any parser would.
func known(raw []byte) message {
	m := message{raw: raw, json: true}
	var e struct {
		ID     json.RawMessage
		Method string
		Params struct{ Name, URI string }
	}
	if json.Unmarshal(raw, &e) != nil {
		var bare struct{ Method string }
		m.json = json.Unmarshal(raw, &bare) == nil
		m.method = bare.Method
		if id := wire.RecoverID(raw); id != nil {
			m.id = string(id)
		}
		return m
	}
	m.method, m.target = e.Method, e.Params.Name
	if strings.HasPrefix(m.method, "resources/") {
		m.target = e.Params.URI
	}
	if len(e.ID) > 0 && string(e.ID) != "null" {
		m.id = string(e.ID)
	}
	return m
}

// body is the member of a response that a reply section stands for: "result" or
// "error" where it says so, else a result.
func body(data []byte) []byte {
	var m map[string]json.RawMessage
	if json.Unmarshal(data, &m) == nil && len(m) == 1 {
		for _, key := range []string{"result", "error"} {
			if m[key] != nil {
				return compactOf(`"`+key+`":`, m[key])
			}
		}
	}
	return compactOf(`"result":`, data)
}

func compactOf(head string, data []byte) []byte {
	b := bytes.NewBufferString(head)
	if json.Compact(b, data) != nil {
		b.WriteString("{}")
	}
	return b.Bytes()
}

// response answers a request.
func response(id string, body []byte) []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,%s}`, id, body)
}
